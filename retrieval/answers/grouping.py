"""Grouping: a ranking of pictures becomes a ranking of patients, studies or series, by a stated rule.

The score of a case, whose pictures have the scores s₁ ≥ s₂ ≥ …, is by rule

    best             s₁
    mean-N           the mean of s₁ … s_N; of all of them if they are fewer
    rank-weighted    Σ (s_j / j) / Σ (1 / j): each picture counts less than those before it

Before that, slices that are next to a better one of their stack collapse into it, so that ten neighbours do
not count for a case ten times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..kernel import kernel
from ..ranker import Ids, Ranking, order

COLLAPSE = 10.0
"""Millimetres within which slices collapse, unless the user says otherwise."""


@dataclass(frozen=True)
class CaseRule:
    """How the scores of the pictures of a case become one.

    Parameters
    ----------
    name : ``best``, ``mean-N`` with a number for N (``mean-3``), or ``rank-weighted``.
    """

    name: str = "best"

    def __post_init__(self) -> None:
        if self.name not in ("best", "rank-weighted") and not re.fullmatch(r"mean-[1-9]\d{0,5}", self.name):
            raise SettingError(
                f"case_by: {self.name!r} is no rule; give best, mean-3 (any number) or rank-weighted"
            )

    def weights(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what the picture at each place of its case (int64 (n,), from 0) counts."""
        if self.name == "rank-weighted":
            return np.asarray(1.0 / (places + 1.0), dtype=np.float64)
        n = 1 if self.name == "best" else int(self.name.removeprefix("mean-"))
        return np.where(places < n, 1.0, 0.0)


@dataclass(frozen=True)
class Case:
    """A case of an answer.

    Parameters
    ----------
    column, value : what makes it one: ``patient`` and its hash; the value is that picture's name if a
        picture has none.
    pictures : names and scores of its best pictures, best first, neighbours collapsed.
    n : how many of its pictures could be found, collapsed ones included.
    aligned : of a query of several slices: each slice, the picture of this case that is most like it, and its
        score, in the order of the query.
    """

    column: str
    value: str
    pictures: tuple[tuple[str, float], ...]
    n: int
    aligned: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class CaseRanking:
    """Cases, best first: the id of each one's best picture and its score, and the rows of all its pictures.

    Parameters
    ----------
    ranking : one id a case.
    rows : for each of these, the places of the case's pictures in the ranking of pictures, best first.
    """

    ranking: Ranking
    rows: list[NDArray[np.int64]] = field(default_factory=list)


def rank_cases(pictures: Ranking, numbers: NDArray[np.int64], rule: CaseRule, k: int) -> CaseRanking:
    """Rank cases by the scores of their pictures; equal scores by the id of the best picture.

    Parameters
    ----------
    pictures : the ranking of all pictures that may be found.
    numbers : int64, by id: the case of each picture, from 0.
    k : how many cases to keep.
    """
    own = numbers[pictures.ids]
    # One pass over all cases: rows of a case follow each other, so that sums are taken from start to start.
    rows = np.argsort(own, kind="stable")  # by case, and within it best first
    starts = np.flatnonzero(np.diff(own[rows], prepend=-1))
    sizes = np.diff(starts, append=len(rows))
    places = np.arange(len(rows)) - np.repeat(starts, sizes)
    weights = rule.weights(places)
    if len(rows) == 0:
        return CaseRanking(pictures)
    # (Σ w_j s_j) / (Σ w_j) by case, in float64, so that the order of summing shows in no digit of a score.
    total = np.add.reduceat(weights * pictures.scores[rows].astype(np.float64), starts)
    scores = (total / np.add.reduceat(weights, starts)).astype(np.float32)
    best = pictures.ids[rows[starts]]
    ranking = order(best, scores, k)
    by_id = np.argsort(best)
    chosen = by_id[np.searchsorted(best, ranking.ids, sorter=by_id)].tolist()
    return CaseRanking(ranking, [rows[starts[i] : starts[i] + sizes[i]] for i in chosen])


def collapse(
    pictures: Ranking, stacks: NDArray[np.int64], positions: NDArray[np.float64], within: float
) -> Ranking:
    """Keep the best of neighbouring slices: one within ``within`` mm of a kept one is dropped.

    Parameters
    ----------
    stacks : int64, by id: what has another number is never neighbouring.
    positions : float64, by id: millimetres along the normal; NaN if not known, which is never
        neighbouring.
    """
    if within <= 0 or len(pictures) == 0:
        return pictures
    own, at = stacks[pictures.ids], positions[pictures.ids]
    # Beside each other in this order are the slices that are beside each other in their stack.
    rising = np.lexsort((at, own))
    rank_of = np.empty(len(rising), dtype=np.int64)  # place along the stacks, by rank
    rank_of[rising] = np.arange(len(rising))
    kept = _kept(rank_of, own[rising], at[rising], within)
    return Ranking(pictures.ids[kept], pictures.scores[kept])


@kernel()
def _kept(
    place: Ids, stacks: NDArray[np.int64], positions: NDArray[np.float64], within: float
) -> NDArray[np.bool_]:
    """Walk down the ranking, and look beside each slice for one that was kept already.

    ``place`` says where along the stacks the slice of each rank is; stacks and positions are in that order.
    """
    n = len(place)
    is_kept = np.zeros(n, dtype=np.bool_)  # along the stacks
    found = np.zeros(n, dtype=np.bool_)  # along the ranking
    for rank in range(n):
        here = place[rank]
        is_near = False
        for step in (-1, 1):
            other = here + step
            while 0 <= other < n and stacks[other] == stacks[here]:
                # Positions rise: once one is too far, all behind it are. NaN is never near, hence "not <=".
                if not abs(positions[other] - positions[here]) <= within:
                    break
                if is_kept[other]:
                    is_near = True
                    break
                other += step
        if not is_near:
            is_kept[here] = True
            found[rank] = True
    return found
