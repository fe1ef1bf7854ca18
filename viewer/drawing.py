"""Drawings of interest points, of superpixel borders, and of where points fall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]

SKY, ORANGE, YELLOW, DARK = (86, 180, 233), (230, 159, 0), (240, 228, 66), (0, 0, 0)
"""Colours that everybody can tell apart (Okabe and Ito 2008), RGB."""

_SHIFT = 4
"""Bits after the point of the coordinates that OpenCV draws at: sixteenths of a pixel."""

_LEAST_RADIUS, _LARGE = 5.0, 40.0
"""Pixels: circles are not drawn smaller than the first, and have thin edges above the second."""


class Points(Protocol):
    """Columns of interest points, as ``bovw.keypoints.Keypoints`` holds them."""

    @property
    def rows(self) -> Floats:
        """Return float32 (n,), pixels from above."""

    @property
    def cols(self) -> Floats:
        """Return float32 (n,), pixels from the left."""

    @property
    def scales(self) -> Floats:
        """Return float32 (n,), σ in pixels."""

    @property
    def orientations(self) -> Floats:
        """Return float32 (n,), radians from the columns towards the rows."""


class Columns(NamedTuple):
    """Points that no detector found: those of a legend."""

    rows: Floats
    cols: Floats
    scales: Floats
    orientations: Floats


def canvas(pixels: Floats, longest: int) -> tuple[Rgb, float]:
    """Draw a picture of [0, 1] so that its longest side has ``longest`` pixels.

    Returns
    -------
    canvas, factor : uint8 (rows, cols, 3), and its size over the picture's.
    """
    factor = longest / max(pixels.shape[:2])
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    # Averaging keeps thin bright structures when an image shrinks; cubic overshoots, and is clipped below.
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    resized = np.clip(cv2.resize(pixels, size, interpolation=how), 0, 1)
    eight = np.asarray(np.round(resized * 255), dtype=np.uint8)
    return (np.repeat(eight[..., None], 3, axis=2) if eight.ndim == 2 else eight), factor


def draw_points(drawing: Rgb, points: Points, factor: float, oriented: bool) -> Rgb:
    """Draw each point as a dot, its scale σ as a circle, and its orientation as a line from the middle.

    Parameters
    ----------
    points : in pixels of a picture whose size is 1 / ``factor`` times the drawing's.
    oriented : whether the points have orientations worth drawing.
    """
    drawn = drawing.copy()
    largest_first = np.argsort(-points.scales, kind="stable")
    # The middle of a pixel is at (row, col), so that its corner is half a pixel before.
    x = ((points.cols + 0.5) * factor - 0.5)[largest_first]
    y = ((points.rows + 0.5) * factor - 0.5)[largest_first]
    angles = points.orientations[largest_first]
    radius = np.maximum(points.scales[largest_first] * factor, _LEAST_RADIUS)
    centres = _fixed(x, y)
    tips = _fixed(x + np.cos(angles) * radius, y + np.sin(angles) * radius)
    _draw_circles(drawn, centres, radius)
    for centre, tip in zip(centres, tips, strict=True):
        if oriented:
            cv2.line(drawn, centre, tip, ORANGE, 2, cv2.LINE_AA, _SHIFT)
    draw_dots(drawn, centres)
    return drawn


def draw_dots(drawn: Rgb, centres: Sequence[tuple[int, int]]) -> None:
    """Draw points as dots, in place; ``centres`` are x, y in sixteenths of a pixel."""
    for radius, colour in ((4, DARK), (3, YELLOW)):
        for centre in centres:
            cv2.circle(drawn, centre, radius << _SHIFT, colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _draw_circles(drawn: Rgb, centres: Sequence[tuple[int, int]], radius: Floats) -> None:
    """Draw each circle light on dark, in place, so that it is seen on any ground and beside its neighbours.

    Large circles come first and have thin edges: hundreds of them cross, and small ones must stay whole.
    """
    for centre, r in zip(centres, radius, strict=True):
        for colour, thickness in ((DARK, 3 if r > _LARGE else 4), (SKY, 2)):
            cv2.circle(drawn, centre, round(float(r) * (1 << _SHIFT)), colour, thickness, cv2.LINE_AA, _SHIFT)


def _fixed(x: Floats, y: Floats) -> list[tuple[int, int]]:
    """Return points as whole sixteenths of a pixel, as OpenCV draws them."""
    # Whole pixels would move small circles off the structures that they mark.
    scaled = np.round(np.stack([x, y], axis=1) * (1 << _SHIFT)).astype(int)
    return [(int(a), int(b)) for a, b in scaled]


def draw_borders(drawing: Rgb, regions: NDArray[np.int32]) -> Rgb:
    """Draw the borders between regions, int32 (rows, cols), negative where there is none."""
    size = (drawing.shape[1], drawing.shape[0])
    # Labels are names, not numbers: between two of them is no third.
    enlarged = cv2.resize(regions, size, interpolation=cv2.INTER_NEAREST_EXACT)
    edge = np.zeros(enlarged.shape, dtype=bool)
    # A pixel is a border if it differs from the one on its left or above, so that borders are one pixel wide.
    edge[:, 1:] |= enlarged[:, 1:] != enlarged[:, :-1]
    edge[1:] |= enlarged[1:] != enlarged[:-1]
    drawn = drawing.copy()
    drawn[edge] = ORANGE
    return drawn


def heat_map(positions: NDArray[np.float64], size: tuple[int, int], smoothing: float = 0.025) -> Rgb:
    """Draw how densely points fall, dark to bright, as figures 2 and 3 of Haas et al. (2011) do.

    Parameters
    ----------
    positions : float64 (n, 2), (row, col) of each point over the extent of its picture, in [0, 1].
    size : (rows, cols) of the drawing.
    smoothing : σ of the Gaussian, as a share of the longer side.

    Returns
    -------
    uint8 (rows, cols, 3); all dark where there are no points.
    """
    # A point at exactly 1.0 belongs to the last row or column.
    cells = np.minimum((positions * size).astype(int), np.array(size) - 1)
    counts = np.zeros(size, dtype=np.float32)
    np.add.at(counts, (cells[:, 0], cells[:, 1]), 1.0)
    sigma = smoothing * max(size)
    # Reflected at the edges, since zeros beyond them would make every edge look avoided by points.
    density = cv2.GaussianBlur(counts, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    peak = float(density.max())
    levels = np.round(density / peak * 255) if peak > 0 else density
    # Viridis rises evenly in lightness, also for those who see no red or green.
    coloured = cv2.applyColorMap(levels.astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    return np.asarray(cv2.cvtColor(coloured, cv2.COLOR_BGR2RGB), dtype=np.uint8)
