"""Learnt metrics under evaluation: learnt anew, so that none has seen the labels of its queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..answers.relevance_feedback import Rocchio
from ..errors import FitError, SettingError
from ..index.search.encode_query import stored_vector
from ..index.search.sampled_scores import sampled_scores
from ..index.storage.snapshot import Snapshot
from ..metric_learning import METHODS, MetricLearner
from ..ranker import Ranking
from ..rankers.dense import ExactRanker
from .cross_fitting import FOLDS, folds
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
    base, _, method = name.partition("+")
    learner = MetricLearner(**_settings(snapshot, name, method), seed=seed)
    labelled = task.judgements.known
    known = np.flatnonzero(labelled & task.database if task.is_split else labelled)
    vectors = [stored_vector(snapshot, base, other) for other in snapshot.names]
    classes = task.judgements.classes
    # Folds of all pictures, not of the labelled ones alone: each must have a ranker that never saw its group.
    everyone = np.arange(len(vectors), dtype=np.int64)
    dealt = np.zeros(len(vectors), dtype=np.int64) if task.is_split else folds(task, everyone, FOLDS, seed)
    rankers = []
    for fold in range(1 if task.is_split else FOLDS):
        kept = known if task.is_split else known[dealt[known] != fold]
        try:
            projection = learner.learn([vectors[i] for i in kept], [classes[i] for i in kept])
        except FitError as error:
            raise FitError(f"{name}: {error}") from error
        # Each fold has a space of its own, so every picture is projected into each of them.
        ranker = ExactRanker(projection.dimension)
        ranker.add(everyone, [projection.project(vector) for vector in vectors])
        rankers.append(ranker)

    def query(ranker: ExactRanker, position: int, liked: Liked) -> NDArray[np.float32]:
        # Feedback moves the query in the space of its own fold.
        near = [ranker.vector(one) for one in liked]
        return np.asarray(Rocchio().refine(ranker.vector(position), near, ()), dtype=np.float32)

    def ranking(position: int, allowed: Mask, liked: Liked) -> Ranking:
        ranker = rankers[int(dealt[position])]
        return ranker.rank(query(ranker, position, liked), len(allowed), allowed)

    def sample(position: int, liked: Liked) -> NDArray[np.float32]:
        ranker = rankers[int(dealt[position])]
        return sampled_scores(snapshot, ranker, query(ranker, position, liked))

    return System(name, ranking, sample=sample)


def by_name(snapshot: Snapshot, name: str, task: EvaluationTask, seed: int) -> System:
    """Return the system of a name: a representation of the index, or a metric on one, learnt anew."""
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
