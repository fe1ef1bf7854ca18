"""Gradient maps: how strongly, and in which of eight directions, a picture rises at each place."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PictureError, SettingError

N_DIRECTIONS = 8
Map = NDArray[np.float32]
"""float32 (rows, cols, 8), C-contiguous: gradient magnitude, shared between the two nearest directions.

Direction b is b eighths of a turn, counter-clockwise on the screen from rising columns, as in OpenCV's SIFT.
"""


@dataclass(frozen=True, eq=False)
class GradientMaps:
    """Hold the gradients of one picture, taken at one fine scale and averaged over 1, 2, 4, … pixels.

    The gradient is always that of the finest detail: coarser levels average its histograms, not the picture,
    so that fine texture keeps its say however large the frame that looks at it. Pixel i of level l covers the
    pixels [i · 2^l, (i + 1) · 2^l) of the picture.
    """

    levels: list[Map] = field(default_factory=list)

    @classmethod
    def of(cls, image: NDArray[np.float32], sigma: float) -> GradientMaps:
        """Take the gradients of a grey picture (rows, cols), smoothed by a Gaussian of ``sigma`` pixels."""
        if image.ndim != 2:
            raise PictureError(f"gradients are taken of a grey (rows, cols) picture, not of {image.shape}")
        if not 0 <= sigma <= 16:
            raise SettingError(f"gradient_sigma must be from 0 to 16 pixels, not {sigma}")
        smooth = cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0 else image
        finest = np.empty((*image.shape, N_DIRECTIONS), dtype=np.float32)
        _differentiate(np.ascontiguousarray(smooth, dtype=np.float32), finest)
        return cls([finest])

    def level(self, number: int) -> Map:
        """Return the map averaged over 2^number pixels, made when it is first asked for."""
        while len(self.levels) <= number:
            finer = self.levels[-1]
            rows, cols = (finer.shape[0] + 1) // 2, (finer.shape[1] + 1) // 2
            coarser = np.empty((rows, cols, N_DIRECTIONS), dtype=np.float32)
            _halve(finer, coarser)
            self.levels.append(coarser)
        return self.levels[number]


@numba.njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def _turn(dy: np.float32, dx: np.float32) -> np.float32:
    """Return atan2(dy, dx) in units of an eighth turn, in [0, 8]; error below 1e-3 of a unit.

    A polynomial for arctan on [0, 1] (in the manner of Abramowitz and Stegun 1964, 4.4.49), mirrored into
    the circle.
    """
    ax, ay = abs(dx), abs(dy)
    small, large = min(ax, ay), max(ax, ay)
    t = small / (large + np.float32(1e-30))
    s = t * t
    a = ((-np.float32(0.0464964749) * s + np.float32(0.15931422)) * s - np.float32(0.327622764)) * s * t + t
    eighths = a * np.float32(4 / math.pi)
    if ay > ax:
        eighths = np.float32(2) - eighths
    if dx < 0:
        eighths = np.float32(4) - eighths
    if dy < 0:
        eighths = np.float32(8) - eighths
    return eighths


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _differentiate(image: NDArray[np.float32], out: Map) -> None:
    """Write the directional magnitudes of the central differences of (rows, cols) into (rows, cols, 8)."""
    rows, cols = image.shape
    for r in range(rows):
        above, below = max(r - 1, 0), min(r + 1, rows - 1)
        for c in range(cols):
            dy = image[below, c] - image[above, c]
            dx = image[r, min(c + 1, cols - 1)] - image[r, max(c - 1, 0)]
            magnitude = np.float32(math.sqrt(dx * dx + dy * dy))
            direction = _turn(-dy, dx)
            lower = int(direction)
            share = direction - np.float32(lower)
            for b in range(N_DIRECTIONS):
                out[r, c, b] = np.float32(0)
            out[r, c, lower & 7] = magnitude * (np.float32(1) - share)
            out[r, c, (lower + 1) & 7] += magnitude * share


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _halve(finer: Map, coarser: Map) -> None:
    """Average squares of 2 × 2; at an odd edge the missing half counts as zero, like all outside."""
    rows, cols = finer.shape[0], finer.shape[1]
    quarter = np.float32(0.25)
    for r in range(coarser.shape[0]):
        for c in range(coarser.shape[1]):
            for b in range(N_DIRECTIONS):
                coarser[r, c, b] = finer[2 * r, 2 * c, b]
            if 2 * c + 1 < cols:
                for b in range(N_DIRECTIONS):
                    coarser[r, c, b] += finer[2 * r, 2 * c + 1, b]
            if 2 * r + 1 < rows:
                for b in range(N_DIRECTIONS):
                    coarser[r, c, b] += finer[2 * r + 1, 2 * c, b]
                if 2 * c + 1 < cols:
                    for b in range(N_DIRECTIONS):
                        coarser[r, c, b] += finer[2 * r + 1, 2 * c + 1, b]
            for b in range(N_DIRECTIONS):
                coarser[r, c, b] *= quarter
