"""Measures of a ranking: how useful a list of hits is to who asked for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def average_precision(relevant: ArrayLike) -> float:
    """Return the mean of the precision at each relevant hit, in [0, 1].

    ``relevant`` is bool (n,), best hit first, over the *whole* ranking, so that no relevant picture is
    missing; NaN if nothing is relevant (such a query says nothing of a ranking, and is left out of means).
    """
    hits = np.flatnonzero(np.asarray(relevant, dtype=bool))
    if len(hits) == 0:
        return float("nan")
    return float(np.mean(np.arange(1, len(hits) + 1) / (hits + 1)))


def average_precisions(relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return ``average_precision`` of each row of (n_rankings, n), float64 (n_rankings,)."""
    rows, places = np.nonzero(relevant)
    counts = np.bincount(rows, minlength=len(relevant))
    # Which relevant hit of its row each is, from 1.
    nth = np.arange(1, len(rows) + 1) - np.repeat(np.cumsum(counts) - counts, counts)
    sums = np.bincount(rows, nth / (places + 1), minlength=len(relevant))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def average_precision_at_r(relevant: ArrayLike) -> float:
    """Return the sum of the precision at each relevant hit among the first R, over R, in [0, 1].

    R is how many are relevant in the whole ranking, bool (n,), best hit first; NaN if nothing is. Its mean
    over queries is MAP@R (Musgrave et al. 2020, section 3.2): unlike mAP, nothing behind place R counts.
    """
    flags = np.asarray(relevant, dtype=bool)
    n_relevant = np.count_nonzero(flags)
    if n_relevant == 0:
        return float("nan")
    hits = np.flatnonzero(flags[:n_relevant])
    return float(np.sum(np.arange(1, len(hits) + 1) / (hits + 1)) / n_relevant)


def precision_at(relevant: ArrayLike, k: int) -> float:
    """Return the share of relevant hits among the first k, in [0, 1]; missing hits are wrong ones."""
    if k < 1:
        raise ValueError(f"k: precision at {k} says nothing; give at least 1")
    return float(np.count_nonzero(np.asarray(relevant, dtype=bool)[:k]) / k)


def r_precision(relevant: ArrayLike) -> float:
    """Return the share of relevant hits among the first R, R being how many are relevant in all, in [0, 1].

    ``relevant`` is bool (n,) over the whole ranking; NaN if nothing is relevant.
    """
    flags = np.asarray(relevant, dtype=bool)
    n_relevant = np.count_nonzero(flags)
    return float(np.count_nonzero(flags[:n_relevant]) / n_relevant) if n_relevant else float("nan")


def ndcg_at(gains: ArrayLike, k: int) -> float:
    """Return the discounted gain of the first k hits over that of the best possible order, in [0, 1].

    Σ gain / log₂(rank + 1), rank from 1 (Järvelin and Kekäläinen 2002, as trec_eval's ``ndcg_cut``).

    Parameters
    ----------
    gains : (n,) at least 0, best hit first, over the whole ranking; 0 is not relevant. NaN if all are.
    """
    given = np.asarray(gains, dtype=np.float64)
    # The best order decides what 1 is, so that queries with few and with many right answers compare.
    best = np.sort(given)[::-1][: _checked(k)]
    if not given.any():
        return float("nan")
    discounts = 1.0 / np.log2(np.arange(2, len(best) + 2))
    return float((given[:k] * discounts).sum() / (best * discounts).sum())


def bpref(relevant: ArrayLike, judged: ArrayLike | None = None) -> float:
    """Return how seldom judged wrong hits stand before right ones, in [0, 1].

    The mean over relevant hits of 1 − min(wrong hits before it, R) / min(R, N), with R relevant and N wrong
    ones in all (Buckley and Voorhees 2004, as trec_eval computes it). Hits that nobody judged do not count.

    Parameters
    ----------
    relevant : bool (n,), best hit first, over the whole ranking; NaN if nothing is relevant.
    judged : bool (n,); all if it is None.
    """
    flags = np.asarray(relevant, dtype=bool)
    if judged is not None:
        flags = flags[np.asarray(judged, dtype=bool) | flags]
    n_relevant = np.count_nonzero(flags)
    if n_relevant == 0:
        return float("nan")
    # As in trec_eval, wrong hits beyond the first R count no further, and R is bounded by what can be wrong.
    wrong_before = np.cumsum(~flags)[flags]
    bound = max(1, min(n_relevant, len(flags) - n_relevant))
    return float(np.mean(1 - np.minimum(wrong_before, n_relevant) / bound))


def average_precision_at(relevant: ArrayLike, k: int) -> float:
    """Return the mean of the precision at each relevant hit among the first k, in [0, 1].

    Divided by how many there could be, the lesser of k and the number of relevant pictures: what is not found
    costs. ``relevant`` is bool (n,) over the whole ranking; NaN if nothing is relevant.
    """
    flags = np.asarray(relevant, dtype=bool)
    if not flags.any():
        return float("nan")
    hits = np.flatnonzero(flags[: _checked(k)])
    # The i-th hit (from 1) at rank r has a precision of i / r.
    precisions = np.arange(1, len(hits) + 1) / (hits + 1)
    return float(precisions.sum() / min(k, np.count_nonzero(flags)))


def published_average_precision_at(relevant: ArrayLike, k: int) -> float:
    """Return what Mahbod et al. 2025 publish as AP@k: the precisions divided by the hits that were found.

    It inflates: one hit at rank 1 and none after it is 1. ``average_precision_at`` is the true one. 0 without
    a hit among the first k.
    """
    found = np.asarray(relevant, dtype=bool)[: _checked(k)]
    return average_precision(found) if found.any() else 0.0


def hit_at(relevant: ArrayLike, k: int) -> bool:
    """Tell whether any of the first k hits is relevant: ACC@k of Mahbod et al. 2025."""
    return bool(np.asarray(relevant, dtype=bool)[: _checked(k)].any())


def majority_at(labels: ArrayLike, label: object, k: int) -> bool:
    """Tell whether no label is commoner than ``label`` among the first k hits' ``labels`` (n,).

    mMV@k of Mahbod et al. 2025: a tie counts as right.
    """
    kinds, counts = np.unique(np.asarray(labels)[: _checked(k)], return_counts=True)
    return bool((kinds[counts == counts.max(initial=0)] == label).any())


def _checked(k: int) -> int:
    if k < 1:
        raise ValueError(f"k: the first {k} hits say nothing; give at least 1")
    return k


def bootstrap_interval(
    values: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[float, float]:
    """Return an interval of the mean by resampling of whole groups.

    Queries of one patient are no independent trials, so patients are drawn, with all of their queries. Of few
    groups the percentile interval is too narrow: of 5, it covers the mean in 82 % and not 95 %. It is
    stretched about the mean by t / z · √(G / (G − 1)), with the quantiles of Student's distribution of G − 1
    degrees of freedom and of the normal one, as much as the interval of a mean of G values by the normal
    distribution is narrower than Student's (Hesterberg 2015, The American Statistician 69).

    Parameters
    ----------
    values : float (n,), one a query; NaN are left out.
    groups : (n,) of anything that sorts; None: each query is a group of its own.
    draws : how many times n groups are drawn with replacement.
    level : coverage, in (0, 1).
    seed : of the draws.
    bounds : the least and the largest mean that there can be; the ends are not beyond them.

    The interval is NaN unless there are two groups: one says nothing of how groups differ.
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(numbers)
    owners = np.arange(len(numbers)) if groups is None else np.unique(groups, return_inverse=True)[1]
    numbers, owners = numbers[known], np.unique(owners[known], return_inverse=True)[1]
    # A drawn group brings all of its queries, so that a mean is a ratio of sums; scipy.stats.bootstrap
    # resamples single values and has no groups.
    sums, counts = np.bincount(owners, numbers), np.bincount(owners)
    if len(counts) < 2:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(seed).integers(len(counts), size=(draws, len(counts)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    ends = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    mean = sums.sum() / counts.sum()
    low, high = np.clip(mean + _stretch(len(counts), level) * (ends - mean), *bounds)
    return float(low), float(high)


def _stretch(n_groups: int, level: float) -> float:
    from scipy.special import ndtri, stdtrit  # late: SciPy takes longer to import than a query to answer

    upper = (1 + level) / 2
    return float(stdtrit(n_groups - 1, upper) / ndtri(upper) * np.sqrt(n_groups / (n_groups - 1)))
