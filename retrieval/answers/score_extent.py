"""The extent of a match along a stack: the slices around the best one that score like it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SHARE = 0.5
"""Of the way from the scores of the stack to its best: half of it still belongs to what was found."""


def extent(scores: NDArray[np.floating], best: int) -> tuple[int, int]:
    """Return the first and the last slice around the best one that are more like it than like the rest.

    A slice belongs if it scores at least halfway from the median of the stack to the best, after a median
    over three slices, so that one odd slice neither ends an extent nor prolongs it.

    Parameters
    ----------
    scores : (n,), of the slices of a stack in order.
    best : the place of the best.
    """
    own = np.asarray(scores, dtype=np.float64)
    # Edges are repeated: at the end of a stack two slices decide instead of three.
    padded = np.pad(own, 1, mode="edge")
    calm = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    # A stack mostly does not show what was found, so that its median is the level of the rest.
    threshold = np.median(own) + _SHARE * (own[best] - np.median(own))
    # The best one belongs whatever its neighbours score.
    first = last = best
    while first > 0 and calm[first - 1] >= threshold:
        first -= 1
    while last < len(own) - 1 and calm[last + 1] >= threshold:
        last += 1
    return first, last
