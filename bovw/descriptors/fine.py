"""SIFT over the finest gradients: the layout of SIFT, without smoothing that grows with the frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import SettingError
from retrieval.kernel import kernel

from ..keypoints import Keypoints
from .gradient_maps import N_DIRECTIONS, GradientMaps
from .pooling import N_BINS, Floats, pool_pixels, pool_turned, pool_upright

BIN_WIDTH = 3.0
"""Width of a bin in σ of the frame, as in Lowe's SIFT."""
SAMPLES = 4.0
"""A bin is at least this many samples wide, if the image has as many."""


@dataclass(frozen=True)
class FineSift:
    """Describe frames by 4 × 4 bins × 8 directions of the image's finest gradients.

    SIFT smooths the image in proportion to the frame before it takes gradients. On medical images the
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
        return N_BINS * N_BINS * N_DIRECTIONS

    @property
    def in_colour(self) -> bool:
        """Whether it needs colour: no, grey images."""
        return False

    def describe(self, image: NDArray[np.float32], keypoints: Keypoints) -> NDArray[np.float32]:
        """Return one descriptor a keypoint, float32 (n, 128) in [0, 1], in the order of the keypoints.

        ``image`` is grey, float32 (rows, cols) in [0, 1]. What is outside the image contributes nothing;
        a frame without any gradient has a row of zeros. Raise PictureError if the image is not 2-D, and
        ValueError if a keypoint is not finite.
        """
        if not all(np.isfinite(getattr(keypoints, column.name)).all() for column in fields(keypoints)[:4]):
            raise ValueError("keypoints must have finite positions, scales and orientations")
        maps = GradientMaps.of(image, self.gradient_sigma)
        histograms = np.zeros((len(keypoints), N_BINS, N_BINS, N_DIRECTIONS), dtype=np.float32)
        levels = _levels(keypoints.scales)
        for level in np.unique(levels).tolist():
            chosen = np.flatnonzero(levels == level)
            histograms[chosen] = _pooled(maps, level, keypoints[chosen])
        descriptors = np.empty((len(keypoints), self.dimension), dtype=np.float32)
        _finish(histograms, keypoints.orientations, self.root, descriptors)
        return descriptors


def _levels(scales: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return for each σ the coarsest level at which a bin is still ``SAMPLES`` wide, or level 0."""
    samples = np.maximum(BIN_WIDTH * scales / SAMPLES, 1.0)
    return np.asarray(np.floor(np.log2(samples)), dtype=np.int64)


def _pooled(maps: GradientMaps, level: int, keypoints: Keypoints) -> NDArray[np.float32]:
    """Return the histograms of frames read from one level, (n, 4, 4, 8), directions as in the image."""
    # Upright frames, the usual ones of dense points, have separable weights, which cost less.
    there = keypoints.rescaled(0.5**level)
    widths = np.float32(BIN_WIDTH) * there.scales
    frames = np.stack([there.rows, there.cols, widths, there.orientations], axis=1)
    histograms = np.zeros((len(keypoints), N_BINS, N_BINS, N_DIRECTIONS), dtype=np.float32)
    if level == 0:
        pool_pixels(maps.magnitudes, maps.directions, frames, histograms)
    elif not keypoints.orientations.any():
        pool_upright(maps.level(level), frames, histograms)
    else:
        pool_turned(maps.level(level), frames, histograms)
    return histograms


@kernel()
def _finish(histograms: Floats, orientations: Floats, root: bool, descriptors: Floats) -> None:
    """Write histograms (n, 4, 4, 8) to rows of descriptors (n, 128), turned and normalised."""
    for i in range(len(descriptors)):
        _turn_back(histograms[i], orientations[i], descriptors[i])
        _normalise(descriptors[i], root)


@kernel()
def _turn_back(bins: Floats, orientation: np.float32, out: Floats) -> None:
    """Copy the bins, directions measured from the frame's own orientation."""
    # Turned back at the end, bin by bin, rather than at every pixel: turning and adding commute. A turn by a
    # fraction of a direction is linear between the two nearest.
    shift = -orientation * np.float32(N_DIRECTIONS / (2 * math.pi))
    whole = math.floor(shift)
    share = np.float32(shift - whole)
    for y in range(N_BINS):
        for x in range(N_BINS):
            for b in range(N_DIRECTIONS):
                here, there = bins[y, x, (b + whole) & 7], bins[y, x, (b + whole + 1) & 7]
                out[(y * N_BINS + x) * N_DIRECTIONS + b] = here + (there - here) * share


@kernel()
def _normalise(row: Floats, root: bool) -> None:
    """Normalise as SIFT does: unit L2 norm, clip at 0.2, and again; or then L1 and square root."""
    norm = np.sqrt((row * row).sum())
    if norm < 1e-12:
        row[:] = 0
        return
    for j in range(len(row)):
        row[j] = min(row[j] / norm, np.float32(0.2))
    norm = row.sum() if root else np.sqrt((row * row).sum())
    for j in range(len(row)):
        row[j] = np.sqrt(row[j] / norm) if root else row[j] / norm
