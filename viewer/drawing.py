"""Drawings of interest points, of superpixel borders, and of where points fall."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]

SKY, ORANGE, YELLOW, DARK = (86, 180, 233), (230, 159, 0), (240, 228, 66), (0, 0, 0)
"""Colours that everybody can tell apart (Okabe and Ito 2008), RGB."""

_SHIFT = 4


class Points(Protocol):
    """Columns of interest points, as ``bovw.keypoints.Keypoints`` holds them."""

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
    x = (points.cols + 0.5) * factor - 0.5
    y = (points.rows + 0.5) * factor - 0.5
    radius = np.maximum(points.scales * factor, 2.0)
    centres, tips = (
        _fixed(x, y),
        _fixed(x + np.cos(points.orientations) * radius, y + np.sin(points.orientations) * radius),
    )
    for colour, thickness in ((DARK, 2), (SKY, 1)):
        for centre, r in zip(centres, radius, strict=True):
            cv2.circle(drawn, centre, round(float(r) * (1 << _SHIFT)), colour, thickness, cv2.LINE_AA, _SHIFT)
    for centre, tip in zip(centres, tips, strict=True):
        if oriented:
            cv2.line(drawn, centre, tip, ORANGE, 2, cv2.LINE_AA, _SHIFT)
        cv2.circle(drawn, centre, 2 << _SHIFT, YELLOW, cv2.FILLED, cv2.LINE_AA, _SHIFT)
    return drawn


def _fixed(x: Floats, y: Floats) -> list[tuple[int, int]]:
    """Return points as whole sixteenths of a pixel, as OpenCV draws them."""
    scaled = np.round(np.stack([x, y], axis=1) * (1 << _SHIFT)).astype(int)
    return [(int(a), int(b)) for a, b in scaled]


def draw_borders(drawing: Rgb, regions: NDArray[np.int32]) -> Rgb:
    """Draw the borders between regions, int32 (rows, cols), negative where there is none."""
    size = (drawing.shape[1], drawing.shape[0])
    enlarged = cv2.resize(regions, size, interpolation=cv2.INTER_NEAREST_EXACT)
    edge = np.zeros(enlarged.shape, dtype=bool)
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
    cells = np.minimum((positions * size).astype(int), np.array(size) - 1)
    counts = np.zeros(size, dtype=np.float32)
    np.add.at(counts, (cells[:, 0], cells[:, 1]), 1.0)
    sigma = smoothing * max(size)
    density = cv2.GaussianBlur(counts, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    peak = float(density.max())
    levels = np.round(density / peak * 255) if peak > 0 else density
    coloured = cv2.applyColorMap(levels.astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    return np.asarray(cv2.cvtColor(coloured, cv2.COLOR_BGR2RGB), dtype=np.uint8)
