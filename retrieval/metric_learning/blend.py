"""How much the base of a learnt metric counts beside it, found by the folds that it was not learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..representation import Vector
from ..statistics.groups import numbered
from ..statistics.tied_ranking import TiedRanking
from .held_out import Projected
from .matrix import lengths, stack

FACTORS = (0.0, 0.0625, 0.125, 0.25, 0.5, 1.0)
"""Factors that are tried."""
_ENOUGH_LABELS = 20
"""Labels a class from which on the folds choose better than a fixed factor (``benchmarks.quality.blend``)."""
_ENOUGH_QUERIES = 60
_FEW_LABELS = 10
_MOST_QUERIES = 300


@dataclass(frozen=True)
class Blend:
    """How a metric is blended with its base.

    Parameters
    ----------
    factor : λ of z(metric) + λ z(base), z being scores over their standard deviation.
    weight : of the base's cosine beside the metric's: the factor times the ratio of the deviations.
    is_chosen : the factor was the best of ``FACTORS`` for held-out queries; else it goes by the labels.
    """

    factor: float = 0.0
    weight: float = 0.0
    is_chosen: bool = False


def check_factor(factor: float | None) -> None:
    """Raise SettingError if a factor makes no sense; None asks for the best."""
    if factor is not None and not 0 <= factor < float("inf"):
        raise SettingError(f"blend: {factor:g} is no factor; give a number of at least 0")


def blend_of(
    projections: Sequence[Projected],
    folds: NDArray[np.int64],
    vectors: Sequence[Vector],
    classes: Sequence[str],
    groups: Sequence[str],
    factor: float | None = None,
    seed: int = 0,
) -> Blend:
    """Return how much a base counts beside a metric.

    Each of up to 300 images asks by the projection that was learnt without its fold, and ranks the images of
    that fold that are of other groups; those that the projection was learnt from would speak for it. The
    factor with the best mAP and P@1 together is taken, if there are at least 60 such queries and 20 labels a
    class; else 1 below 10 labels a class, and 0.25 above.

    Parameters
    ----------
    projections : one a fold; a single one was learnt from all.
    folds : int64 (n,), of each image; a group is in one fold.
    vectors, classes, groups : of each image that was learnt from.
    factor : is taken as it is; None looks for the best.
    """
    if factor == 0 or not len(vectors):
        return Blend()
    trials = _trials(projections, folds, vectors, classes, numbered(groups), seed)
    n_labels = len(classes) / len(set(classes))
    # The deviations are needed for a given factor, too: they bring both cosines to one scale. Where no class
    # is of several groups, such as all of one patient, an image itself is left out alone.
    ratio = _ratio(trials or _trials(projections, folds, vectors, classes, np.arange(len(vectors)), seed))
    if factor is not None:
        return Blend(factor, factor * ratio)
    if len(projections) < 2 or n_labels < _ENOUGH_LABELS or len(trials) < _ENOUGH_QUERIES:
        usual = 1.0 if n_labels < _FEW_LABELS else 0.25
        return Blend(usual, usual * ratio)
    best = max(FACTORS, key=lambda one: _quality(trials, one * ratio))
    return Blend(best, best * ratio, is_chosen=True)


@dataclass(frozen=True, eq=False)
class _Trial:
    """The scores of a held-out query, by the metric and by the base, and which images are of its class."""

    metric: NDArray[np.float64]
    base: NDArray[np.float64]
    is_right: NDArray[np.bool_]


def _trials(
    projections: Sequence[Projected],
    folds: NDArray[np.int64],
    vectors: Sequence[Vector],
    classes: Sequence[str],
    owners: NDArray[np.int64],
    seed: int,
) -> list[_Trial]:
    rows = stack(vectors)
    size = np.maximum(lengths(rows), np.finfo(np.float64).tiny)
    rows = rows.multiply(1 / size[:, None]).tocsr() if hasattr(rows, "tocsr") else rows / size[:, None]
    projected = [projection.project_all(vectors).astype(np.float64) for projection in projections]
    names = np.array(classes)
    found = []
    for i in np.random.default_rng(seed).permutation(len(vectors))[:_MOST_QUERIES].tolist():
        known = np.flatnonzero((folds == folds[i]) & (owners != owners[i]))
        is_right = names[known] == names[i]
        if not is_right.any() or is_right.all():
            continue
        own = projected[int(folds[i])]
        base = rows[known] @ rows[i].T
        base = base.toarray().ravel() if hasattr(base, "toarray") else base
        found.append(_Trial(own[known] @ own[i], np.asarray(base, dtype=np.float64), is_right))
    return found


def _ratio(trials: Sequence[_Trial]) -> float:
    """Return how many times the metric's scores deviate as far as the base's; 0 without trials."""
    metric = sum(float(trial.metric.std()) for trial in trials)
    base = sum(float(trial.base.std()) for trial in trials)
    return metric / base if base > 0 else 0.0


def _quality(trials: Sequence[_Trial], weight: float) -> float:
    """Return the sum of mAP and P@1, which few labels and many draw apart."""
    found = []
    for trial in trials:
        scores = (trial.metric + weight * trial.base).astype(np.float32)
        best = np.argsort(-scores, kind="stable")
        judged = TiedRanking(trial.is_right[best], scores[best])
        found.append(judged.average_precision() + judged.precision_at(1))
    return float(np.mean(found))
