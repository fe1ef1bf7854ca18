"""The extent of a match along a stack: the slices around the best one that score like it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LIKE_IT = 0.35
"""Of the way from the scores of a stack to its best: from here on a slice belongs to what was found."""
SURELY = 0.5
"""From here on it belongs so surely that it may ask for it."""
_REACH = 3
"""Slices on either side that count for one, each by a Gaussian of one slice: 99.9 % of it."""

Profile = NDArray[np.float64]


def profile(scores: Sequence[NDArray[np.floating]], are_even: Sequence[bool]) -> Profile:
    """Return how like a mark each slice of a stack is, float64 (n,), in deviations above the median.

    What several slices of a mark say of a slice is averaged, and with it what they say of the slices beside
    it, by a Gaussian of one slice, where scores are uneven. Representations are added up.

    Parameters
    ----------
    scores : of each representation, (m, n): of the m slices that asked, for the n of the stack, in order.
    are_even : of each, whether its scores change little from slice to slice, and are kept as they are.
    """
    total = np.zeros(scores[0].shape[1])
    for own, is_even in zip(scores, are_even, strict=True):
        mean = own.mean(axis=0, dtype=np.float64)
        # A stack mostly does not show what was found, so that its median is the level of the rest.
        above = (mean - np.median(mean)) / max(float(mean.std()), 1e-12)
        total += above if is_even else _smooth(above)
    return total


def _smooth(values: Profile) -> Profile:
    """Return values (n,) averaged with those beside them by a Gaussian of one slice; ends are repeated."""
    weights = np.exp(-0.5 * np.arange(-_REACH, _REACH + 1) ** 2.0)
    return np.convolve(np.pad(values, _REACH, mode="edge"), weights / weights.sum(), mode="valid")


def extent(values: Profile, best: int, share: float = LIKE_IT) -> tuple[int, int]:
    """Return the first and the last slice around the best one that are like it.

    A slice belongs if its value is at least ``share`` of the way from the median of the stack to the peak.

    Parameters
    ----------
    values : (n,), a profile of the slices of a stack, in order.
    best : the place of the best; the peak is this one, or one beside it.
    """
    beside = slice(max(best - 1, 0), best + 2)
    peak = beside.start + int(values[beside].argmax())
    level = float(np.median(values))
    threshold = level + share * (values[peak] - level)
    first = last = peak
    while first > 0 and values[first - 1] >= threshold:
        first -= 1
    while last < len(values) - 1 and values[last + 1] >= threshold:
        last += 1
    # The best one belongs whatever its neighbours say.
    return min(first, best), max(last, best)
