"""Fusion: several rankings of the same collection become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..ranker import Ids, Ranking, order
from ..statistics.tied_ranking import group_starts
from .rule_names import FUSION_RULES

RANK_CONSTANT = 60
"""The constant of reciprocal rank fusion that Cormack, Clarke and Büttcher (SIGIR 2009) recommend."""


def fuse(
    rankings: Sequence[Ranking],
    how: str = "rrf",
    k: int | None = None,
    weights: Sequence[float] | None = None,
) -> Ranking:
    """Fuse rankings into one that holds every id that any of them holds.

    Parameters
    ----------
    how : ``rrf``, the sum over rankings of 1 / (60 + rank), rank from 1, which compares no scores, except
        that tied hits get the mean of what their ranks add, and a score of 0 adds nothing: if nothing is
        shared, the order means nothing; ``sum``, the sum of ``normalised`` scores; or ``learnt``, that sum
        with ``weights`` that were learnt for these rankings. A ranking adds nothing to an id that it does not
        hold.
    k : how many of the best to keep; all if None.
    weights : of each ranking, at least 0; all 1 if None.

    Returns
    -------
    The fused ranking; equal scores by id. No rankings give an empty one.

    Raises
    ------
    SettingError : another ``how``, or weights that do not fit.
    """
    ids, parts = contributions(rankings, how, weights)
    # float32 is the precision of every score: sums that differ by rounding alone tie, and ids decide.
    total = parts.sum(axis=0, dtype=np.float64)
    return order(ids, total.astype(np.float32), len(ids) if k is None else k)


def contributions(
    rankings: Sequence[Ranking], how: str, weights: Sequence[float] | None = None
) -> tuple[Ids, NDArray[np.float64]]:
    """Return all ids, rising, and what each ranking adds to the fused score of each, (n_rankings, n_ids)."""
    if how not in FUSION_RULES:
        raise SettingError(f"fusion: {how!r} is unknown; use one of {', '.join(FUSION_RULES)}")
    given = [1.0] * len(rankings) if weights is None else list(weights)
    if len(given) != len(rankings) or not all(0 <= w < float("inf") for w in given):
        raise SettingError(f"weights: {given} for {len(rankings)} rankings; give one of at least 0 for each")
    if how == "learnt" and weights is None:
        raise SettingError("fusion: learnt needs weights; learn them with `semblance learn-fusion`")
    ids = np.unique(np.concatenate([np.empty(0, np.int64), *(ranking.ids for ranking in rankings)]))
    parts = np.zeros((len(rankings), len(ids)), dtype=np.float64)
    for part, ranking, weight in zip(parts, rankings, given, strict=True):
        added = _reciprocal_ranks(ranking) if how == "rrf" else normalised(ranking)
        part[np.searchsorted(ids, ranking.ids)] = weight * added
    return ids, parts


@dataclass(frozen=True)
class Vote:
    """What one of several fused rankings adds to a hit.

    Parameters
    ----------
    rank : its place in that ranking, from 1.
    score : its score there.
    share : how much of the fused score comes from there, in [0, 1]; 0 if the fused score is 0.
    """

    rank: int
    score: float
    share: float


def votes(
    names: Sequence[str],
    rankings: Sequence[Ranking],
    how: str,
    weights: Sequence[float] | None,
    ids: Ids,
) -> list[dict[str, Vote]]:
    """Return how each ranking voted for some ids, in their order; a ranking that lacks an id has no vote.

    The other arguments are those of ``fuse``; ``names`` are of the rankings.
    """
    everyone, parts = contributions(rankings, how, weights)  # (n_all,), (n_rankings, n_all)
    own = parts[:, np.searchsorted(everyone, ids)]
    shares = np.divide(own, own.sum(axis=0), out=np.zeros_like(own), where=own.sum(axis=0) > 0)
    cast: list[dict[str, Vote]] = [{} for _ in ids]
    numbers = {id: i for i, id in enumerate(ids.tolist())}
    for name, ranking, share in zip(names, rankings, shares, strict=True):
        for place in np.flatnonzero(np.isin(ranking.ids, ids)).tolist():
            i = numbers[int(ranking.ids[place])]
            cast[i][name] = Vote(place + 1, float(ranking.scores[place]), float(share[i]))
    return cast


def normalised(ranking: Ranking) -> NDArray[np.float64]:
    """Return the scores of a ranking brought to [0, 1], (s − min) / (max − min), equal ones to 0, (n,)."""
    scores = ranking.scores.astype(np.float64)
    # A ranking that tells nothing apart must not lift all that it holds above what it does not hold.
    if len(scores) == 0 or scores.max() == scores.min():
        return np.zeros_like(scores)
    return np.interp(scores, (scores.min(), scores.max()), (0.0, 1.0))


def _reciprocal_ranks(ranking: Ranking) -> NDArray[np.float64]:
    # 1 / (60 + rank), rank from 1: equation 1 of Cormack et al. Tied hits get the mean of what their ranks
    # weigh, so that their names decide nothing.
    weights = 1.0 / (RANK_CONSTANT + 1.0 + np.arange(len(ranking)))
    starts = group_starts(ranking.scores)
    if len(starts) < len(ranking):
        sizes = np.diff(starts, append=len(ranking))
        weights = np.repeat(np.add.reduceat(weights, starts) / sizes, sizes)
    return np.asarray(np.where(ranking.scores == 0, 0.0, weights), dtype=np.float64)
