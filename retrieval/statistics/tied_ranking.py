"""Measures of a ranking with ties: the expected value over all orders of hits that have the same score.

The order of tied hits is an accident, of the names of files say, and a measure must not depend on it. If all
orders within each group of tied hits are equally likely, the expected measures have closed forms (McSherry
and Najork, "Computing information retrieval performance measures efficiently in the presence of tied scores",
ECIR 2008). Without ties they are the plain measures (``retrieval.statistics.measures``), to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import measures

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TiedRanking:
    """Hold the gains of a whole ranking with its scores.

    Parameters
    ----------
    gains : (n,) at least 0, best hit first; 0 is wrong.
    scores : (n,), never rising; hits of equal score are tied.

    Raises
    ------
    ValueError : another number of scores than of gains.
    """

    gains: NDArray[np.integer] | NDArray[np.bool_]
    scores: NDArray[np.generic]
    _starts: Ints = field(init=False, repr=False)
    _sizes: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.gains.shape != self.scores.shape or self.gains.ndim != 1:
            raise ValueError(f"scores: {self.scores.shape} for gains {self.gains.shape}; give one each, (n,)")
        starts = group_starts(self.scores)
        object.__setattr__(self, "_starts", starts)
        object.__setattr__(self, "_sizes", np.diff(starts, append=len(self.scores)))

    @property
    def n_tied(self) -> int:
        """How many hits share their score with another one."""
        return int(self._sizes[self._sizes > 1].sum())

    @property
    def relevant(self) -> NDArray[np.bool_]:
        """Which hits are right, bool (n,)."""
        return np.asarray(self.gains > 0, dtype=np.bool_)

    def average_precision(self) -> float:
        """Return the expected average precision; NaN if nothing is right."""
        if self.n_tied == 0:
            return measures.average_precision(self.relevant)
        n_relevant = np.count_nonzero(self.relevant)
        return float(self._precisions().sum() / n_relevant) if n_relevant else float("nan")

    def average_precision_at_r(self) -> float:
        """Return the expected sum of precisions at right hits among the first R, over R."""
        if self.n_tied == 0:
            return measures.average_precision_at_r(self.relevant)
        n_relevant = np.count_nonzero(self.relevant)
        return float(self._precisions()[:n_relevant].sum() / n_relevant) if n_relevant else float("nan")

    def precision_at(self, k: int) -> float:
        """Return the expected share of right hits among the first k."""
        if self.n_tied == 0:
            return measures.precision_at(self.relevant, k)
        return float(self.expected_gains(self.relevant)[:k].sum() / k)

    def r_precision(self) -> float:
        """Return the expected share of right hits among the first R."""
        n_relevant = int(np.count_nonzero(self.relevant))
        return self.precision_at(n_relevant) if n_relevant else float("nan")

    def ndcg_at(self, k: int) -> float:
        """Return the expected discounted gain of the first k hits over that of the best possible order."""
        if self.n_tied == 0 or not self.gains.any():
            return measures.ndcg_at(self.gains, k)
        best = np.sort(self.gains.astype(np.float64))[::-1][:k]
        discounts = 1.0 / np.log2(np.arange(2, len(best) + 2))
        return float((self.expected_gains(self.gains)[:k] * discounts).sum() / (best * discounts).sum())

    def hit_at(self, k: int) -> float:
        """Return the probability that any of the first k hits is right.

        Only the group that k cuts is open: t of its m hits are drawn, and none of its r right ones is among
        them with the probability C(m − r, t) / C(m, t).
        """
        whole = self._starts + self._sizes <= k
        if self.relevant[: int(self._sizes[whole].sum())].any():
            return 1.0
        cut = int(whole.sum())
        if cut == len(self._starts):
            return 0.0
        start, size = int(self._starts[cut]), int(self._sizes[cut])
        right = int(np.count_nonzero(self.relevant[start : start + size]))
        return 1.0 - comb(size - right, k - start) / comb(size, k - start)

    def bpref(self) -> float:
        """Return how seldom wrong hits are expected before right ones; see ``measures.bpref``.

        A right hit has u of the w wrong ones of its group before it; each u from 0 to w is equally likely.
        """
        if self.n_tied == 0:
            return measures.bpref(self.relevant)
        relevant = self.relevant
        n_relevant = int(np.count_nonzero(relevant))
        if n_relevant == 0:
            return float("nan")
        right = np.add.reduceat(relevant.astype(np.int64), self._starts)
        wrong = self._sizes - right
        before = np.cumsum(wrong) - wrong  # wrong hits of the groups before
        # Mean over u of min(before + u, R), by F(x) = min(0, R) + … + min(x, R).
        counted = _sum_of_least(before + wrong, n_relevant) - _sum_of_least(before - 1, n_relevant)
        bound = max(1, min(n_relevant, len(relevant) - n_relevant))
        return float(np.sum(right * (1 - counted / (wrong + 1) / bound)) / n_relevant)

    def expected_gains(self, gains: ArrayLike) -> Floats:
        """Return at each rank the mean of the gains (n,) of the group that holds it, float64 (n,)."""
        if not len(self.scores):
            return np.empty(0)
        sums = np.add.reduceat(np.asarray(gains, dtype=np.float64), self._starts)
        return np.asarray(np.repeat(sums / self._sizes, self._sizes), dtype=np.float64)

    def _precisions(self) -> Floats:
        return np.asarray(expected_precisions(self.relevant[None], self.scores[None])[0])


def group_starts(scores: NDArray[np.generic]) -> Ints:
    """Return where each group of equal scores begins, int64, in scores (n,) that never rise."""
    if len(scores) == 0:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate([[True], scores[1:] != scores[:-1]]))


def expected_precisions(relevant: NDArray[np.bool_], scores: NDArray[np.generic]) -> Floats:
    """Return the expectation of relevance times precision at each rank of many rankings, (n_rankings, n).

    Let a group have m hits, r of them right, and b right ones before it. The j-th of its ranks, i in the
    whole ranking, holds a right hit with probability r / m, and then (j − 1)(r − 1)/(m − 1) others of the
    group are expected before it: (r / m) · (b + 1 + (j − 1)(r − 1)/(m − 1)) / i. The sum over all ranks,
    divided by the number of right hits, is the expected average precision.

    Parameters
    ----------
    relevant : bool (n_rankings, n), best hit first.
    scores : (n_rankings, n), never rising along a row; NaN is equal to nothing.
    """
    n_rankings, n = relevant.shape
    is_start = np.ones((n_rankings, n), dtype=np.bool_)
    is_start[:, 1:] = scores[:, 1:] != scores[:, :-1]
    starts = np.flatnonzero(is_start)  # of all rankings, one after the other
    if len(starts) == 0:
        return np.zeros((n_rankings, n))
    sizes = np.diff(starts, append=n_rankings * n)
    right = np.add.reduceat(relevant.ravel().astype(np.int64), starts)
    found = np.cumsum(relevant, axis=1).ravel()  # in the own row, up to and with each rank
    before: Ints = found[starts] - relevant.ravel()[starts]
    rank = np.arange(n_rankings * n) % n + 1
    within = np.arange(n_rankings * n) - np.repeat(starts, sizes)  # j − 1
    others = np.repeat((right - 1) / np.maximum(sizes - 1, 1), sizes) * within
    expected = np.repeat(right / sizes, sizes) * (np.repeat(before, sizes) + 1 + others) / rank
    return np.asarray(expected.reshape(n_rankings, n), dtype=np.float64)


def _sum_of_least(x: Ints, most: int) -> Floats:
    """Return min(0, most) + min(1, most) + … + min(x, most) for each x ≥ −1, float64."""
    low = np.minimum(x, most).astype(np.float64)
    return np.asarray(low * (low + 1) / 2 + np.maximum(x - most, 0) * float(most), dtype=np.float64)
