"""How much the points of an image count for in its bag, if they do not all count alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..keypoints import Keypoints
from ..scale_space import Pyramid, gradient_lengths
from .frames import frame_patches

UNIT = 16
"""The amount of an average point. Amounts are whole, so that bags of them are packed as counts are."""
_MOST = 160
"""400 points of as much are still a count of 16 bits."""
EXTENT = 12.0
"""Width of what a descriptor sees, in σ of its frame."""
_SAMPLES = 8
"""Along either side of it."""


def point_amounts(grey: NDArray[np.float32], points: Keypoints, by: str) -> NDArray[np.float32]:
    """Return how much each point counts for, float32 (n,), whole numbers.

    ``UNIT`` · √(x / mean x), x the mean gradient in the frame of a point (``gradient``) or its strength
    (``strength``). The root, so that a few strong edges do not make up all of a bag. A frame without any
    gradient counts for nothing, unless none has one.

    Parameters
    ----------
    grey : float32 (rows, cols), the image in which the points are.
    points : in pixels of that image.
    by : ``gradient`` or ``strength``.
    """
    if not len(points):
        return np.empty(0, np.float32)
    worth = gradients(grey, points) if by == "gradient" else points.strengths
    worth = np.maximum(worth, 0).astype(np.float64)
    mean = float(worth.mean())
    if mean <= 0:
        return np.full(len(points), UNIT, np.float32)
    return np.asarray(np.minimum(_MOST, np.round(UNIT * np.sqrt(worth / mean))), dtype=np.float32)


def gradients(grey: NDArray[np.float32], points: Keypoints) -> NDArray[np.float32]:
    """Return the mean length of the gradient in the frame of each point, float32 (n,), in grey a pixel."""
    blur = EXTENT / _SAMPLES / 2  # no gradient between two samples is passed over
    patches = frame_patches(Pyramid(gradient_lengths(grey)), points, _SAMPLES, EXTENT, blur)
    found: NDArray[np.float32] = patches.mean(axis=(1, 2))
    return found
