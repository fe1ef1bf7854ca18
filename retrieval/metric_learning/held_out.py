"""Held-out projections: metrics that were learnt without an image, to ask with that image.

A metric draws the images that it was learnt from towards their classes, so that their neighbours confirm the
labels they were given: five folds may say 64 % where these images themselves find 93 % right. So a metric is
learnt once more for each of five folds, from the images of the other four, whole groups together; an image
that was learnt from asks by the projection of its own fold, as a new image would (cross-fitting).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import FitError, IndexFolderError
from ..representation import Arrays, Vector
from ..statistics.groups import numbered
from .metric_learner import MetricLearner
from .projection import Projection

FOLDS = 5
UNSEEN = -1
"""In the place of a fold: the metric has not seen the image."""


class Projected(Protocol):
    """What brings the vectors of a base into another space: a ``Projection``, or a map that is not linear."""

    @property
    def dimension(self) -> int:
        """The length of the vectors that come out."""
        ...

    def project(self, vector: Vector) -> NDArray[np.float32]:
        """Return one vector in the other space."""
        ...

    def project_all(self, vectors: Sequence[Vector]) -> NDArray[np.float32]:
        """Return many, (n, dimension)."""
        ...

    def arrays(self) -> Arrays:
        """Return what is saved."""
        ...

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        """Take back what ``arrays`` returned. Raise IndexFolderError if it is something else."""
        ...


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Hold the projection of each fold, and the fold of each image that the metric has seen.

    Parameters
    ----------
    projections : one a fold.
    ids : int64 (n,), rising: the numbers of the images in the index.
    folds : int64 (n,), the fold of each, whose projection was learnt without it.
    """

    projections: tuple[Projected, ...]
    ids: NDArray[np.int64]
    folds: NDArray[np.int64]

    def fold_of(self, id: int) -> int | None:
        """Return the fold of an image; None if the metric has not seen it."""
        fold = int(self.folds_of(np.array([id]))[0])
        return None if fold == UNSEEN else fold

    def folds_of(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the fold of each of some images, int64 (n,); ``UNSEEN`` if the metric has not seen it."""
        found = np.full(len(ids), UNSEEN, dtype=np.int64)
        if len(self.ids):
            places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
            is_seen = self.ids[places] == ids
            found[is_seen] = self.folds[places[is_seen]]
        return found

    def arrays(self) -> Arrays:
        """Return what is saved."""
        projected = {
            f"fold{i}_{name}": array
            for i, projection in enumerate(self.projections)
            for name, array in projection.arrays().items()
        }
        return {**projected, "fold_ids": self.ids, "fold_numbers": self.folds}

    @classmethod
    def restore(cls, arrays: Arrays, kind: type[Projected] = Projection) -> HeldOut:
        """Take back what ``arrays`` returned. Raise IndexFolderError if it is something else.

        ``kind`` is the class of the projections.
        """
        ids, folds = arrays.get("fold_ids"), arrays.get("fold_numbers")
        parts: dict[str, dict[str, NDArray[Any]]] = {}
        # "fold3_matrix" is the matrix of the fourth; "fold_ids" and "fold_numbers" are of all.
        for name, array in arrays.items():
            fold, _, own = name.partition("_")
            if fold != "fold":
                parts.setdefault(fold, {})[own] = array
        if ids is None or folds is None or set(parts) != {f"fold{i}" for i in range(len(parts))}:
            raise IndexFolderError(f"{', '.join(arrays)}: no folds of a learnt metric; index again")
        n = len(parts)
        if (
            ids.shape != folds.shape
            or ids.ndim != 1
            or (len(folds) and not 0 <= folds.min() <= folds.max() < n)
        ):
            raise IndexFolderError("the folds of a learnt metric are damaged; index again")
        return cls(tuple(kind.restore(parts[f"fold{i}"]) for i in range(n)), ids, folds)


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

    def learn(kept: Sequence[int]) -> Projection:
        return learner.learn([vectors[i] for i in kept], [classes[i] for i in kept])

    return fold_by_fold(learn, groups, ids, learner.seed)


def fold_by_fold(
    learn: Callable[[Sequence[int]], Projected], groups: Sequence[str], ids: Iterable[int], seed: int
) -> HeldOut | None:
    """Learn without each of five folds; None if that is too few for ``learn``, which raises FitError then.

    Parameters
    ----------
    learn : is given the places of the images that are kept.
    groups, ids : of each image; a group is in one fold.
    """
    own = numbered(groups)
    dealt = np.random.default_rng(seed).permutation(int(own.max(initial=-1)) + 1) % FOLDS
    folds = np.asarray(dealt[own], dtype=np.int64)
    projections = []
    for fold in range(FOLDS):
        try:
            projections.append(learn(np.flatnonzero(folds != fold).tolist()))
        except FitError:
            return None
    numbers = np.array(list(ids), dtype=np.int64)
    rising = np.argsort(numbers)
    return HeldOut(tuple(projections), numbers[rising], folds[rising])
