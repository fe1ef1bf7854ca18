"""Occlusion: where a score comes from, found by covering one part of the picture after the other.

It asks the score alone, and so explains any representation (Zeiler and Fergus 2014, section 4.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..picture import Picture
from .deletion_test import without
from .heat_map import Heat, grid_of, normalised

STEPS = 8
"""Steps along the longer side; a cover is two steps wide and moves by one: 49 covers of a square."""


def n_scored(picture: Picture) -> int:
    """Return how often occlusion asks the score of a picture."""
    return 1 + sum(1 for _ in _covers(*_grid(picture)))


def occlusion(score: Callable[[Picture], float], picture: Picture) -> Heat:
    """Return by how much a score falls where a picture is covered by its mean, as a heat map.

    Each place has the mean over the covers that hold it; where the score rises, the heat is 0.
    """
    rows, cols = _grid(picture)
    whole = score(picture)
    fallen, times = np.zeros((rows, cols)), np.zeros((rows, cols))
    for cover in _covers(rows, cols):
        fallen[cover] += whole - score(without(picture, cover))
        times[cover] += 1
    return normalised(np.maximum(fallen / times, 0.0))


def _grid(picture: Picture) -> tuple[int, int]:
    return grid_of((int(picture.shape[0]), int(picture.shape[1])))


def _covers(rows: int, cols: int) -> Iterator[NDArray[np.bool_]]:
    """Yield masks of squares, each half beside the last, that together hold every cell."""
    step = max(1, round(max(rows, cols) / STEPS))
    # At least one each way: a picture may be narrower than a cover.
    for top in range(0, max(1, rows - step), step):
        for left in range(0, max(1, cols - step), step):
            cover = np.zeros((rows, cols), dtype=bool)
            cover[top : top + 2 * step, left : left + 2 * step] = True
            yield cover
