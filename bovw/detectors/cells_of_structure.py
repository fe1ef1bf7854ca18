"""Cells of structure: an image cut into rectangles that hold equal shares of its gradient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..scale_space import gradient_lengths
from .slic import Labels

FLOOR = 0.6
"""Of the mean gradient, added to each pixel: no cell is much larger than 2.7 times the mean cell."""


def cut_by_structure(grey: NDArray[np.float32], inside: NDArray[np.bool_], n: int) -> Labels:
    """Cut the mask into at most n cells of equal gradient, int32 (rows, cols), 0 to n − 1, and −1 outside.

    A k-d tree: the image is cut in two across its longer side, where the halves hold gradient in proportion
    to the cells that each will have; and so on. There are fewer cells where a mask leaves too few pixels.

    Parameters
    ----------
    grey : float32 (rows, cols) in [0, 1].
    inside : bool (rows, cols), the mask.
    n : how many cells are wanted, at least 1.
    """
    mass = gradient_lengths(grey).astype(np.float64)
    mean = float(mass[inside].mean()) if inside.any() else 0.0
    mass = np.where(inside, mass + (FLOOR * mean or 1.0), 0.0)
    labels = np.full(grey.shape, -1, dtype=np.int32)
    # What is still to be cut: a box, and the number of its cells.
    open_boxes, n_done = [((slice(0, grey.shape[0]), slice(0, grey.shape[1])), n)], 0
    while open_boxes:
        box, cells = open_boxes.pop()
        at = _cut(mass[box], cells)
        if at is not None:
            axis, line = at
            middle = box[axis].start + line
            parts = slice(box[axis].start, middle), slice(middle, box[axis].stop)
            halves = [(part, box[1]) if axis == 0 else (box[0], part) for part in parts]
            open_boxes += [(halves[1], cells - cells // 2), (halves[0], cells // 2)]
        elif (there := inside[box]).any():
            labels[box][there] = n_done
            n_done += 1
    return labels


def _cut(mass: NDArray[np.float64], cells: int) -> tuple[int, int] | None:
    """Return the axis and the line before which a box (rows, cols) is cut in two; None to leave it whole."""
    if cells < 2:
        return None
    rows, cols = mass.shape
    for axis in (0, 1) if rows >= cols else (1, 0):
        along = mass.sum(axis=1 - axis)
        held = np.flatnonzero(along)  # lines of the mask: a cut beyond the first or last one cuts nothing off
        if len(held) < 2:
            continue
        wanted = along.sum() * (cells // 2) / cells
        line = 1 + int(np.argmin(np.abs(np.cumsum(along) - wanted)))
        return axis, min(max(line, int(held[0]) + 1), int(held[-1]))
    return None
