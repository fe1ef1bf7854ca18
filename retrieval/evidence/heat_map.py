"""Heat maps: how much each place of a picture adds to a score, on a coarse grid."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Heat = NDArray[np.float32]

GRID = 48
"""Cells of the longer side of a heat map."""


def grid_of(shape: tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns of the heat map of a picture."""
    longest = max(shape)
    return max(1, round(GRID * shape[0] / longest)), max(1, round(GRID * shape[1] / longest))


def scattered(rows: Heat, cols: Heat, weights: Heat, shape: tuple[int, int]) -> Heat:
    """Return a heat map of weighted points, in pixels of a picture of ``shape``."""
    heat = np.zeros(grid_of(shape), dtype=np.float32)
    down = np.clip(rows / shape[0] * heat.shape[0], 0, heat.shape[0] - 1).astype(np.intp)
    across = np.clip(cols / shape[1] * heat.shape[1], 0, heat.shape[1] - 1).astype(np.intp)
    np.add.at(heat, (down, across), weights.astype(np.float32))
    # Points are places, not pixels: blurred by one and a half cells, so that neighbours add up to an area.
    return normalised(cv2.GaussianBlur(heat, (0, 0), 1.5))


def normalised(heat: NDArray[np.floating]) -> Heat:
    """Return a map brought to [0, 1]; zeros if it is the same everywhere."""
    low, high = float(heat.min()), float(heat.max())
    return np.asarray((heat - low) / (high - low) if high > low else np.zeros_like(heat), dtype=np.float32)
