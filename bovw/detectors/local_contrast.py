"""Local contrast: how much grey levels vary within about one region of an image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FAINTEST = 0.005
"""Below this, grey levels differ by noise and rounding alone: one step of 8 bits is 0.004."""
_SIGMA = 2.0
"""Deviation of the window in pixels of the shrunk images on which it is applied."""


def local_contrast(grey: NDArray[np.float32], n_regions: int, mask: NDArray[np.bool_]) -> float:
    """Return the root mean local variance of grey levels, at the scale of ``n_regions`` regions of a mask.

    s² is the mean over the mask of the variance G * g² − (G * g)² in a Gaussian window of half a region's
    side. It is at least ``FAINTEST``. If all grey levels are multiplied by a factor, so is s.

    Parameters
    ----------
    grey : float32 (rows, cols) in [0, 1].
    mask : bool (rows, cols); an empty one gives ``FAINTEST``.
    """
    area = int(np.count_nonzero(mask))
    if not area:
        return FAINTEST
    sigma = 0.5 * float(np.sqrt(area / n_regions))
    # What is averaged so widely can be averaged by small squares first: a tenth of the time.
    factor = max(1.0, sigma / _SIGMA)
    size = tuple(max(1, round(n / factor)) for n in grey.shape[::-1])  # (cols, rows), as OpenCV wants it
    mean, square, share = (
        cv2.resize(values, size, interpolation=cv2.INTER_AREA)
        for values in (grey, grey * grey, mask.astype(np.float32))
    )
    mean, square = (cv2.GaussianBlur(values, (0, 0), sigma / factor) for values in (mean, square))
    variance = np.maximum(np.asarray(square) - np.asarray(mean) ** 2, 0)
    return max(FAINTEST, float(np.sqrt(np.average(variance, weights=share))))
