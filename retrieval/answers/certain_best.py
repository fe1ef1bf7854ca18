"""The certain best: the top k of a fusion, as far as prefixes of the rankings prove them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids, Ranking, are_among, order
from .fusion import RANK_CONSTANT, Scale, contributions, scaled

_ROUNDING = 1e-9
"""Sums of a few float64 in another order differ by less."""

_NO_SCALE = Scale(0.0, 0.0)
"""Of rankings whose scores do not count."""


@dataclass(frozen=True, eq=False)
class Prefix:
    """The prefix of a ranking, and an upper bound of what it adds to the sum of any id behind it.

    ``absent`` are some of the ids that the ranking does not hold at all.
    """

    ranking: Ranking
    bound: float
    is_whole: bool
    absent: Ids = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, ranking: Ranking, depth: int, how: str, scale: Scale) -> Prefix:
        """Return the prefix of a ranking that was read to a depth; all of it if it ended before."""
        if len(ranking) < depth:
            return cls(ranking, 0.0, True)
        # Ties of the last may go on behind it, and tied hits share what their ranks add.
        last = ranking.scores[-1]
        n = int(np.count_nonzero(ranking.scores > last))
        kept = Ranking(ranking.ids[:n], ranking.scores[:n])
        if how == "rrf":
            return cls(kept, 1.0 / (RANK_CONSTANT + 1.0 + n), False)
        # An image that a representation has not encoded gets 0 from it, which may be more than the last one.
        return cls(kept, max(0.0, float(scaled(np.array([last]), scale)[0])), False)


def prefixes_of(
    rankings: Sequence[Ranking], depth: int, how: str, scales: Sequence[Scale] | None
) -> list[Prefix]:
    """Return the prefixes of rankings that were read to a depth; scales as in ``fuse``."""
    pairs = zip(rankings, scales or [_NO_SCALE] * len(rankings), strict=True)
    return [Prefix.of(ranking, depth, how, scale) for ranking, scale in pairs]


@dataclass(frozen=True, eq=False)
class Sums:
    """The fused scores of all candidates, the ids (n,) that a prefix holds, as far as they are known.

    Parameters
    ----------
    total : float64, the sum over the prefixes that hold the candidate.
    most : float64, the upper bound: the sum with what the other rankings may add at most.
    is_known : bool, whether the sum is complete.
    threshold : the upper bound of all ids that are in no prefix.
    """

    ids: Ids
    total: NDArray[np.float64]
    most: NDArray[np.float64]
    is_known: NDArray[np.bool_]
    threshold: float

    @classmethod
    def of(
        cls,
        prefixes: Sequence[Prefix],
        how: str,
        weights: Sequence[float] | None,
        scales: Sequence[Scale] | None,
    ) -> Sums:
        """Add up the prefixes of rankings; ``how``, ``weights`` and ``scales`` as in ``fuse``."""
        ids, parts = contributions([one.ranking for one in prefixes], how, weights, scales)
        held = np.stack([are_among(ids, one.ranking.ids) for one in prefixes])  # bool (n_rankings, n_ids)
        absent = np.stack([one.is_whole | are_among(ids, one.absent) for one in prefixes])
        bounds, total = bounds_of(prefixes, weights), parts.sum(axis=0, dtype=np.float64)
        most = total + np.where(held, 0.0, bounds[:, None]).sum(axis=0)
        return cls(ids, total, most, np.asarray((held | absent).all(axis=0)), float(bounds.sum()))


def bounds_of(prefixes: Sequence[Prefix], weights: Sequence[float] | None) -> NDArray[np.float64]:
    """Return an upper bound of what each ranking adds to an id behind its prefix, (n_rankings,)."""
    own = np.array([1.0] * len(prefixes) if weights is None else weights)
    return np.asarray(own * [one.bound for one in prefixes])


def certain_best(sums: Sums, k: int) -> Ranking | None:
    """Return the top k of the candidates whose sums are known; None if others may be among them."""
    is_known = sums.is_known
    best = order(sums.ids[is_known], sums.total[is_known].astype(np.float32), k)
    if len(best) < k:
        return None
    # Of candidates whose sums are not complete, and of ids in no prefix.
    most = with_rounding_margin(max(float(sums.most[~is_known].max(initial=-np.inf)), sums.threshold))
    # Not equal either: which of two equal ones is first, their ids decide.
    return best if np.float32(most) < best.scores[-1] else None


def with_rounding_margin(most: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return upper bounds of sums, raised by a little more than rounding may add to the sums."""
    return np.asarray(most + _ROUNDING * np.maximum(1.0, np.abs(most)))
