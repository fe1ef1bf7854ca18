"""Open entries: the few undecided candidates of a fusion, completed by random access to the rankings.

A candidate that is first in one ranking and far behind in another is often what keeps the top k from being
certain. Its rank is counted in one pass over the collection, without ranking all that is ahead of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids, Ranking, are_among, order
from .certain_best import Prefix, Sums, certain_best, with_rounding_margin
from .fusion import Scale
from .partial_ranking import PartialRanking, Places

_PER_HIT, _AT_LEAST = 16, 256
"""How many entries are looked up at most: for each hit wanted, and in all. Of places a quarter."""


T = TypeVar("T")


class LooksUp(Protocol):
    """Random access to rankings: the scores and ranks of single ids."""

    def each(self, do: Callable[[int], T]) -> list[T]:
        """Return what a function gives for the number of each ranking, side by side if that pays."""
        ...

    def scores(self, number: int, ids: Ids) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the scores of some ids in a ranking, and which of them it holds at all, both (n,)."""
        ...

    def places(self, number: int, ids: Ids, scores: NDArray[np.float32]) -> Places:
        """Return where some ids that a ranking holds stand in it."""
        ...


def with_open_entries(
    prefixes: Sequence[Prefix],
    sums: Sums,
    k: int,
    how: str,
    weights: Sequence[float] | None,
    scales: Sequence[Scale] | None,
    look_up: LooksUp,
) -> tuple[Ranking, list[Ranking]] | None:
    """Return the top k and the rankings that contain them, as ``fuse_best`` does; None if too many are open.

    ``sums`` : of the prefixes.
    """
    is_by_rank = how == "rrf"
    most = max(_AT_LEAST, _PER_HIT * k) // (4 if is_by_rank else 1)
    ids = _open(sums, k, how)
    if ids is None or len(ids) > most:
        return None
    completed = look_up.each(lambda number: _completed(number, prefixes[number], ids, look_up, is_by_rank))
    best = certain_best(Sums.of(completed, how, weights, scales), k)
    if best is None:
        return None
    # Votes name the place of each hit, whatever the rule.
    if not is_by_rank:
        completed = look_up.each(lambda number: _completed(number, prefixes[number], best.ids, look_up, True))
    return best, [one.ranking for one in completed]


def _open(sums: Sums, k: int, how: str) -> Ids | None:
    """Return the candidates of unknown sum that may be among the top k; None if ids in no prefix may be."""
    if len(sums.ids) < k:
        return None
    # By their ranks, what is missing of an id takes nothing from it; by their scores it may.
    least = sums.total if how == "rrf" else np.where(sums.is_known, sums.total, -np.inf)
    kth = np.float32(order(sums.ids, least.astype(np.float32), k).scores[-1])
    if np.float32(with_rounding_margin(sums.threshold)) >= kth:
        return None
    may_reach = with_rounding_margin(sums.most).astype(np.float32) >= kth
    return np.asarray(sums.ids[may_reach & ~sums.is_known])


def _completed(number: int, prefix: Prefix, ids: Ids, look_up: LooksUp, is_counted: bool) -> Prefix:
    """Return a prefix with those of some ids that it lacks behind it; without places unless counted."""
    lacking = ids[~are_among(ids, prefix.ranking.ids)]
    if prefix.is_whole or not len(lacking):
        return prefix
    scores, is_held = look_up.scores(number, lacking)
    found, own = lacking[is_held], scores[is_held]
    nowhere = np.arange(len(found)) + len(prefix.ranking)
    places = look_up.places(number, found, own) if is_counted else Places(nowhere, nowhere, nowhere)
    ranking = PartialRanking.of(prefix.ranking, found, own, places)
    return replace(prefix, ranking=ranking, absent=lacking[~is_held])
