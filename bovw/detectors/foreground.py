"""The foreground: the body or tissue in an image, without the black background around it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

LONGEST = 128
"""The foreground is found on an image shrunk to this many pixels along its longest side."""

DARKEST, BRIGHTEST = 0.03, 0.1
"""The threshold between background and foreground is between these grey levels."""


def foreground(grey: NDArray[np.float32]) -> Mask:
    """Find the body in an image with a black background.

    Background is what is dark, and connected to the border of the image through what is dark. The level of
    the background is measured there, so that its noise does not count as body. Small bright islands
    (burned-in text and rulers) are left out.

    Parameters
    ----------
    grey : float32 (rows, cols) in [0, 1].

    Returns
    -------
    bool (rows, cols), True on the body. All True if there is no dark background, or if less than 1 % of the
    image would remain.
    """
    rows, cols = grey.shape
    factor = min(1.0, LONGEST / max(rows, cols))
    size = (max(1, round(cols * factor)), max(1, round(rows * factor)))
    small = cv2.resize(np.ascontiguousarray(grey), size, interpolation=cv2.INTER_AREA)
    body = _without_islands(_not_background(small))
    share = np.count_nonzero(body) / body.size
    if share < 0.01 or share > 0.99:
        return np.ones(grey.shape, dtype=np.bool_)
    whole = cv2.resize(body * np.uint8(255), (cols, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole >= 128)


def _not_background(small: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Mark with 1 what is not dark background connected to the border, uint8 (rows, cols)."""
    smooth = np.asarray(cv2.blur(small, (3, 3)))
    border = np.concatenate([smooth[0], smooth[-1], smooth[:, 0], smooth[:, -1]])
    dark = border[border <= BRIGHTEST]
    if not len(dark):
        return np.ones(small.shape, dtype=np.uint8)
    # Three deviations of the noise above the median of the background itself.
    level = float(np.median(dark)) + 3 * float(np.std(dark)) + 0.01
    below = (smooth <= np.clip(level, DARKEST, BRIGHTEST)).astype(np.uint8)
    # A dark frame around joins all dark borders, so that one fill from a corner reaches every one of them.
    framed = cv2.copyMakeBorder(below, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    cv2.floodFill(framed, None, (0, 0), 2, flags=4)
    return np.asarray(framed[1:-1, 1:-1] != 2, dtype=np.uint8)


def _without_islands(body: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Open by 3 × 3 pixels, and keep the pieces of at least a twentieth of the largest one."""
    opened = cv2.morphologyEx(body, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    n, pieces, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    if n < 2:
        return np.asarray(opened)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    kept = areas >= max(1.0, areas.max() / 20)
    return np.asarray(kept[pieces], dtype=np.uint8)
