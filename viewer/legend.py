"""The signs of the drawings, each drawn as in the drawings themselves, for their legends."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .drawing import ORANGE, Columns, Rgb, draw_dots, draw_points
from .panels import Sign

_SIDE = 44
_BAR = (22, 220)
_GROUND = 70
"""Grey behind signs, as dark as most images are."""


def point_signs(is_oriented: bool, has_borders: bool) -> list[Sign]:
    """Return what is drawn of points: their place, scale and orientation, and the borders of regions."""
    signs = [
        Sign(_dot(), "interest point"),
        Sign(_point(14.0, False), "its scale (the radius)"),
    ]
    if is_oriented:
        signs.append(Sign(_point(14.0, True), "its orientation"))
    if has_borders:
        signs.append(Sign(_borders(), "border between superpixels"))
    return signs


def density_sign() -> Sign:
    """Return the scale of heat maps of points."""
    # 0 to 255 as in heat_map, whose densities are relative to the densest place.
    bar = np.broadcast_to(np.linspace(0, 255, _BAR[1]), _BAR).astype(np.uint8)
    coloured = cv2.cvtColor(cv2.applyColorMap(bar, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
    return Sign(np.asarray(coloured, dtype=np.uint8), "points in a place: none (left) to the most (right)")


def _ground() -> Rgb:
    return np.full((_SIDE, _SIDE, 3), _GROUND, dtype=np.uint8)


def _point(scale: float, is_oriented: bool) -> Rgb:
    # By the function that draws the images, so that a legend cannot differ from them.
    middle = np.array([(_SIDE - 1) / 2], dtype=np.float32)
    angle = np.array([-np.pi / 4], dtype=np.float32)
    return draw_points(_ground(), Columns(middle, middle, middle * 0 + scale, angle), 1.0, is_oriented)


def _dot() -> Rgb:
    drawn = _ground()
    draw_dots(drawn, [(_SIDE * 8, _SIDE * 8)])  # the middle, in sixteenths
    return drawn


def _borders() -> Rgb:
    drawn: NDArray[np.uint8] = _ground()
    drawn[:, _SIDE // 2] = ORANGE
    drawn[_SIDE // 2, _SIDE // 2 :] = ORANGE
    return drawn
