"""SIFT over the finest gradients: the layout of SIFT, without smoothing that grows with the frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from retrieval.errors import SettingError

from ..gradient_maps import N_DIRECTIONS, GradientMaps, Map
from ..keypoints import Keypoints

N_CELLS = 4
CELL_WIDTH = 3.0
"""Width of a cell in σ of the frame, as in Lowe's SIFT."""
SAMPLES = 4.0
"""A cell is at least this many samples wide, where the picture has as many."""


@dataclass(frozen=True)
class FineSift:
    """Describe frames by 4 × 4 cells × 8 directions of the picture's finest gradients.

    SIFT smooths the picture in proportion to the frame before it takes gradients. On medical pictures the
    fine texture inside a large frame tells more than its outline (``benchmarks/detectors.py`` prints by how
    much), so here the gradients are those of one fine scale, as in OpenCV's ``compute`` of keypoints without
    octaves, which reads each pixel of the frame for it. We average the gradients' histograms instead
    (:class:`GradientMaps`), and the cost does not depend on the scale.

    Parameters
    ----------
    gradient_sigma : smoothing before the gradient is taken, in pixels, in [0, 16].
    root : RootSIFT (Arandjelović and Zisserman 2012) instead of SIFT; both have unit L2 norm.
    """

    gradient_sigma: float = 1.0
    root: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.gradient_sigma <= 16:
            raise SettingError(f"gradient_sigma must be from 0 to 16 pixels, not {self.gradient_sigma}")

    @property
    def dimension(self) -> int:
        """Return 128."""
        return N_CELLS * N_CELLS * N_DIRECTIONS

    @property
    def in_colour(self) -> bool:
        """Tell that it describes grey pictures."""
        return False

    def describe(self, image: NDArray[np.float32], keypoints: Keypoints) -> NDArray[np.float32]:
        """Return one descriptor a keypoint, float32 (n, 128) in [0, 1], in the order of the keypoints.

        ``image`` is grey, float32 (rows, cols) in [0, 1]. What lies outside the picture contributes nothing;
        a frame without any gradient has a row of zeros. Raise PictureError where the image is not 2-D.
        """
        maps = GradientMaps.of(image, self.gradient_sigma)
        descriptors = np.zeros((len(keypoints), self.dimension), dtype=np.float32)
        numbers = _levels(keypoints.scales)
        for number in np.unique(numbers):
            chosen = np.flatnonzero(numbers == number)
            part = keypoints[chosen].rescaled(0.5 ** int(number))
            described = np.zeros((len(chosen), self.dimension), dtype=np.float32)
            _pool(maps.level(int(number)), part.rows, part.cols, part.scales, part.orientations, described)
            descriptors[chosen] = described
        _normalise(descriptors, self.root)
        return descriptors


def _levels(scales: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return for each σ the coarsest level at which a cell is still ``SAMPLES`` wide, or level 0."""
    samples = np.maximum(CELL_WIDTH * scales / SAMPLES, 1.0)
    return np.asarray(np.floor(np.log2(samples)), dtype=np.int64)


@numba.njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def _pool(
    level: Map,
    rows: NDArray[np.float32],
    cols: NDArray[np.float32],
    scales: NDArray[np.float32],
    orientations: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Add up each frame's gradients, cell by cell, bilinear between cells, under a Gaussian of σ = 2 cells.

    Positions and scales are in pixels of ``level``; ``out`` is float32 (n, 128), zero, ordered as OpenCV's:
    rows of cells, cells, directions.
    """
    height, width = level.shape[0], level.shape[1]
    cells = np.empty((N_CELLS + 2, N_CELLS + 2, N_DIRECTIONS), dtype=np.float32)
    for i in range(len(rows)):
        cells[:] = 0
        cos, sin = np.float32(math.cos(orientations[i])), np.float32(math.sin(orientations[i]))
        cell = np.float32(CELL_WIDTH) * scales[i]
        reach = cell * np.float32(0.5 * (N_CELLS + 1)) * (abs(cos) + abs(sin))
        top, bottom = max(0, math.ceil(rows[i] - reach)), min(height - 1, math.floor(rows[i] + reach))
        left, right = max(0, math.ceil(cols[i] - reach)), min(width - 1, math.floor(cols[i] + reach))
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                dy, dx = (np.float32(r) - rows[i]) / cell, (np.float32(c) - cols[i]) / cell
                across, down = dx * cos + dy * sin, dy * cos - dx * sin
                # Cell centres lie at −1.5, −0.5, 0.5, 1.5; a border of one cell takes what is beyond.
                x, y = across + np.float32(2.5), down + np.float32(2.5)
                if x <= 0 or y <= 0 or x >= N_CELLS + 1 or y >= N_CELLS + 1:
                    continue
                weight = np.float32(math.exp(-(across * across + down * down) / 8))
                x0, y0 = int(x), int(y)
                fx, fy = x - np.float32(x0), y - np.float32(y0)
                w11 = weight * fx * fy
                w10 = weight * fy - w11
                w01 = weight * fx - w11
                w00 = weight - w11 - w10 - w01
                for b in range(N_DIRECTIONS):
                    value = level[r, c, b]
                    cells[y0, x0, b] += w00 * value
                    cells[y0, x0 + 1, b] += w01 * value
                    cells[y0 + 1, x0, b] += w10 * value
                    cells[y0 + 1, x0 + 1, b] += w11 * value
        _turn_back(cells, orientations[i], out[i])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _turn_back(cells: NDArray[np.float32], orientation: float, out: NDArray[np.float32]) -> None:
    """Copy the inner cells, directions measured from the frame's own orientation."""
    shift = -orientation * np.float32(N_DIRECTIONS / (2 * math.pi))
    whole = math.floor(shift)
    share = np.float32(shift - whole)
    for y in range(N_CELLS):
        for x in range(N_CELLS):
            for b in range(N_DIRECTIONS):
                here = cells[y + 1, x + 1, (b + whole) & 7]
                there = cells[y + 1, x + 1, (b + whole + 1) & 7]
                out[(y * N_CELLS + x) * N_DIRECTIONS + b] = here * (1 - share) + there * share


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _normalise(descriptors: NDArray[np.float32], root: bool) -> None:
    """Normalise rows as SIFT does: unit L2 norm, clip at 0.2, and again; or then L1 and square root."""
    for i in range(len(descriptors)):
        row = descriptors[i]
        norm = math.sqrt((row * row).sum())
        if norm < 1e-12:
            row[:] = 0
            continue
        for j in range(len(row)):
            row[j] = min(row[j] / norm, 0.2)
        norm = row.sum() if root else math.sqrt((row * row).sum())
        for j in range(len(row)):
            row[j] = math.sqrt(row[j] / norm) if root else row[j] / norm
