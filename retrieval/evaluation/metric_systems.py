"""Learnt metrics under evaluation: learnt anew, so that none has seen the labels of its queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..answers.relevance_feedback import Rocchio
from ..errors import FitError, SettingError
from ..index.search.encode_query import stored_vector
from ..index.search.sampled_scores import sampled_scores
from ..index.storage.snapshot import Snapshot
from ..metric_learning import METHODS, LearnedMetric, MetricLearner, Projection, blend_of, learn_held_out
from ..metric_learning.blended_ranker import blended
from ..metric_learning.held_out import Projected
from ..ranker import Ranker, Ranking
from ..rankers.dense import ExactRanker
from ..representation import Vector
from .cross_fitting import FOLDS, folds
from .held_out_systems import by_held_out
from .systems import Liked, Mask, System, by_representation
from .task import EvaluationTask


def by_metric(snapshot: Snapshot, name: str, task: EvaluationTask, seed: int) -> System:
    """Return the system that ranks by a metric, called ``base+method`` or as a learnt one of the index.

    What the index has learnt may have seen the labels of the queries. So it is learnt anew, with the same
    settings: from the train pictures if they are told apart; else five times, each from all pictures but
    those of a fifth of the groups, and used for queries of those groups.

    Raises
    ------
    SettingError : no such base or method. FitError : too few pictures to learn from.
    """
    labelled = task.judgements.known
    if not task.is_split:
        return _learnt_anew(snapshot, name, task, seed, np.flatnonzero(labelled))
    known = np.flatnonzero(labelled & task.database)

    def in_folds() -> System:
        return _learnt_anew(snapshot, name, replace(task, is_split=False), seed, known)

    return replace(_learnt_anew(snapshot, name, task, seed, known), unseen=in_folds)


def _learnt_anew(
    snapshot: Snapshot, name: str, task: EvaluationTask, seed: int, known: NDArray[np.int64]
) -> System:
    """Return the system of a metric that is learnt from the pictures at some positions."""
    base, _, method = name.partition("+")
    learner = MetricLearner(**_settings(snapshot, name, method), seed=seed)
    vectors = [stored_vector(snapshot, base, other) for other in snapshot.names]
    classes = task.judgements.classes
    # Folds of all pictures, not of the labelled ones alone: each must have a ranker that never saw its group.
    everyone = np.arange(len(vectors), dtype=np.int64)
    dealt = np.zeros(len(vectors), dtype=np.int64) if task.is_split else folds(task, everyone, FOLDS, seed)
    rankers: list[ExactRanker] = []
    projections: list[Projection] = []
    for fold in range(1 if task.is_split else FOLDS):
        kept = known if task.is_split else known[dealt[known] != fold]
        try:
            projection = learner.learn([vectors[i] for i in kept], [classes[i] for i in kept])
        except FitError as error:
            raise FitError(f"{name}: {error}") from error
        # Each fold has a space of its own, so every picture is projected into each of them.
        ranker = ExactRanker(projection.dimension)
        ranker.add(everyone, [projection.project(vector) for vector in vectors])
        projections.append(projection)
        rankers.append(ranker)
    weights = _weights(learner, task, projections, dealt, known, vectors)
    stored = snapshot.ranker(base)
    asked = [
        blended(ranker, stored, ranker.dimension, weight)
        for ranker, weight in zip(rankers, weights, strict=True)
    ]

    def query(ranker: Ranker, position: int, liked: Liked) -> Vector:
        # Feedback moves the query in the space of its own fold.
        near = [ranker.vector(one) for one in liked]
        return Rocchio().refine(ranker.vector(position), near, ())

    def ranking(position: int, allowed: Mask, liked: Liked) -> Ranking:
        ranker = asked[int(dealt[position])]
        return ranker.rank(query(ranker, position, liked), len(allowed), allowed)

    def sample(position: int, liked: Liked) -> NDArray[np.float32]:
        ranker = asked[int(dealt[position])]
        return sampled_scores(snapshot, ranker, query(ranker, position, liked))

    seen = None if task.is_split else dealt
    return System(name, ranking, sample=sample, knows_labels=True, seen=seen)


def _weights(
    learner: MetricLearner,
    task: EvaluationTask,
    projections: Sequence[Projected],
    dealt: NDArray[np.int64],
    known: NDArray[np.int64],
    vectors: Sequence[Vector],
) -> list[float]:
    """Return how much the base counts beside the metric of each fold, chosen without its labels."""
    classes = task.judgements.classes

    def weight(kept: NDArray[np.int64], folds: NDArray[np.int64], used: Sequence[Projected]) -> float:
        own = [vectors[i] for i in kept], [classes[i] for i in kept]
        groups = task.apart[kept].tolist()
        # Exactly what is learnt from: empty vectors and classes of one image say nothing.
        drawn = learner.drawn(*own)
        few = [own[0][i] for i in drawn], [own[1][i] for i in drawn], [groups[i] for i in drawn]
        return blend_of(used, folds[drawn], *few, seed=learner.seed).weight

    if not task.is_split:
        # Of the images that are not of the fold each asks by the projection of its own.
        kept = [known[dealt[known] != fold] for fold in range(len(projections))]
        return [weight(one, dealt[one], projections) for one in kept]
    own = [vectors[i] for i in known], [classes[i] for i in known], task.apart[known].tolist()
    held_out = learn_held_out(learner, *own, range(len(known)))
    if held_out is None:
        return [weight(known, np.zeros(len(known), dtype=np.int64), projections)]
    return [weight(known, held_out.folds, held_out.projections)]


def by_name(snapshot: Snapshot, name: str, task: EvaluationTask, seed: int) -> System:
    """Return the system of a name: a representation of the index, or a metric on one, learnt anew.

    A semantic profile asks by its folds, which are kept: the reports that it was learnt from are not.
    """
    if name in snapshot.stored and "terms" in snapshot.stored[name].settings:
        metric = snapshot.representation(name)
        if isinstance(metric, LearnedMetric) and metric.held_out_ is None:
            raise SettingError(
                f"by: {name} was learnt from too few patients for folds, and has seen them all"
            )
        return by_held_out(snapshot, name)
    if "+" in name:
        return by_metric(snapshot, name, task, seed)
    return by_representation(snapshot, name)


def _settings(snapshot: Snapshot, name: str, method: str) -> Mapping[str, Any]:
    """Return how a metric is learnt: as that of the index, or by the defaults of a method."""
    if name in snapshot.stored:
        own = snapshot.stored[name].settings
        return {key: own[key] for key in ("method", "components", "shrinkage")}
    if method not in METHODS:
        raise SettingError(
            f"by: {name}: no such metric in this index, and no method of that name; after the + give one of "
            f"{', '.join(METHODS)}"
        )
    return {"method": method}
