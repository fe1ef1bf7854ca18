"""Cross-validation: does a metric help? No group is on both sides of a fold.

Held-out images ask, and are found. Were those found that a metric was learnt from, average precision would
rise by labels that mean nothing, too: a metric draws the images of a label together, and what is together is
found together, or not at all.

All that ask in one fold share a metric and the images that they rank: their gains rise and fall together. An
interval that draws them one by one is too narrow, and labels that mean nothing showed a sure gain in up to a
sixth of trials. How far a gain goes by chance is therefore measured: the held-out groups deal out their
labels anew, and the same rankings are judged again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FitError
from ..ranker import Ranker, Ranking
from ..rankers.dense import ExactRanker
from ..representation import Representation, Vector
from ..statistics.groups import numbered
from ..statistics.measures import average_precisions, bootstrap_interval
from ..statistics.tied_ranking import TiedRanking
from .blended_ranker import blended, join
from .metric_learner import MetricLearner

FOLDS = 3
_MOST_QUERIES = 500
"""Held-out pictures that ask, in all folds together."""
_DEALS = 100
"""Times that labels are dealt out anew, which gives a standard deviation to 7 %."""
_NORMAL_95 = 1.96


@dataclass(frozen=True)
class CrossValidation:
    """What held-out pictures find among held-out ones, by the base's ranking and by the metric's.

    Parameters
    ----------
    n_queries : how many held-out pictures were queries.
    map_before, map_after, p1_before, p1_after : means over them, in [0, 1].
    gain : the 95 % interval of the difference in average precision, groups drawn with replacement; at least
        as wide as that of labels dealt out at random.
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
    by_chance: list[NDArray[np.float64]] = []
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
        # Numbers of classes: a hundred deals of their names would take ten times as long.
        there = np.unique([classes[i] for i in asking], return_inverse=True)[1].astype(np.int32)
        dealt = dealt_anew(there, owners[asking], learner.seed)
        for i in drawn.tolist():
            own = projection.project(vectors[i])
            asked = join(own, vectors[i], weight) if weight else own
            ranked: Sequence[tuple[Ranker, Vector]] = (before, vectors[i]), (both, asked)
            at, is_other = asking.index(i), owners[asking] != owners[i]
            rankings = [ranker.rank(query, len(ranker), is_other) for ranker, query in ranked]
            scores = [_scores(ranking, there == there[at]) for ranking in rankings]
            found.append(np.array([float(i), *scores[0], *scores[1]]))
            own_classes = dealt[:, at, None]
            base_ap, metric_ap = (average_precisions(dealt[:, one.ids] == own_classes) for one in rankings)
            by_chance.append(metric_ap - base_ap)
    return _summed(np.array(found), groups, np.array(by_chance)) if found else None


def _folds(groups: Sequence[str], seed: int) -> NDArray[np.intp]:
    """Return the fold of each picture, (n,): whole groups, at random."""
    numbers = numbered(groups)
    dealt = np.random.default_rng(seed).permutation(int(numbers.max(initial=-1)) + 1) % FOLDS
    return np.asarray(dealt[numbers])


def dealt_anew(classes: NDArray[Any], owners: NDArray[np.int64], seed: int) -> NDArray[Any]:
    """Return classes as groups deal them out anew, (deals, n): a group gets all those of another one."""
    _, group, sizes = np.unique(owners, return_inverse=True, return_counts=True)
    in_order = np.argsort(group, kind="stable")
    starts = np.cumsum(sizes) - sizes
    nth = np.empty(len(group), dtype=np.int64)
    nth[in_order] = np.arange(len(group)) - np.repeat(starts, sizes)
    random, found = np.random.default_rng(seed), []
    for _ in range(_DEALS):
        giver = random.permutation(len(sizes))[group]
        # A group of more images than its giver has gets the giver's classes over again.
        found.append(classes[in_order[starts[giver] + nth % sizes[giver]]])
    return np.array(found)


def _scores(ranking: Ranking, is_right: NDArray[np.bool_]) -> tuple[float, float]:
    tied = TiedRanking(is_right[ranking.ids], ranking.scores)
    return tied.average_precision(), tied.precision_at(1)


def _summed(
    found: NDArray[np.float64], groups: Sequence[str], by_chance: NDArray[np.float64]
) -> CrossValidation | None:
    """Sum up rows of: picture, average precision and P@1 before, and after (n, 5).

    NaN if none is right; None if too few groups asked. ``by_chance`` holds gains of dealt labels (n, deals).
    """
    has_answer = ~np.isnan(found[:, 1])
    found, by_chance = found[has_answer], by_chance[has_answer]
    if not len(found):
        return None
    owners = numbered(groups)[found[:, 0].astype(np.int64)]
    means = found[:, 1:].mean(axis=0).tolist()
    gain = bootstrap_interval(found[:, 3] - found[:, 1], owners, bounds=(-1.0, 1.0))
    if np.isnan(gain[0]):
        return None  # all that asked are of one group, which says nothing of others
    middle = means[2] - means[0]
    sums, counts = np.nansum(by_chance, axis=0), np.count_nonzero(~np.isnan(by_chance), axis=0)
    dealt = sums[counts > 0] / counts[counts > 0]
    reach = _NORMAL_95 * float(dealt.std(ddof=1)) if len(dealt) > 1 else 0.0
    gain = (max(-1.0, min(gain[0], middle - reach)), min(1.0, max(gain[1], middle + reach)))
    return CrossValidation(len(found), means[0], means[2], means[1], means[3], gain)
