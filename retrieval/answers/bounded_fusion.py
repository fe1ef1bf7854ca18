"""Bounded fusion: the best of fused rankings, without ranking the whole collection.

Each ranking is taken to some depth. What it does not hold can add no more than what follows its last entry,
so that whoever is ahead of all such sums is among the best for certain; else the few others that may be are
looked up where they are missing (``open_entries.py``), or the rankings are taken deeper. This is NRA of
Fagin, Lotem and Naor (JCSS 2003), but for scores that are known in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..ranker import Ids, Ranking
from .certain_best import Sums, and_rounding, bounds_of, certain_best, prefixes_of
from .fusion import Scale
from .open_entries import LooksUp, with_open_entries

_FIRST, _PER_HIT, _DEEPER = 256, 16, 4
"""Depth of the first rankings: at least, and for each hit wanted; and how many times deeper the next go."""

_SHARE = 256
"""One in so many of all images is ranked at first for a fusion: of a large collection the first few hundred
seldom decide, and to rank again costs more than to rank some more at once."""

DeepRankings = Callable[[int], Sequence[Ranking]]
"""Returns the rankings of a query to some depth, shorter only if there is no more."""


def fuse_best(
    rankings: DeepRankings,
    n: int,
    k: int,
    how: str,
    weights: Sequence[float] | None = None,
    scales: Sequence[Scale] | None = None,
    look_up: LooksUp | None = None,
) -> tuple[Ranking, list[Ranking]] | None:
    """Return the best k of a fusion, and the beginnings of the rankings that hold them.

    None if that needs whole rankings. Both are what ``fuse`` and ``votes`` make of these, to the last bit.

    Parameters
    ----------
    rankings : to a depth, at most n.
    n : how many may be found.
    k, how, weights, scales : as in ``fuse``; rules other than ``rrf`` need scales.
    look_up : tells scores and places of single ids; without it rankings are taken deeper instead.
    """
    for depth in depths(n, k):
        prefixes = prefixes_of(rankings(depth), depth, how, scales)
        sums = Sums.of(prefixes, how, weights, scales)
        best = certain_best(sums, k)
        if best is not None:
            return best, [prefix.ranking for prefix in prefixes]
        if look_up is not None:
            completed = with_open_entries(prefixes, sums, k, how, weights, scales, look_up)
            if completed is not None:
                return completed
    return None


@dataclass(frozen=True, eq=False)
class Prefixes:
    """The beginnings of rankings, and the most that an id may score of which none of them tells.

    Parameters
    ----------
    rankings : as far as they are certain.
    threshold : that of the threshold algorithm: the score of an id that is in no beginning is below this.
    """

    rankings: Sequence[Ranking]
    threshold: np.float32
    _are_whole: Sequence[bool]

    @classmethod
    def of(
        cls,
        rankings: Sequence[Ranking],
        depth: int,
        how: str,
        weights: Sequence[float] | None = None,
        scales: Sequence[Scale] | None = None,
    ) -> Prefixes:
        """Return those of rankings that were taken to a depth; a single one keeps its own scores."""
        # A single ranking is not fused: whatever the rule, its scores are the answer's.
        if len(rankings) == 1:
            how, weights, scales = "sum", None, [Scale(0.0, 1.0)]
        prefixes = prefixes_of(rankings, depth, how, scales)
        threshold = and_rounding(bounds_of(prefixes, weights).sum())
        kept = [one.ranking for one in prefixes]
        return cls(kept, np.float32(threshold), [one.is_whole for one in prefixes])

    @property
    def ids(self) -> Ids:
        """All ids of the beginnings, rising."""
        return np.unique(np.concatenate([one.ids for one in self.rankings]))

    def tell_ranks_of(self, ids: Ids) -> bool:
        """Tell if each beginning tells the rank of each of some ids, or that it has none."""
        pairs = zip(self.rankings, self._are_whole, strict=True)
        return all(is_whole or np.isin(ids, one.ids).all() for one, is_whole in pairs)


def depths(n: int, k: int, n_rankings: int = 2) -> Iterator[int]:
    """Yield to what depths rankings of n are taken for the best k; the last is a quarter of n at most."""
    depth = _first_depth(n if n_rankings > 1 else 0, k)
    while depth * _DEEPER <= n:
        yield depth
        depth *= _DEEPER


def may_save(n: int, k: int) -> bool:
    """Tell if the best k of n images may be known without whole rankings."""
    return _first_depth(n, k) * _DEEPER <= n


def _first_depth(n: int, k: int) -> int:
    return max(_FIRST, _PER_HIT * k, n // _SHARE)
