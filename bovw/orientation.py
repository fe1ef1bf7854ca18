"""The dominant orientation of a frame: the peak of its histogram of gradients (Lowe 2004, section 5)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .keypoints import Keypoints
from .pyramid import Pyramid

N_BINS = 36
WINDOW = 1.5
"""σ of the Gaussian window, in σ of the frame; gradients are counted up to three times as far."""


def dominant_orientations(image: NDArray[np.float32] | Pyramid, keypoints: Keypoints) -> NDArray[np.float32]:
    """Find the main direction of the gradients around each point, at the point's own scale.

    Gradients of the level of the scale space nearest to the frame are counted in 36 bins, weighted by their
    magnitude and a Gaussian of 1.5 σ, each shared by two bins; the histogram is smoothed by
    (1, 4, 6, 4, 1) / 16 and its highest peak is refined by a parabola.

    Parameters
    ----------
    image : float32 (rows, cols), or its scale space, where that is at hand.
    keypoints : n frames; their present orientations play no part.

    Returns
    -------
    float32 (n,), radians in [0, 2π), from rising columns towards rising rows, in which the picture grows
    brighter; 0 where there is no gradient at all.
    """
    pyramid = Pyramid.of(image)
    angles = np.zeros(len(keypoints), dtype=np.float32)
    levels = pyramid.nearest(keypoints.scales)
    for level in np.unique(levels):
        chosen = np.flatnonzero(levels == level)
        step = np.float32(pyramid.step(int(level)))
        angles[chosen] = orient(
            pyramid.level(int(level)),
            keypoints.rows[chosen] / step,
            keypoints.cols[chosen] / step,
            keypoints.scales[chosen] / step,
        )
    return angles


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def orient(
    image: NDArray[np.float32],
    rows: NDArray[np.float32],
    cols: NDArray[np.float32],
    scales: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the dominant orientations of n frames given in pixels of ``image``, which has their blur."""
    angles = np.empty(len(rows), dtype=np.float32)
    histogram = np.empty(N_BINS, dtype=np.float32)
    for i in range(len(rows)):
        histogram[:] = 0
        _count(image, rows[i], cols[i], np.float32(WINDOW) * scales[i], histogram)
        angles[i] = _peak(histogram)
    return angles


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _count(
    image: NDArray[np.float32],
    row: np.float32,
    col: np.float32,
    sigma: np.float32,
    histogram: NDArray[np.float32],
) -> None:
    """Add the gradients around (row, col), each to the two bins nearest to its angle."""
    reach = np.float32(3) * sigma
    top, bottom = max(1, int(row - reach) + 1), min(image.shape[0] - 2, int(row + reach))
    left, right = max(1, int(col - reach) + 1), min(image.shape[1] - 2, int(col + reach))
    if bottom < top or right < left:
        return
    falloff = np.float32(-0.5) / (sigma * sigma)
    across = np.exp((np.arange(left, right + 1).astype(np.float32) - col) ** 2 * falloff)
    for r in range(top, bottom + 1):
        weight = np.exp((np.float32(r) - row) ** 2 * falloff)
        for c in range(left, right + 1):
            down = image[r + 1, c] - image[r - 1, c]
            over = image[r, c + 1] - image[r, c - 1]
            size = np.sqrt(down * down + over * over)
            if size > 0:
                position = _arctan(down, over) * np.float32(N_BINS)
                bin_below = int(position)
                share = position - np.float32(bin_below)
                size *= weight * across[c - left]
                histogram[bin_below % N_BINS] += (1 - share) * size
                histogram[(bin_below + 1) % N_BINS] += share * size


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _arctan(y: np.float32, x: np.float32) -> np.float32:
    """Return the angle of (x, y) in turns, [0, 1]; not both may be 0.

    Abramowitz and Stegun (1964), 4.4.47: the error is below 1e-5 radian.
    """
    a, b = abs(x), abs(y)
    t = min(a, b) / max(a, b)
    s = t * t
    p = np.float32(0.0208351) * s - np.float32(0.0851330)
    p = (p * s + np.float32(0.1801410)) * s - np.float32(0.3302995)
    angle = (p * s + np.float32(0.9998660)) * t * np.float32(0.15915494)
    if b > a:
        angle = np.float32(0.25) - angle
    if x < 0:
        angle = np.float32(0.5) - angle
    return np.float32(1) - angle if y < 0 else angle


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _peak(histogram: NDArray[np.float32]) -> np.float32:
    """Return the angle of the highest peak of the smoothed histogram, radians in [0, 2π)."""
    smooth = np.empty(N_BINS, dtype=np.float32)
    for j in range(N_BINS):
        near = histogram[j - 1] + histogram[(j + 1) % N_BINS]
        far = histogram[j - 2] + histogram[(j + 2) % N_BINS]
        smooth[j] = (6 * histogram[j] + 4 * near + far) / 16
    best = np.argmax(smooth)
    low, top, high = smooth[best - 1], smooth[best], smooth[(best + 1) % N_BINS]
    bend = low - 2 * top + high
    shift = 0.5 * (low - high) / bend if bend < 0 else 0.0
    angle = np.float32((best + shift) % N_BINS * (2 * np.pi / N_BINS))
    return angle if angle < np.float32(2 * np.pi) else np.float32(0)
