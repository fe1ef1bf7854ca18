"""Gradient maps: how strongly, and in which of eight directions, grey rises at each place."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PictureError, SettingError
from retrieval.kernel import kernel

N_DIRECTIONS = 8
FLAT = np.float32(2.0**-20)
"""Differences of grey levels up to this are the rounding of float32, and no gradient."""

Plane = NDArray[np.float32]
Map = NDArray[np.float32]
"""float32 (rows, cols, 8), C-contiguous: gradient magnitude, shared between the two nearest directions.

Direction b is b eighths of a turn, counter-clockwise on the screen from rising columns, as in OpenCV's SIFT.
"""


@dataclass(frozen=True, eq=False)
class GradientMaps:
    """Hold the gradients of one image, taken at one fine scale and averaged over 2, 4, 8, … pixels.

    The gradient is always that of the finest detail: coarser levels average its histograms, not the image,
    so that fine texture counts however large the frame is. Pixel i of level l covers the
    pixels [i · 2^l, (i + 1) · 2^l) of the image; level 0 is given by the two planes alone.

    Parameters
    ----------
    magnitudes : float32 (rows, cols), the length of the central difference, 2 pixels wide.
    directions : float32 (rows, cols), in eighths of a turn, in [0, 8], as in ``Map``.
    """

    magnitudes: Plane
    directions: Plane
    _levels: list[Map] = field(default_factory=list)

    @classmethod
    def of(cls, image: Plane, sigma: float) -> GradientMaps:
        """Take the gradients of a grey image (rows, cols), smoothed by a Gaussian of ``sigma`` pixels.

        Raise PictureError if the image is not 2-D or has no pixels, SettingError for a sigma outside
        [0, 16].
        """
        if image.ndim != 2 or 0 in image.shape:
            raise PictureError(f"gradients are taken of a grey (rows, cols) image, not of {image.shape}")
        if not 0 <= sigma <= 16:
            raise SettingError(f"gradient_sigma must be from 0 to 16 pixels, not {sigma}")
        smooth = np.ascontiguousarray(image, dtype=np.float32)
        if sigma > 0:
            smooth = np.asarray(cv2.GaussianBlur(smooth, (0, 0), sigma), dtype=np.float32)
        magnitudes, directions = np.empty_like(smooth), np.empty_like(smooth)
        _differentiate(smooth, magnitudes, directions)
        return cls(magnitudes, directions)

    def level(self, number: int) -> Map:
        """Return the map averaged over 2^number pixels, number ≥ 1, made when it is first asked for."""
        while len(self._levels) < number:
            rows, cols = self._levels[-1].shape[:2] if self._levels else self.magnitudes.shape
            coarser = np.empty(((rows + 1) // 2, (cols + 1) // 2, N_DIRECTIONS), dtype=np.float32)
            if self._levels:
                _halve(self._levels[-1], coarser)
            else:
                _share_out(self.magnitudes, self.directions, coarser)
            self._levels.append(coarser)
        return self._levels[number - 1]


@kernel()
def _differentiate(image: Plane, magnitudes: Plane, directions: Plane) -> None:
    """Write the central differences of (rows, cols) in polar form; the image's edge is repeated beyond it."""
    rows, cols = image.shape
    across = np.empty(cols, dtype=np.float32)
    for r in range(rows):
        here = image[r]
        across[0], across[-1] = here[min(1, cols - 1)] - here[0], here[-1] - here[max(cols - 2, 0)]
        across[1:-1] = here[2:] - here[:-2]
        above, below = image[max(r - 1, 0)], image[min(r + 1, rows - 1)]
        _polar(across, above, below, magnitudes[r], directions[r])


@kernel(error_model="numpy")
def _polar(across: Plane, above: Plane, below: Plane, magnitudes: Plane, directions: Plane) -> None:
    """Set length and direction of (across, above − below), all (cols,); the latter to 1e-3 of an eighth turn.

    A polynomial for arctan on [0, 1] (in the manner of Abramowitz and Stegun 1964, 4.4.49), mirrored into
    the circle.
    """
    # No branches, so that it compiles to vector instructions; a library's arctan would be most of the time.
    for c in range(across.size):
        x, y = across[c], above[c] - below[c]
        wide, high = abs(x), abs(y)
        small, large = (wide if wide < high else high), (high if wide < high else wide)
        # arctan of the smaller over the larger side is in [0, π/4]; the octant follows from signs and sizes.
        t = small / (large + np.float32(1e-30))
        s = t * t
        a = (
            (-np.float32(0.0464964749) * s + np.float32(0.15931422)) * s - np.float32(0.327622764)
        ) * s * t + t
        a *= np.float32(4 / math.pi)
        a = np.float32(2) - a if high > wide else a
        a = np.float32(4) - a if x < 0 else a
        directions[c] = np.float32(8) - a if y < 0 else a
        magnitudes[c] = np.sqrt(x * x + y * y) if large > FLAT else np.float32(0)


@kernel()
def _share_out(magnitudes: Plane, directions: Plane, coarser: Map) -> None:
    """Average squares of 2 × 2 pixels, each shared between its two directions; beyond an odd edge is zero."""
    # The map at full resolution, eight values a pixel, is never made: it would be eight times the image.
    rows, cols = magnitudes.shape
    for r in range(rows):
        line = coarser[r >> 1]
        if r & 1 == 0:
            line[:] = 0
        for c in range(cols):
            lower = int(directions[r, c])
            quarter = np.float32(0.25) * magnitudes[r, c]
            after = quarter * (directions[r, c] - np.float32(lower))
            line[c >> 1, lower & 7] += quarter - after
            line[c >> 1, (lower + 1) & 7] += after


@kernel()
def _halve(finer: Map, coarser: Map) -> None:
    """Average squares of 2 × 2; beyond an odd edge is zero, like all outside."""
    # Every value is read once and in order, and added where it belongs.
    coarser[:] = 0
    for r in range(finer.shape[0]):
        for c in range(finer.shape[1]):
            for b in range(N_DIRECTIONS):
                coarser[r >> 1, c >> 1, b] += np.float32(0.25) * finer[r, c, b]
