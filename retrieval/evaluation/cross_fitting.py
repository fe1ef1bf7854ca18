"""Cross-fitting: fusion weights are learnt from queries of some groups and used for queries of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..answers.fusion import scaled
from ..answers.weight_learning import Weights, learn_weights
from ..ranker import Ranking
from .systems import Liked, Mask, System, fuse_systems
from .task import EvaluationTask

FOLDS = 5
_MOST_QUERIES = 300
_MOST_SCORES = 50_000_000
"""Scores of all systems, queries and pictures that are held at once: 200 MB."""


def gather(
    systems: Sequence[System], task: EvaluationTask, positions: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return scores on one scale (n_systems, n_queries, n_pictures) and the right answers of some queries.

    NaN if a picture may not be found; those a system does not rank have a score of 0.
    """
    n = len(task.database)
    scores = np.full((len(systems), len(positions), n), np.nan, dtype=np.float32)
    relevant = np.zeros((len(positions), n), dtype=np.bool_)
    for i, position in enumerate(positions.tolist()):
        allowed = task.allowed(position)
        relevant[i] = (task.judgements.gains(position) > 0) & allowed
        scores[:, i, allowed] = 0  # what a system does not rank adds nothing, as in a fusion
        for system, row in zip(systems, scores, strict=True):
            ranking = system.rank(position, allowed)
            row[i, ranking.ids] = scaled(ranking.scores, system.scale(position, ranking, "learnt"))
    return scores, relevant


def draw(task: EvaluationTask, positions: NDArray[np.int64], n_systems: int, seed: int) -> NDArray[np.int64]:
    """Return some of the queries, drawn at random: as many as are learnt from quickly and fit into memory."""
    most = min(_MOST_QUERIES, max(1, _MOST_SCORES // max(1, n_systems * len(task.database))))
    if len(positions) <= most:
        return positions
    drawn = np.random.default_rng(seed).choice(positions, most, replace=False)
    return np.asarray(np.sort(drawn), dtype=np.int64)


def folds(task: EvaluationTask, positions: NDArray[np.int64], n: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each query, int64 (n_queries,), at random; whole groups are in one fold.

    Groups that share near-duplicates are in one fold, too.
    """
    owners, groups = np.unique(task.apart[positions], return_inverse=True)
    # A permutation modulo n: folds of equally many groups, however large each group is.
    order = np.random.default_rng(seed).permutation(len(owners))
    return np.asarray(order[groups] % n, dtype=np.int64)


def cross_fitted(
    systems: Sequence[System], task: EvaluationTask, seed: int
) -> tuple[System, Mapping[str, float]]:
    """Return the fusion of systems by learnt weights, and the mean weight of each.

    If train and test pictures are told apart, the weights are learnt with train pictures as queries. Else
    queries are dealt into five folds, whole groups together, and the weights for each fold are learnt from
    queries of the others. If there is nothing to learn from, weights are equal. Learnt metrics count by what
    they find among pictures that they have not seen.
    """
    names = tuple(system.name for system in systems)
    # What a metric was taught of the images that are found would raise its weight, whatever the labels mean.
    unseen = [system if system.unseen is None else system.unseen() for system in systems]
    within = replace(task, seen=[system.seen for system in unseen if system.seen is not None])
    equal: Weights = (1 / len(systems),) * len(systems)
    if task.is_split:
        learners = draw(task, np.flatnonzero(task.database), len(systems), seed)
        weights = [_weights(*gather(unseen, within, learners), equal)]
        fold_of: dict[int, int] = {}  # every query uses the one set of weights
    else:
        dealt = folds(task, task.queries, FOLDS, seed)
        fold_of = dict(zip(task.queries.tolist(), dealt.tolist(), strict=True))
        # Scores are gathered once, and each fold learns from its part of them.
        learners = draw(task, task.queries, len(systems), seed)
        scores, relevant = gather(unseen, within, learners)
        own = np.array([fold_of[p] for p in learners.tolist()])
        weights = [_weights(scores[:, own != f], relevant[own != f], equal) for f in range(FOLDS)]

    def ranking(position: int, allowed: Mask, liked: Liked) -> Ranking:
        own = weights[fold_of.get(position, 0)]
        return fuse_systems(systems, "learnt", position, allowed, liked, own)

    means = np.mean(weights, axis=0).tolist()
    name, knows_labels = f"{' & '.join(names)}, learnt", any(system.knows_labels for system in systems)
    made = System(name, ranking, names, knows_labels=knows_labels)
    return made, dict(zip(names, means, strict=True))


def _weights(scores: NDArray[np.float32], relevant: NDArray[np.bool_], otherwise: Weights) -> Weights:
    return learn_weights(scores, relevant) if relevant.any() else otherwise
