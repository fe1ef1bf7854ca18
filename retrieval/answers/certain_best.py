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


def certain_best(
    prefixes: Sequence[Prefix],
    k: int,
    how: str,
    weights: Sequence[float] | None,
    scales: Sequence[Scale] | None,
) -> Ranking | None:
    """Return the best k of what the beginnings hold; None if others may be among them."""
    ids, parts = contributions([one.ranking for one in prefixes], how, weights, scales)
    held = np.stack([np.isin(ids, one.ranking.ids) for one in prefixes])  # bool (n_rankings, n_ids)
    bounds = bounds_of(prefixes, weights)
    is_known = known(prefixes, ids, held)
    total = parts.sum(axis=0, dtype=np.float64)
    best = order(ids[is_known], total[is_known].astype(np.float32), k)
    if len(best) < k:
        return None
    most = _most(total + np.where(held, 0.0, bounds[:, None]).sum(axis=0), is_known, float(bounds.sum()))
    # Not equal either: which of two equal ones is first, their ids decide.
    return best if np.float32(most) < best.scores[-1] else None


def known(prefixes: Sequence[Prefix], ids: Ids, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return of which ids all is known, bool (n_ids,); ``held`` says which beginning holds which."""
    is_absent = [one.is_whole | np.isin(ids, one.absent) for one in prefixes]
    return np.asarray((held | np.stack(is_absent)).all(axis=0))


def bounds_of(prefixes: Sequence[Prefix], weights: Sequence[float] | None) -> NDArray[np.float64]:
    """Return the most that each ranking adds to what it does not hold, (n_rankings,)."""
    own = np.array([1.0] * len(prefixes) if weights is None else weights)
    return np.asarray(own * [one.bound for one in prefixes])


def _most(bounds: NDArray[np.float64], is_known: NDArray[np.bool_], threshold: float) -> NDArray[np.float64]:
    """Return the most that the fused score of an id may be that is not known, or held nowhere."""
    return and_rounding(max(float(bounds[~is_known].max(initial=-np.inf)), threshold))


def and_rounding(most: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return bounds of sums, and a little more than rounding may add to the sums."""
    return np.asarray(most + _ROUNDING * np.maximum(1.0, np.abs(most)))
