"""The metric learner: a linear metric from labelled vectors, and what keeps it from overfitting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..errors import FitError, SettingError
from ..representation import Vector
from .discriminant import Classes, Rows, discriminate, whiten_within
from .large_margin import large_margin
from .matrix import lengths, stack
from .principal_axes import principal_axes
from .projection import Projection

METHODS = {
    "nca": "neighbourhood components analysis: the neighbours of one class come close",
    "lmnn": "large margin: the nearest of one class are closer than all others, by a margin",
    "wccn": "within-class covariance normalisation, in closed form",
    "lda": "Fisher's discriminants, in closed form; one component less than there are classes",
}
"""The methods, and what each does."""

_ITERATIVE = ("nca", "lmnn")
_MOST_COMPONENTS = 96
_ROUNDS = 10
"""Iterations of the iterative methods: stopping early is part of what keeps them from overfitting."""
_LENGTH = 2.0
"""Root mean square length of the rows from which neighbourhood components analysis starts."""


@dataclass(frozen=True)
class MetricLearner:
    """Learn a linear metric: principal axes, then whitening of the scatter within classes, then the method.

    With few pictures of many dimensions any method overfits unless something regularises it. Here that is the
    number of axes, the shrinkage, and that the two iterative methods start from white coordinates and stop
    after 10 rounds (``benchmarks/quality/projection.py`` prints what each brings).

    Parameters
    ----------
    method : one of ``METHODS``.
    components : how many principal axes are kept; the least of 96 and nine tenths of the pictures if None.
    shrinkage : of the covariance within classes towards a spherical one, above 0, at most 1.
    seed : of the random start that finds the axes, and of which pictures are learnt from if they are many.
    """

    method: str = "nca"
    components: int | None = None
    shrinkage: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise SettingError(f"method: {self.method!r} is unknown; one of {', '.join(METHODS)}")
        if self.components is not None and self.components < 1:
            raise SettingError(f"components: {self.components} is below 1; give at least 1, or leave it out")
        if not 0 < self.shrinkage <= 1:
            raise SettingError(f"shrinkage: {self.shrinkage:g} is not above 0 and at most 1")
        if self.seed < 0:
            raise SettingError(f"seed: {self.seed} is below 0; give 0 or more")

    @property
    def most_pictures(self) -> int:
        """How many pictures are learnt from at most: the iterative methods look at all pairs."""
        return 2_000 if self.method in _ITERATIVE else 20_000

    def learn(self, vectors: Sequence[Vector], classes: Sequence[str]) -> Projection:
        """Learn from vectors of one length with the class of each.

        A class with one picture says nothing of what pictures of a class have in common, and is left out;
        so are empty vectors. Of more than ``most_pictures``, that many are drawn, equally many of each class
        as far as they go.

        Raises
        ------
        FitError : fewer than two classes of two pictures, vectors that are not finite, or all equal.
        """
        # One thread: the same order of sums, so the same metric, on every machine.
        with threadpool_limits(1):
            return self._learnt(vectors, classes)

    def _learnt(self, vectors: Sequence[Vector], classes: Sequence[str]) -> Projection:
        chosen = self.drawn(vectors, classes)
        rows = stack([vectors[i] for i in chosen])
        numbers = np.unique([classes[i] for i in chosen], return_inverse=True)[1]
        axes = principal_axes(rows, self.components or _components(len(chosen)), self.seed)
        if not len(axes.deviations):
            raise FitError("all vectors are equal; there is nothing to tell classes apart by")
        return Projection.of(axes, self._linear(axes.reduce(rows), numbers))

    def drawn(self, vectors: Sequence[Vector], classes: Sequence[str]) -> list[int]:
        """Return the positions of the vectors learnt from, rising. Raise FitError as ``learn`` does."""
        size = lengths(stack(vectors)) if len(vectors) else np.empty(0)
        if not np.isfinite(size).all():
            place = int(np.flatnonzero(~np.isfinite(size))[0])
            raise FitError(
                f"vector {place} is not finite; `semblance verify` says where the index is damaged"
            )
        places = np.flatnonzero(size > 0)
        names, numbers = np.unique(np.array(classes, dtype=object)[places].astype(str), return_inverse=True)
        is_usable = np.bincount(numbers, minlength=len(names)) > 1
        if np.count_nonzero(is_usable) < 2:
            raise FitError(
                f"a metric needs two classes with two images each, and has {np.count_nonzero(is_usable)}; "
                "label more images, or loosen the condition"
            )
        keep = is_usable[numbers]
        return sorted(places[keep][self._turns(numbers[keep]) < self.most_pictures].tolist())

    def _turns(self, numbers: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return when each picture's turn comes, (n,): classes take turns, two pictures each, at random.

        Two, because a class of which one picture is learnt from would be left out.
        """
        random = np.random.default_rng(self.seed)
        order, class_order = random.permutation(len(numbers)), random.permutation(int(numbers.max()) + 1)
        # own_turn counts within a class; every second one opens a new round of all classes.
        by_class = np.lexsort((order, numbers))
        starts = np.concatenate([[0], np.cumsum(np.bincount(numbers))])
        own_turn = np.empty(len(numbers), dtype=np.intp)
        own_turn[by_class] = np.arange(len(numbers)) - starts[numbers[by_class]]
        turns = np.empty(len(numbers), dtype=np.intp)
        turns[np.lexsort((own_turn, class_order[numbers], own_turn // 2))] = np.arange(len(numbers))
        return turns

    def _linear(self, rows: Rows, classes: Classes) -> NDArray[np.float64]:
        """Return the map of the coordinates of the axes, (p, k)."""
        # All methods start from white coordinates, so that their maps are composed with the whitening.
        white = whiten_within(rows, classes, self.shrinkage)
        if self.method == "wccn":
            return white
        moved = rows @ white
        if self.method == "lda":
            return np.asarray(white @ discriminate(moved, classes))
        if self.method == "lmnn":
            return np.asarray(white @ large_margin(moved, classes, _ROUNDS))
        return np.asarray(white @ _neighbourhood(moved, classes))


def _components(n: int) -> int:
    # With a third, blends had 2 to 4 points of mAP less on six sets, from 5 labels a class to half of all.
    return max(1, min(_MOST_COMPONENTS, n * 9 // 10))


def _neighbourhood(rows: Rows, classes: Classes) -> NDArray[np.float64]:
    """Return A, (d, d), by neighbourhood components analysis from A = I, scikit-learn's.

    Source: Goldberger, Hinton, Roweis and Salakhutdinov, NIPS 2004. The softmax over neighbours has no scale
    of its own: rows get a root mean square length of 2, at which some neighbours, not one, count.
    """
    from sklearn.neighbors import NeighborhoodComponentsAnalysis  # late: seconds of import for every query

    scale = _LENGTH / math.sqrt(float((rows**2).sum(axis=1).mean()))
    analysis = NeighborhoodComponentsAnalysis
    found = analysis(init="identity", max_iter=_ROUNDS, random_state=0).fit(rows * scale, classes)
    return np.asarray(found.components_.T, dtype=np.float64)
