"""The blend: what a learnt metric and its base say of an image, summed.

A metric that was learnt from few labels forgets much of what its base sees, and the first hits suffer. The
score (cos after the metric + w cos of the base) / (1 + w) is itself a cosine, that of both vectors joined, so
that feedback, smoothing and maps take joined vectors as they take any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids, Ranker, Ranking, order
from ..representation import SparseVector, Vector

_FIRST, _PER_HIT, _DEEPER = 256, 8, 4
"""Depth to which both are ranked first: at least, and for each hit wanted; and how many times deeper next."""
_ROUNDING = 1e-6

Mask = NDArray[np.bool_]


class Joined(NamedTuple):
    """The two parts of a joined vector, each at unit length, and the length that each had."""

    metric: NDArray[np.float32]
    base: Vector
    lengths: tuple[float, float]


def join(metric: NDArray[np.float32], base: Vector, weight: float) -> Vector:
    """Return the vector of a metric (k,) and its base's, joined at unit length; sparse if the base's is.

    Several views (n, k) and (n, d) of a query become (n, k + d).
    """
    first, second = 1 / sqrt(1 + weight), sqrt(weight / (1 + weight))
    if not isinstance(base, SparseVector):
        return np.concatenate([_unit(metric) * first, _unit(base) * second], axis=-1).astype(np.float32)
    k = len(metric)
    indices = np.concatenate([np.arange(k, dtype=np.uint32), base.indices.astype(np.uint32) + np.uint32(k)])
    values = np.concatenate([_unit(metric) * first, _unit(base.values) * second]).astype(np.float32)
    kept = values != 0
    return SparseVector(indices[kept], values[kept], k + base.size)


def part(vector: Vector, k: int) -> Joined:
    """Take a joined vector apart, the first k numbers of which are the metric's.

    A word of a query that feedback moved counts at least nothing, as in any bag.
    """
    if not isinstance(vector, SparseVector):
        metric, base = vector[..., :k], vector[..., k:]
        return Joined(_unit(metric), _unit(base), (_length(metric), _length(base)))
    n = int(np.searchsorted(vector.indices, k))
    metric = np.zeros(k, dtype=np.float32)
    metric[vector.indices[:n]] = vector.values[:n]
    kept = vector.values[n:] > 0
    words, values = vector.indices[n:][kept] - np.uint32(k), vector.values[n:][kept]
    bag = SparseVector(words.astype(np.uint32), _unit(values), vector.size - k)
    return Joined(_unit(metric), bag, (_length(metric), _length(values)))


class BlendedRanker:
    """Rank joined vectors by two rankers, one of the metric and one of its base.

    Parameters
    ----------
    metric, base : hold the two vectors of each id.
    k : the length of the metric's vectors.
    weight : of the base's cosine beside the metric's, above 0.
    """

    def __init__(self, metric: Ranker, base: Ranker, k: int, weight: float) -> None:
        self.metric, self.base = metric, base
        self.k, self.weight = k, weight

    def add(self, ids: Ids, vectors: Sequence[Vector]) -> None:
        """Add joined vectors; see ``Ranker.add``."""
        parts = [part(vector, self.k) for vector in vectors]
        self.metric.add(ids, [one.metric for one in parts])
        self.base.add(ids, [one.base for one in parts])

    def remove(self, ids: Ids) -> None:
        """Forget ids in both."""
        self.metric.remove(ids)
        self.base.remove(ids)

    def rank(self, query: Vector, k: int, among: NDArray[np.bool_] | None = None) -> Ranking:
        """Return the best k by the cosine of joined vectors; see ``Ranker.rank``."""
        own = part(query, self.k)
        # What is stored has parts of lengths 1 and √w before it was brought to unit length.
        shares = (own.lengths[0], sqrt(self.weight) * own.lengths[1])
        whole = sqrt((own.lengths[0] ** 2 + own.lengths[1] ** 2) * (1 + self.weight)) or 1.0
        weights = (shares[0] / whole, shares[1] / whole)
        n, depth = max(len(self.metric), len(self.base)), max(_FIRST, _PER_HIT * k)
        while depth * _DEEPER <= n:
            found = self._proven(own, weights, depth, k, among)
            if found is not None:
                return found
            depth *= _DEEPER
        return self._summed(own, weights, n, k, among)

    def _proven(
        self, own: Joined, weights: tuple[float, float], depth: int, k: int, among: Mask | None
    ) -> Ranking | None:
        """Return the best k of what either ranks first; None if others may be among them.

        The threshold algorithm of Fagin, Lotem and Naor (JCSS 2003).
        """
        metric = self.metric.rank(own.metric, depth, among)
        base = self.base.rank(own.base, depth, among)
        # One of them has no more to give: the sum of whole rankings is as cheap.
        if min(len(metric), len(base)) < depth:
            return None
        first = np.union1d(metric.ids, base.ids)
        mask = np.zeros(int(first[-1]) + 1, dtype=np.bool_)
        mask[first] = True
        found = self._summed(own, weights, len(first), k, mask)
        # What neither holds adds no more than the last of each; what one of them lacks altogether adds 0.
        last = max(0.0, float(metric.scores[-1])), max(0.0, float(base.scores[-1]))
        bound = weights[0] * last[0] + weights[1] * last[1] + _ROUNDING
        return found if len(found) == k and found.scores[-1] > bound else None

    def _summed(
        self, own: Joined, weights: tuple[float, float], n: int, k: int, among: Mask | None
    ) -> Ranking:
        """Return the best k of n ids that both rank whole."""
        both = self.metric.rank(own.metric, n, among), self.base.rank(own.base, n, among)
        ids = np.union1d(both[0].ids, both[1].ids)
        total = np.zeros(len(ids), dtype=np.float64)
        for ranking, weight in zip(both, weights, strict=True):
            total[np.searchsorted(ids, ranking.ids)] += weight * ranking.scores.astype(np.float64)
        return order(ids, total.astype(np.float32), k)

    def vector(self, id: int) -> Vector:
        """Return the joined vector under an id. Raise KeyError if there is none."""
        return join(self.metric.vector(id), self.base.vector(id), self.weight)

    def ids(self) -> Ids:
        """Return the ids that both hold, rising."""
        return np.intersect1d(self.metric.ids(), self.base.ids())

    def save(self, folder: Path) -> None:
        """Write the metric's part; that of the base is the base's own."""
        self.metric.save(folder)

    def renumber(self, numbers: NDArray[np.int64]) -> None:
        """Give the ids of both new numbers; see ``Ranker.renumber``."""
        self.metric.renumber(numbers)
        self.base.renumber(numbers)

    def __len__(self) -> int:
        """Return how many ids the metric holds."""
        return len(self.metric)


def blended(metric: Ranker, base: Ranker, k: int, weight: float) -> Ranker:
    """Return the ranker of a metric that is blended with its base; that of the metric if the weight is 0."""
    return BlendedRanker(metric, base, k, weight) if weight else metric


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows.astype(np.float64), axis=-1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros(rows.shape), where=lengths > 0), dtype=np.float32)


def _length(rows: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(rows.astype(np.float64), axis=-1).mean()) if rows.size else 0.0
