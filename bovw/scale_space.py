"""The Gaussian scale space of one image, built level by level as levels are asked for."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrieval.errors import PictureError

INPUT_BLUR = 0.5
"""σ in pixels that an image is assumed to have (Lowe 2004, section 3.3)."""
BASE_BLUR = 1.6
"""σ in pixels of level 0, and of the first level of each octave on the octave's own grid (Lowe 2004)."""
LEVELS_PER_OCTAVE = 3
LOWEST = -5
"""The image itself: 1.6 · 2^(-5/3) is its own blur of 0.5."""
SMALLEST_SIDE = 8
"""No octave is halved whose shorter side, in pixels, is less than twice this."""


def gradient_lengths(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the length of the central difference at each pixel, float32 (rows, cols), in grey a pixel."""
    # Sobel's kernel of one row is the difference over two pixels.
    across, down = (cv2.Sobel(image, cv2.CV_32F, *axes, ksize=1, scale=0.5) for axes in ((1, 0), (0, 1)))
    return np.asarray(cv2.magnitude(across, down), dtype=np.float32)


class Pyramid:
    """Hold the scale space of one grey image.

    Level l has a blur of σ = 1.6 · 2^(l/3) pixels of the image. Levels below 0 have the image's grid;
    from 0 on, each three levels form an octave whose grid is half as fine as the octave before: pixel
    (r, c) of octave o is at (r · 2^o, c · 2^o) of the image. A level is made when it is first asked for
    and is kept as long as the pyramid, so that one pyramid can serve orientations and several descriptors.

    Parameters
    ----------
    image : float32 (rows, cols), grey. It is never written to.

    Raises
    ------
    PictureError : an image that is not 2-D, or has no pixels.
    """

    def __init__(self, image: ArrayLike) -> None:
        pixels = np.ascontiguousarray(image, dtype=np.float32)
        if np.ndim(image) != 2 or 0 in pixels.shape:
            raise PictureError(
                f"a pyramid is made of a grey image (rows, cols), not of shape {np.shape(image)}"
            )
        self.shape: tuple[int, int] = (pixels.shape[0], pixels.shape[1])
        octaves = max(0, int(math.log2(min(self.shape) / SMALLEST_SIDE))) if min(self.shape) > 1 else 0
        self.highest = LEVELS_PER_OCTAVE * (octaves + 1) - 1
        self._levels: dict[int, NDArray[np.float32]] = {LOWEST: pixels}

    @classmethod
    def of(cls, image: ArrayLike | Pyramid) -> Pyramid:
        """Return a pyramid as it is, and make one of an image."""
        return image if isinstance(image, Pyramid) else cls(image)

    def nearest(self, blurs: ArrayLike) -> NDArray[np.int64]:
        """Return for each blur (σ in pixels of the image) the level that comes nearest to it, int64."""
        # Levels are equally spaced in log σ, and so is what is near.
        octaves = np.log2(np.maximum(np.asarray(blurs, dtype=np.float64), 1e-3) / BASE_BLUR)
        levels = np.round(LEVELS_PER_OCTAVE * octaves)
        return np.asarray(np.clip(levels, LOWEST, self.highest), dtype=np.int64)

    def step(self, level: int) -> int:
        """Return the distance of neighbouring pixels of a level, in pixels of the image."""
        return 1 << max(0, level // LEVELS_PER_OCTAVE)

    def level(self, level: int) -> NDArray[np.float32]:
        """Return the image blurred to 1.6 · 2^(level/3), float32, C-contiguous, on the grid of its octave.

        It is shared: do not write to it. Raise KeyError for a level outside [LOWEST, highest].
        """
        if not LOWEST <= level <= self.highest:
            raise KeyError(f"level {level} of a pyramid that goes from {LOWEST} to {self.highest}")
        if level not in self._levels:
            self._levels[level] = self._made(level)
        return self._levels[level]

    def _made(self, level: int) -> NDArray[np.float32]:
        # Each from a level that is less blurred: a narrow Gaussian costs less than a wide one.
        layer = level % LEVELS_PER_OCTAVE
        if level <= 0:
            return _blurred(self.level(LOWEST), INPUT_BLUR, _blur(level))
        if layer > 0:
            return _blurred(self.level(level - layer), BASE_BLUR, _blur(layer))
        # Halving before the blur costs a quarter; what σ = 0.8 lets through above Nyquist is below 5 %.
        finer = self.level(level - LEVELS_PER_OCTAVE)
        return _blurred(np.ascontiguousarray(finer[::2, ::2]), BASE_BLUR / 2, BASE_BLUR)


def _blur(level: int) -> float:
    """Return σ of a level on the image's grid."""
    return float(BASE_BLUR * 2.0 ** (level / LEVELS_PER_OCTAVE))


def _blurred(image: NDArray[np.float32], present: float, wanted: float) -> NDArray[np.float32]:
    """Blur further, from σ = present to σ = wanted: Gaussians add in σ²."""
    sigma = math.sqrt(wanted**2 - present**2)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32)
