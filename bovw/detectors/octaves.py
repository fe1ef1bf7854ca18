"""The octaves: the scale space in which SIFT looks for blobs (Lowe 2004, section 3)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Stack = NDArray[np.float32]

LAYERS = 3
"""Scales in an octave."""
BORDER = 5
"""Extrema nearer than this to the border of an octave, in its pixels, are not looked for."""
TRUNCATE = 3.5
"""Gaussians are cut off at this many σ."""


@dataclass(frozen=True, eq=False)
class Octave:
    """Hold one octave of the scale space.

    Parameters
    ----------
    gaussians : float32 (6, rows, cols), layer l blurred to sigma · 2^(l/3) of the octave's own pixels.
    step, origin : pixel (r, c) is at (r · step + origin, c · step + origin) of the image.
    """

    gaussians: Stack
    step: float
    origin: float


def octaves(image: NDArray[np.float32], sigma: float) -> list[Octave]:
    """Build the scale space of an image (rows, cols), from double its size down (Lowe 2004, section 3.3).

    The image is assumed to have a blur of 0.5, 1 when doubled. One that is too small for any extremum has no
    octaves.
    """
    rows, cols = image.shape
    first = np.asarray(cv2.resize(image, (2 * cols, 2 * rows), interpolation=cv2.INTER_LINEAR))
    first, step = _blurred(first, float(np.sqrt(sigma**2 - 1))), 0.5  # Gaussians add in σ²
    found: list[Octave] = []
    # The next octave begins with the layer of twice its σ, every other pixel of it.
    while min(first.shape) > 2 * BORDER:
        layers = _layers(first, sigma)
        found.append(Octave(layers, step, -0.25))
        first, step = np.ascontiguousarray(layers[LAYERS, ::2, ::2]), 2 * step
    return found


def _layers(first: NDArray[np.float32], sigma: float) -> Stack:
    """Blur on from σ = sigma by a third of an octave each time, (6, rows, cols).

    Half the resolution is enough for the last two: they are blurred there, and doubled by
    (1, 4, 6, 4, 1) / 8, which itself adds a variance of 1.
    """
    variances = sigma**2 * 4 ** (np.arange(LAYERS + 3) / LAYERS)
    stack = np.empty((LAYERS + 3, *first.shape), dtype=np.float32)
    stack[0] = first
    for i in range(1, LAYERS + 1):
        _blurred(stack[i - 1], float(np.sqrt(variances[i] - variances[i - 1])), stack[i])
    half, present = np.ascontiguousarray(stack[LAYERS, ::2, ::2]), variances[LAYERS]
    for i in range(LAYERS + 1, LAYERS + 3):
        half, present = _blurred(half, float(np.sqrt(variances[i] - 1 - present)) / 2), variances[i] - 1
        cv2.pyrUp(half, dst=stack[i], dstsize=(first.shape[1], first.shape[0]))
    return stack


def _blurred(
    image: NDArray[np.float32], sigma: float, result: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return the image blurred further; in ``result`` if that is given."""
    side = 2 * round(TRUNCATE * sigma) + 1
    return np.asarray(cv2.GaussianBlur(image, (side, side), sigma, dst=result), dtype=np.float32)
