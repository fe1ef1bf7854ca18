"""Bounded fusion: the top k of fused rankings, without ranking the whole collection.

Each ranking is read to some depth by sorted access. A candidate that it does not hold scores no more in it
than its last entry, which gives an upper bound of the candidate's sum. k candidates with known sums above the
bounds of all others are the top k. Else the few undecided candidates are completed by random access
(``open_entries.py``), or the rankings are read deeper. These are the threshold and no-random-access
algorithms of Fagin, Lotem and Naor (JCSS 2003), except that the scores returned are always exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..ranker import Ids, Ranking, are_among, united
from .certain_best import Sums, bounds_of, certain_best, prefixes_of, with_rounding_margin
from .fusion import Scale
from .open_entries import LooksUp, with_open_entries

_FIRST, _PER_HIT, _DEEPER = 256, 16, 4
"""Depth of the first rankings: at least, and for each hit wanted; and how many times deeper the next go."""

_SHARE = 256
"""The first rankings of a fusion hold at least one image in this number: in a large collection the first few
hundred seldom decide the top k, and to rank again costs more than to rank some more at once."""

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
    """Return the top k of a fusion, and the prefixes of the rankings that contain them.

    None if that needs whole rankings. Scores and ranks are those of ``fuse`` and ``votes``, to the last bit.

    Parameters
    ----------
    rankings : returns the rankings to a depth, at most n.
    n : the number of images that may be found.
    k, how, weights, scales : as in ``fuse``; rules other than ``rrf`` need scales.
    look_up : random access to scores and ranks; without it rankings are read deeper instead.
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
    """Prefixes of rankings, and an upper bound of the fused score of any id that is in none of them.

    Parameters
    ----------
    rankings : the prefixes, cut before the ties of their last entries, which may go on.
    threshold : that of the threshold algorithm, an upper bound of the score of all ids in no prefix.
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
        """Return the prefixes of rankings that were read to a depth; a single one keeps its own scores."""
        # A single ranking is not fused: whatever the rule, its scores are the answer's.
        if len(rankings) == 1:
            how, weights, scales = "sum", None, [Scale(0.0, 1.0)]
        prefixes = prefixes_of(rankings, depth, how, scales)
        threshold = with_rounding_margin(bounds_of(prefixes, weights).sum())
        kept = [one.ranking for one in prefixes]
        return cls(kept, np.float32(threshold), [one.is_whole for one in prefixes])

    @property
    def ids(self) -> Ids:
        """All ids of the prefixes, rising."""
        return united([one.ids for one in self.rankings])

    def hold_ranks_of(self, ids: Ids) -> bool:
        """Tell if each prefix shows the rank of each of some ids, or is whole, so that others have none."""
        pairs = zip(self.rankings, self._are_whole, strict=True)
        return all(is_whole or are_among(ids, one.ids).all() for one, is_whole in pairs)


def depths(n: int, k: int, n_rankings: int = 2) -> Iterator[int]:
    """Yield the depths to which rankings of n are read for the top k; the last is at most a quarter of n."""
    depth = _first_depth(n if n_rankings > 1 else 0, k)
    while depth * _DEEPER <= n:
        yield depth
        depth *= _DEEPER


def may_save(n: int, k: int) -> bool:
    """Tell if the top k of n images may be found without whole rankings."""
    return _first_depth(n, k) * _DEEPER <= n


def _first_depth(n: int, k: int) -> int:
    return max(_FIRST, _PER_HIT * k, n // _SHARE)
