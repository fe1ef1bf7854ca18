"""Fusion: several rankings of the same collection become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..ranker import Ids, Ranking, are_among, order, united
from ..statistics.tied_ranking import group_starts
from .partial_ranking import PartialRanking, places_in
from .rule_names import FUSION_RULES

RANK_CONSTANT = 60
"""The constant of reciprocal rank fusion that Cormack, Clarke and Büttcher (SIGIR 2009) recommend."""

_LEAST = float(np.finfo(np.float32).tiny)
"""Scores that differ by less tell nothing apart; divided by less, one of another size would be infinite."""


class Scale(NamedTuple):
    """What brings scores of one representation to a scale that others have too: (s − zero) / unit.

    A unit of 0 says that the scores tell nothing apart: then all become 0.
    """

    zero: float
    unit: float


def scale_of(sample: NDArray[np.float32], how: str) -> Scale:
    """Return the scale that a rule takes from the scores of a query over a sample of its collection, (n,).

    ``z``: their mean and standard deviation, without the highest. Other rules: their range becomes [0, 1].
    """
    scores = np.sort(sample.astype(np.float64))
    if not len(scores):
        return Scale(0.0, 0.0)
    if how == "z":
        # The highest may be the query itself, and its score would be half of the deviation of sparse vectors.
        rest = scores[:-1] if len(scores) > 2 and scores[-2] - scores[0] >= _LEAST else scores
        zero, unit = float(rest.mean()), float(rest.std())
    else:
        zero, unit = float(scores[0]), float(scores[-1] - scores[0])
    return Scale(zero, unit if unit >= _LEAST else 0.0)


def fuse(
    rankings: Sequence[Ranking],
    how: str = "rrf",
    k: int | None = None,
    weights: Sequence[float] | None = None,
    scales: Sequence[Scale] | None = None,
) -> Ranking:
    """Fuse rankings into one that holds every id that any of them holds.

    Parameters
    ----------
    how : ``rrf``, the sum over rankings of 1 / (60 + rank), rank from 1, which compares no scores, except
        that tied hits get the mean of what their ranks add, and a score of 0 adds nothing: if nothing is
        shared, the order means nothing; ``z`` and ``sum``, the sum of ``scaled`` scores; or ``learnt``, that
        of ``sum`` with ``weights`` that were learnt for these rankings. A ranking adds nothing to an id that
        it does not hold.
    k : how many of the best to keep; all if None.
    weights : of each ranking, at least 0; all 1 if None.
    scales : of each ranking, from a sample of the collection; None takes that of its own scores.

    Returns
    -------
    The fused ranking; equal scores by id. No rankings give an empty one.

    Raises
    ------
    SettingError : another ``how``, or weights that do not fit.
    """
    ids, parts = contributions(rankings, how, weights, scales)
    # float32 is the precision of every score: sums that differ by rounding alone tie, and ids decide.
    total = parts.sum(axis=0, dtype=np.float64)
    return order(ids, total.astype(np.float32), len(ids) if k is None else k)


def contributions(
    rankings: Sequence[Ranking],
    how: str,
    weights: Sequence[float] | None = None,
    scales: Sequence[Scale] | None = None,
) -> tuple[Ids, NDArray[np.float64]]:
    """Return all ids, rising, and what each ranking adds to the fused score of each, (n_rankings, n_ids)."""
    if how not in FUSION_RULES:
        raise SettingError(f"fusion: {how!r} is unknown; use one of {', '.join(FUSION_RULES)}")
    given = [1.0] * len(rankings) if weights is None else list(weights)
    if len(given) != len(rankings) or not all(0 <= w < float("inf") for w in given):
        raise SettingError(f"weights: {given} for {len(rankings)} rankings; give one of at least 0 for each")
    if how == "learnt" and weights is None:
        raise SettingError("fusion: learnt needs weights; learn them with `semblance learn-fusion`")
    ids = united([ranking.ids for ranking in rankings])
    parts = np.zeros((len(rankings), len(ids)), dtype=np.float64)
    own = scales or [scale_of(ranking.scores, how) for ranking in rankings]
    for part, ranking, weight, scale in zip(parts, rankings, given, own, strict=True):
        added = reciprocal_ranks(ranking) if how == "rrf" else scaled(ranking.scores, scale)
        part[np.searchsorted(ids, ranking.ids)] = weight * added
    return ids, parts


@dataclass(frozen=True)
class Vote:
    """What one of several fused rankings adds to a hit.

    Parameters
    ----------
    rank : its place in that ranking, from 1.
    score : its score there.
    share : how much of what was added to the fused score comes from there, in [0, 1]; 0 if it added nothing.
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
    scales: Sequence[Scale] | None = None,
) -> list[dict[str, Vote]]:
    """Return how each ranking voted for some ids, in their order; a ranking that lacks an id has no vote.

    The other arguments are those of ``fuse``; ``names`` are of the rankings.
    """
    everyone, parts = contributions(rankings, how, weights, scales)  # (n_all,), (n_rankings, n_all)
    # By z and sum a score below those of the sample takes away: that is no share of what was added.
    own = np.maximum(parts[:, np.searchsorted(everyone, ids)], 0)
    shares = np.divide(own, own.sum(axis=0), out=np.zeros_like(own), where=own.sum(axis=0) > 0)
    cast: list[dict[str, Vote]] = [{} for _ in ids]
    numbers = {id: i for i, id in enumerate(ids.tolist())}
    for name, ranking, share in zip(names, rankings, shares, strict=True):
        places = places_in(ranking)
        for entry in np.flatnonzero(are_among(ranking.ids, ids)).tolist():
            i = numbers[int(ranking.ids[entry])]
            cast[i][name] = Vote(int(places[entry]) + 1, float(ranking.scores[entry]), float(share[i]))
    return cast


def scaled(scores: NDArray[np.float32], scale: Scale) -> NDArray[np.float64]:
    """Return scores (n,) on a scale; all 0 if its unit is 0."""
    # A ranking that tells nothing apart must not lift all that it holds above what it does not hold.
    if scale.unit == 0:
        return np.zeros(len(scores))
    return (scores.astype(np.float64) - scale.zero) / scale.unit


def reciprocal_ranks(ranking: Ranking) -> NDArray[np.float64]:
    """Return 1 / (60 + rank) of each hit, rank from 1 (equation 1 of Cormack et al.); 0 for a score of 0.

    Tied hits get the mean of what their ranks weigh, so that their names decide nothing.
    """
    if isinstance(ranking, PartialRanking):
        later = _weights(ranking.later.starts)
        for i in np.flatnonzero(ranking.later.sizes > 1).tolist():
            later[i] = _mean_weight(int(ranking.later.starts[i]), int(ranking.later.sizes[i]))
        weights = np.concatenate([reciprocal_ranks(ranking.first), later])
    else:
        weights = _weights(np.arange(len(ranking)))
        starts = group_starts(ranking.scores)
        if len(starts) < len(ranking):
            sizes = np.diff(starts, append=len(ranking))
            weights = np.repeat(np.add.reduceat(weights, starts) / sizes, sizes)
    return np.asarray(np.where(ranking.scores == 0, 0.0, weights), dtype=np.float64)


def _weights(places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what the ranks weigh of those at some places from 0."""
    return np.asarray(1.0 / (RANK_CONSTANT + 1.0 + places))


def _mean_weight(start: int, n: int) -> float:
    # Summed as those of a whole ranking are: the same bits.
    return float(np.add.reduceat(_weights(np.arange(start, start + n)), [0])[0] / n)
