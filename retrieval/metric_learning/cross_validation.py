"""Cross-validation: does a metric help? No group is on both sides of a fold.

Held-out images ask, and are found. Were those found that a metric was learnt from, average precision would
rise by labels that mean nothing, too: a metric draws the images of a label together, and what is together is
found together, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FitError
from ..ranker import Ranker
from ..rankers.dense import ExactRanker
from ..representation import Representation, Vector
from ..statistics.groups import numbered
from ..statistics.measures import bootstrap_interval
from ..statistics.tied_ranking import TiedRanking
from .blended_ranker import blended, join
from .metric_learner import MetricLearner

FOLDS = 3
_MOST_QUERIES = 500
"""Held-out pictures that ask, in all folds together."""


@dataclass(frozen=True)
class CrossValidation:
    """What held-out pictures find among held-out ones, by the base's ranking and by the metric's.

    Parameters
    ----------
    n_queries : how many held-out pictures were queries.
    map_before, map_after, p1_before, p1_after : means over them, in [0, 1].
    gain : the 95 % interval of the difference in average precision, groups drawn with replacement.
    """

    n_queries: int
    map_before: float
    map_after: float
    p1_before: float
    p1_after: float
    gain: tuple[float, float]

    @property
    def account(self) -> dict[str, Any]:
        """The figures, rounded, as JSON holds them."""
        rounded = {name: round(value, 4) for name, value in vars(self).items() if isinstance(value, float)}
        return {"n_queries": self.n_queries, **rounded, "gain": [round(value, 4) for value in self.gain]}


def cross_validate(
    learner: MetricLearner,
    base: Representation,
    vectors: Sequence[Vector],
    classes: Sequence[str],
    groups: Sequence[str],
    weight: float = 0.0,
) -> CrossValidation | None:
    """Learn on two thirds of the groups, query with the others, three times; None if there are too few.

    A held-out picture ranks the held-out pictures of other groups. At most 500 do. ``weight`` is that of the
    base's cosine beside the metric's.
    """
    folds, owners = _folds(groups, learner.seed), numbered(groups)
    found: list[NDArray[np.float64]] = []
    for fold in range(FOLDS):
        known, asking = (np.flatnonzero(part).tolist() for part in (folds != fold, folds == fold))
        drawn = np.random.default_rng(learner.seed).permutation(asking)[: _MOST_QUERIES // FOLDS]
        try:
            projection = learner.learn([vectors[i] for i in known], [classes[i] for i in known])
        except FitError:
            continue  # the classes of this fold are too small; the others may still say something
        after = ExactRanker(projection.dimension)
        after.add(np.arange(len(asking)), [projection.project(vectors[i]) for i in asking])
        before = base.make_ranker()
        before.add(np.arange(len(asking)), [vectors[i] for i in asking])
        both = blended(after, before, projection.dimension, weight)
        there = np.array([classes[i] for i in asking])
        for i in drawn.tolist():
            own = projection.project(vectors[i])
            asked = join(own, vectors[i], weight) if weight else own
            ranked: Sequence[tuple[Ranker, Vector]] = (before, vectors[i]), (both, asked)
            is_other = owners[asking] != owners[i]
            scores = [_scores(ranker, query, there == classes[i], is_other) for ranker, query in ranked]
            found.append(np.array([float(i), *scores[0], *scores[1]]))
    return _summed(np.array(found), groups) if found else None


def _folds(groups: Sequence[str], seed: int) -> NDArray[np.intp]:
    """Return the fold of each picture, (n,): whole groups, at random."""
    numbers = numbered(groups)
    dealt = np.random.default_rng(seed).permutation(int(numbers.max(initial=-1)) + 1) % FOLDS
    return np.asarray(dealt[numbers])


def _scores(
    ranker: Ranker, query: Vector, is_right: NDArray[np.bool_], allowed: NDArray[np.bool_]
) -> tuple[float, float]:
    ranking = ranker.rank(query, len(ranker), allowed)
    tied = TiedRanking(is_right[ranking.ids], ranking.scores)
    return tied.average_precision(), tied.precision_at(1)


def _summed(found: NDArray[np.float64], groups: Sequence[str]) -> CrossValidation | None:
    """Sum up rows of: picture, average precision and P@1 before, and after (n, 5).

    NaN if none is right; None if too few groups asked.
    """
    found = found[~np.isnan(found[:, 1])]
    if not len(found):
        return None
    owners = numbered(groups)[found[:, 0].astype(np.int64)]
    means = found[:, 1:].mean(axis=0).tolist()
    gain = bootstrap_interval(found[:, 3] - found[:, 1], owners, bounds=(-1.0, 1.0))
    if np.isnan(gain[0]):
        return None  # all that asked are of one group, which says nothing of others
    return CrossValidation(len(found), means[0], means[2], means[1], means[3], gain)
