"""Measures of a ranking: what a list of hits is worth to the one who asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Relevance = NDArray[np.bool_]


def average_precision(relevant: ArrayLike) -> float:
    """Return the mean of the precision at each relevant hit, in [0, 1].

    ``relevant`` is bool (n,), best hit first, over the *whole* ranking, so that no relevant picture is
    missing; NaN where nothing is relevant (such a query says nothing of a ranking, and is left out of means).
    """
    hits = np.flatnonzero(np.asarray(relevant, dtype=bool))
    if len(hits) == 0:
        return float("nan")
    return float(np.mean(np.arange(1, len(hits) + 1) / (hits + 1)))


def precision_at(relevant: ArrayLike, k: int) -> float:
    """Return the share of relevant hits among the first k, in [0, 1]; missing hits are wrong ones."""
    if k < 1:
        raise ValueError(f"k: precision at {k} says nothing; give at least 1")
    return float(np.count_nonzero(np.asarray(relevant, dtype=bool)[:k]) / k)


def bootstrap_interval(
    values: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the percentile interval of the mean under resampling of whole groups.

    Queries of one patient are no independent trials, so patients are drawn, with all of their queries.

    Parameters
    ----------
    values : float (n,), one a query; NaN are left out. Without any value the interval is NaN.
    groups : (n,) of anything that sorts; None: each query is a group of its own.
    draws : how many times n groups are drawn with replacement.
    level : coverage, in (0, 1).
    seed : of the draws.
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(numbers)
    owners = np.arange(len(numbers)) if groups is None else np.unique(groups, return_inverse=True)[1]
    numbers, owners = numbers[known], np.unique(owners[known], return_inverse=True)[1]
    if len(numbers) == 0:
        return float("nan"), float("nan")
    sums, counts = np.bincount(owners, numbers), np.bincount(owners)
    drawn = np.random.default_rng(seed).integers(len(counts), size=(draws, len(counts)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
