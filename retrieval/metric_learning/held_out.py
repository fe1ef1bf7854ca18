"""Held-out projections: metrics that were learnt without an image, to ask with that image.

A metric draws the images that it was learnt from towards their classes, so that their neighbours confirm the
labels they were given: five folds may say 64 % where these images themselves find 93 % right. So a metric is
learnt once more for each of five folds, from the images of the other four, whole groups together; an image
that was learnt from asks by the projection of its own fold, as a new image would (cross-fitting).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import FitError, IndexFolderError
from ..representation import Arrays, Vector
from ..statistics.groups import numbered
from .metric_learner import MetricLearner
from .projection import Projection

FOLDS = 5


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Hold the projection of each fold, and the fold of each image that the metric has seen.

    Parameters
    ----------
    projections : one a fold.
    ids : int64 (n,), rising: the numbers of the images in the index.
    folds : int64 (n,), the fold of each, whose projection was learnt without it.
    """

    projections: tuple[Projection, ...]
    ids: NDArray[np.int64]
    folds: NDArray[np.int64]

    def fold_of(self, id: int) -> int | None:
        """Return the fold of an image; None if the metric has not seen it."""
        place = int(np.searchsorted(self.ids, id))
        if place == len(self.ids) or self.ids[place] != id:
            return None
        return int(self.folds[place])

    def arrays(self) -> Arrays:
        """Return what is saved."""
        projected = {
            f"fold{i}_{name}": array
            for i, projection in enumerate(self.projections)
            for name, array in projection.arrays().items()
        }
        return {**projected, "fold_ids": self.ids, "fold_numbers": self.folds}

    @classmethod
    def restore(cls, arrays: Arrays) -> HeldOut:
        """Take back what ``arrays`` returned. Raise IndexFolderError if it is something else."""
        ids, folds = arrays.get("fold_ids"), arrays.get("fold_numbers")
        n = (len(arrays) - 2) // 2
        names = {f"fold{i}_{name}" for i in range(n) for name in ("matrix", "offset")}
        if ids is None or folds is None or set(arrays) != {*names, "fold_ids", "fold_numbers"}:
            raise IndexFolderError(f"{', '.join(arrays)}: no folds of a learnt metric; index again")
        if (
            ids.shape != folds.shape
            or ids.ndim != 1
            or (len(folds) and not 0 <= folds.min() <= folds.max() < n)
        ):
            raise IndexFolderError("the folds of a learnt metric are damaged; index again")
        projections = tuple(
            Projection.restore({name: arrays[f"fold{i}_{name}"] for name in ("matrix", "offset")})
            for i in range(n)
        )
        return cls(projections, ids, folds)


def learn_held_out(
    learner: MetricLearner,
    vectors: Sequence[Vector],
    classes: Sequence[str],
    groups: Sequence[str],
    ids: Iterable[int],
) -> HeldOut | None:
    """Learn a metric for each of five folds without its images; None if there are too few for that.

    Parameters
    ----------
    vectors, classes, groups, ids : of each image with a label, in one order; a group is in one fold.
    """
    own = numbered(groups)
    dealt = np.random.default_rng(learner.seed).permutation(int(own.max(initial=-1)) + 1) % FOLDS
    folds = np.asarray(dealt[own], dtype=np.int64)
    projections = []
    for fold in range(FOLDS):
        kept = np.flatnonzero(folds != fold).tolist()
        try:
            projections.append(learner.learn([vectors[i] for i in kept], [classes[i] for i in kept]))
        except FitError:
            return None
    numbers = np.array(list(ids), dtype=np.int64)
    rising = np.argsort(numbers)
    return HeldOut(tuple(projections), numbers[rising], folds[rising])
