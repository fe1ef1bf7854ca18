"""Tissue: where on a slide it is, found on a small overview, and whether a tile is in focus.

Glass has no colour: a pixel is tissue from a saturation on (Otsu 1979, as CLAM and HistoQC use it). Left out
are glass in holes, marks of pens, and folds, which are dark and saturated at once (Bautista and Yagi 2009).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ...picture import Pixels
from ..tiling import Tissue
from .slide import RGB

_LONGEST, _FINEST = 2048, 4.0
"""Pixels of the longer side of the overview, and its µm a pixel, at most and at least: no cells are seen."""

_LEAST, _MOST = 12, 60
"""Bounds of Otsu's threshold: on blank glass, or on a slide full of tissue, it parts noise from noise."""
_MEDIAN = 5
_SMALLEST = 1 / 20_000
"""Share of the overview of the smallest piece, or hole, that counts: less is dust, or a gap between cells."""
_MOST_PEN = 0.5
"""Share of what has colour that may be ink."""
_FOLD = 3.5
"""Deviations of saturation minus brightness from those of tissue at which it is a fold."""
_LEAST_FOLD = 0.35
_BLACK = 60
_PEN = 0.55
"""Share of saturated pixels around one in the colour of a pen: its marks are solid, cells are not."""


def longest_of(extent: tuple[float, float]) -> int:
    """Return the pixels of the longer side of the overview of a slide of (width, height) µm."""
    return max(64, min(_LONGEST, round(max(extent) / _FINEST)))


def tissue_mask(overview: RGB, tissue: Tissue) -> NDArray[np.bool_]:
    """Return where tissue is on an overview, bool (rows, cols); everywhere if no share is asked for."""
    if not tissue.share:
        return np.ones(overview.shape[:2], dtype=np.bool_)
    hsv = cv2.cvtColor(overview, cv2.COLOR_RGB2HSV)
    saturation = cv2.medianBlur(np.ascontiguousarray(hsv[..., 1]), _MEDIAN)
    # Black ground, as of fluorescence and of what a scanner left out, has no saturation that means anything.
    is_lit = hsv[..., 2] > _BLACK // 2
    least = tissue.saturation if tissue.saturation is not None else _threshold(saturation[is_lit])
    found = (saturation >= least) & is_lit
    pen = _pen(overview, hsv)
    # If it were most of what has colour, it is how the slide is stained: some stains are blue or green.
    if found.any() and pen[found].mean() <= _MOST_PEN:
        found &= ~pen
    found &= ~_fold(hsv, found)
    return _without_small(found)


def _threshold(saturation: NDArray[np.uint8]) -> int:
    if not saturation.size:
        return _MOST
    otsu = cv2.threshold(saturation.reshape(1, -1), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0]
    return int(np.clip(otsu, _LEAST, _MOST))


def _pen(overview: RGB, hsv: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where ink of a pen is: green, cyan and blue, which no stain is, or a solid black."""
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    red, green, blue = (overview[..., i].astype(np.int16) for i in range(3))
    # Haematoxylin is never greener than it is red; OpenCV's hue is half the degrees.
    cold = (hue >= 35) & (hue <= 118) & (saturation >= 45) & (green > red + 12)
    ink_blue = (blue > red + 70) & (saturation >= 110) & (hue >= 95) & (hue <= 124)
    black = (value < _BLACK) & (overview.max(axis=2) - overview.min(axis=2) < 25)
    solid = cv2.blur((cold | ink_blue | black).astype(np.float32), (9, 9)) >= _PEN
    # A mark fades at its border, where its colour is that of nothing: that goes with it.
    return np.asarray(cv2.dilate(solid.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0)


def _fold(hsv: NDArray[np.uint8], found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    excess = cv2.blur((hsv[..., 1].astype(np.float32) - hsv[..., 2]) / 255, (5, 5))
    if not found.any():
        return np.zeros(found.shape, dtype=np.bool_)
    middle = float(np.median(excess[found]))
    # The median of distances is not moved by the folds themselves; 1.4826 makes a deviation of it.
    spread = 1.4826 * float(np.median(np.abs(excess[found] - middle))) + 0.02
    dark = (excess > max(middle + _FOLD * spread, _LEAST_FOLD)).astype(np.uint8)
    # A fold is wide; a crowd of dark cells is not.
    return np.asarray(cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)) > 0)


def _without_small(found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Take small pieces away and fill small holes; large holes stay glass."""
    smallest = max(9, round(found.size * _SMALLEST))
    for value in (True, False):
        n, parts, stats, _ = cv2.connectedComponentsWithStats((found == value).astype(np.uint8))
        small = stats[:, cv2.CC_STAT_AREA] < smallest
        small[0] = False
        if n > 1:
            found = np.where(small[parts], not value, found)
    return np.asarray(found, dtype=np.bool_)


def shares(mask: NDArray[np.bool_], edges: tuple[NDArray[np.float64], ...]) -> NDArray[np.float64]:
    """Return the share of tissue of each tile of a grid, float64 (rows, cols).

    Parameters
    ----------
    edges : top, bottom, left and right of the tiles, as shares of the slide in [0, 1].
    """
    # A summed table: the sum of any box is four of its entries; a box holds one pixel at least.
    table = np.pad(mask.astype(np.int64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    top, bottom = _whole(edges[0], edges[1], mask.shape[0])
    left, right = _whole(edges[2], edges[3], mask.shape[1])
    sums = (table[np.ix_(bottom, right)] - table[np.ix_(top, right)]
            - table[np.ix_(bottom, left)] + table[np.ix_(top, left)])  # fmt: skip
    return np.asarray(sums / np.outer(bottom - top, right - left))


def _whole(
    start: NDArray[np.float64], end: NDArray[np.float64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first = np.clip(np.floor(start * n + 1e-9), 0, n - 1).astype(np.int64)
    return first, np.clip(np.ceil(end * n - 1e-9).astype(np.int64), first + 1, n)


def sharpness(pixels: Pixels) -> float:
    """Return how much of the fine contrast of an image is finest, 0 to 1; below 0.008 it is out of focus.

    The variance of what a blur of σ = 0.7 px takes away, over that of what one of σ = 3 px does. Tiles in
    focus of 22 slides have 0.02 to 0.22, and below 0.008 when blurred by σ = 3 px. A blank image is sharp:
    there is nothing to be seen better.
    """
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 0.7)
    coarse = float((grey - cv2.GaussianBlur(grey, (0, 0), 3.0)).var())
    return float(fine.var()) / coarse if coarse > 1e-6 else 1.0
