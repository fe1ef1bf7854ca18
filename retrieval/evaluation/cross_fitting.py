"""Fusion with learnt weights: learnt from queries of some groups, used for queries of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..answers.fusion import fuse, normalised
from ..answers.weight_learning import Weights, learn_weights
from ..ranker import Ranking
from .systems import Liked, Mask, System
from .task import EvaluationTask

FOLDS = 5
_MOST_QUERIES, _MOST_SCORES = 300, 50_000_000


def gather(
    systems: Sequence[System], setting: EvaluationTask, positions: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return normalised scores (n_systems, n_queries, n_pictures) and the right answers of some queries.

    NaN where a picture may not be found; those a system does not rank have a score of 0.
    """
    n = len(setting.database)
    scores = np.full((len(systems), len(positions), n), np.nan, dtype=np.float32)
    relevant = np.zeros((len(positions), n), dtype=np.bool_)
    for i, position in enumerate(positions.tolist()):
        allowed = setting.allowed(position)
        relevant[i] = (setting.judgements.gains(position) > 0) & allowed
        scores[:, i, allowed] = 0
        for system, row in zip(systems, scores, strict=True):
            ranking = system.rank(position, allowed)
            row[i, ranking.ids] = normalised(ranking)
    return scores, relevant


def draw(
    setting: EvaluationTask, positions: NDArray[np.int64], n_systems: int, seed: int
) -> NDArray[np.int64]:
    """Return so many of some queries, drawn by lot, that learning from them is quick and fits into memory."""
    most = min(_MOST_QUERIES, max(1, _MOST_SCORES // max(1, n_systems * len(setting.database))))
    if len(positions) <= most:
        return positions
    drawn = np.random.default_rng(seed).choice(positions, most, replace=False)
    return np.asarray(np.sort(drawn), dtype=np.int64)


def folds(setting: EvaluationTask, positions: NDArray[np.int64], n: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each query, whole groups in one fold, by lot."""
    owners, groups = np.unique(setting.groups[positions], return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(owners))
    return np.asarray(order[groups] % n, dtype=np.int64)


def cross_fitted(
    systems: Sequence[System], setting: EvaluationTask, seed: int
) -> tuple[System, Mapping[str, float]]:
    """Return the fusion of systems by learnt weights, and the mean weight of each.

    Where train and test pictures are told apart, the weights are learnt with train pictures as queries. Else
    queries are dealt into five folds, whole groups together, and the weights for each fold are learnt from
    queries of the others. Where there is nothing to learn from, weights are equal.
    """
    names = tuple(system.name for system in systems)
    equal: Weights = (1 / len(systems),) * len(systems)
    if setting.is_split:
        learners = draw(setting, np.flatnonzero(setting.database), len(systems), seed)
        weights = [_learnt(*gather(systems, setting, learners), equal)]
        fold_of: dict[int, int] = {}
    else:
        dealt = folds(setting, setting.queries, FOLDS, seed)
        fold_of = dict(zip(setting.queries.tolist(), dealt.tolist(), strict=True))
        learners = draw(setting, setting.queries, len(systems), seed)
        scores, relevant = gather(systems, setting, learners)
        own = np.array([fold_of[p] for p in learners.tolist()])
        weights = [_learnt(scores[:, own != f], relevant[own != f], equal) for f in range(FOLDS)]

    def ranking(position: int, allowed: Mask, liked: Liked) -> Ranking:
        rankings = [system.rank(position, allowed, liked) for system in systems]
        return fuse(rankings, "learnt", weights=weights[fold_of.get(position, 0)])

    means = np.mean(weights, axis=0).tolist()
    return System(f"{' & '.join(names)}, learnt", ranking, names), dict(zip(names, means, strict=True))


def _learnt(scores: NDArray[np.float32], relevant: NDArray[np.bool_], otherwise: Weights) -> Weights:
    return learn_weights(scores, relevant) if relevant.any() else otherwise
