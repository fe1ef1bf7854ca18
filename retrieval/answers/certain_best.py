"""The certain best: what the beginnings of rankings tell of the best of their fusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids, Ranking, order
from .fusion import RANK_CONSTANT, Scale, contributions, scaled

_ROUNDING = 1e-9
"""Sums of a few float64 in another order differ by less."""

_NO_SCALE = Scale(0.0, 0.0)
"""Of rankings whose scores do not count."""


@dataclass(frozen=True, eq=False)
class Prefix:
    """The beginning of a ranking, and the most that it adds to what comes later.

    ``absent`` are some of the ids that it does not hold at all.
    """

    ranking: Ranking
    bound: float
    is_whole: bool
    absent: Ids = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, ranking: Ranking, depth: int, how: str, scale: Scale) -> Prefix:
        """Return the beginning of a ranking that was taken to a depth; all of it if it ended before."""
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
    """Return the beginnings of rankings that were taken to a depth; scales as in ``fuse``."""
    pairs = zip(rankings, scales or [_NO_SCALE] * len(rankings), strict=True)
    return [Prefix.of(ranking, depth, how, scale) for ranking, scale in pairs]


@dataclass(frozen=True, eq=False)
class Sums:
    """What the beginnings of rankings add up to, for each id (n,) that one of them holds.

    Parameters
    ----------
    total : float64, of what is held of each id.
    most : float64, with the most that the beginnings which do not hold it may add.
    is_known : bool, where nothing is missing.
    threshold : the most that an id may have that none of them holds.
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
        """Add up the beginnings of rankings; ``how``, ``weights`` and ``scales`` as in ``fuse``."""
        ids, parts = contributions([one.ranking for one in prefixes], how, weights, scales)
        held = np.stack([np.isin(ids, one.ranking.ids) for one in prefixes])  # bool (n_rankings, n_ids)
        absent = np.stack([one.is_whole | np.isin(ids, one.absent) for one in prefixes])
        bounds, total = bounds_of(prefixes, weights), parts.sum(axis=0, dtype=np.float64)
        most = total + np.where(held, 0.0, bounds[:, None]).sum(axis=0)
        return cls(ids, total, most, np.asarray((held | absent).all(axis=0)), float(bounds.sum()))


def bounds_of(prefixes: Sequence[Prefix], weights: Sequence[float] | None) -> NDArray[np.float64]:
    """Return the most that each ranking adds to what it does not hold, (n_rankings,)."""
    own = np.array([1.0] * len(prefixes) if weights is None else weights)
    return np.asarray(own * [one.bound for one in prefixes])


def certain_best(sums: Sums, k: int) -> Ranking | None:
    """Return the best k of what the beginnings hold; None if others may be among them."""
    is_known = sums.is_known
    best = order(sums.ids[is_known], sums.total[is_known].astype(np.float32), k)
    if len(best) < k:
        return None
    # What is not known, or held nowhere.
    most = and_rounding(max(float(sums.most[~is_known].max(initial=-np.inf)), sums.threshold))
    # Not equal either: which of two equal ones is first, their ids decide.
    return best if np.float32(most) < best.scores[-1] else None


def and_rounding(most: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return bounds of sums, and a little more than rounding may add to the sums."""
    return np.asarray(most + _ROUNDING * np.maximum(1.0, np.abs(most)))
