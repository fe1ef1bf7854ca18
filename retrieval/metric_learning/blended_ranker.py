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

from ..errors import REPAIR, IndexFolderError
from ..ranker import Ids, Ranker, Ranking, order
from ..rankers.cosines import cosines_where_held
from ..rankers.dense import ExactRanker
from ..rankers.held_scores import held_scores
from ..rankers.joint_selection import JointSelection, OffersJointly
from ..representation import SparseVector, Vector

_FIRST, _PER_HIT, _DEEPER = 128, 8, 4
"""Depth to which the base is ranked: at least, and for each hit wanted; and how many times deeper next."""
_PER_DEPTH = 64
"""Images at most, for each of that depth, that are scored for what the metric adds."""
_PIECE = 512
"""Of these at a time."""
_ROUNDING = 1e-6
_SHARE = 16
"""Images for each hit wanted from which on bounds rule most of them out."""

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
        if k < 1:
            return Ranking.of_nothing()
        own = part(query, self.k)
        # What is stored has parts of lengths 1 and √w before it was brought to unit length.
        shares = (own.lengths[0], sqrt(self.weight) * own.lengths[1])
        whole = sqrt((own.lengths[0] ** 2 + own.lengths[1] ** 2) * (1 + self.weight)) or 1.0
        weights = (shares[0] / whole, shares[1] / whole)
        n, depth = max(len(self.metric), len(self.base)), max(_FIRST, _PER_HIT * k)
        if _SHARE * k <= n and (jointly := self._jointly(own, weights, k, among)) is not None:
            return jointly
        while depth * _DEEPER <= n:
            found = self._proven(own, weights, depth, k, among)
            if found is not None:
                return found
            depth *= _DEEPER
        return self._summed(own, weights, n, k, among)

    def _jointly(
        self, own: Joined, weights: tuple[float, float], k: int, among: Mask | None
    ) -> Ranking | None:
        """Return the best k by one scan of the base that knows what the metric adds at most.

        None if one of the two cannot do that, or the base lacks what the metric holds.
        """
        metric, base = self.metric, self.base
        if type(metric) is not ExactRanker or not isinstance(base, OffersJointly) or min(weights) <= 0:
            return None
        bounds = metric.bounds(own.metric)
        if not np.isfinite(bounds.most).all() or sum(map(bounds.count, base.block_ids())) < len(metric):
            return None
        most = bounds.most * np.float32(weights[0] / weights[1])

        def joined(ids: Ids, scores: NDArray[np.float32]) -> NDArray[np.float32]:
            return _sums(weights, bounds.scores(ids), scores)

        selection = JointSelection(k, most, weights[1], joined, among)
        base.offer_to(own.base, k, selection)
        return selection.ranking()

    def _proven(
        self, own: Joined, weights: tuple[float, float], depth: int, k: int, among: Mask | None
    ) -> Ranking | None:
        """Return the best k, if the first of the base say how good they must be; None if they do not.

        The threshold algorithm of Fagin, Lotem and Naor (JCSS 2003): whoever is not among the first of the
        base has no more of it than the last of these, so that few are as good by what the metric adds.
        """
        base = self.base.rank(own.base, depth, among)
        # It has no more to give: the sum of whole rankings is as cheap.
        if len(base) < depth or weights[0] == 0:
            return None
        metric = held_scores(self.metric, own.metric, base.ids)
        totals = _sums(weights, metric, base.scores)
        # What the base lacks altogether has 0 of it, which may be more.
        last = weights[1] * max(0.0, float(base.scores[-1])) + _ROUNDING
        least = (float(np.partition(totals, depth - k)[depth - k]) - last) / weights[0]
        # What the metric lacks has 0 of it.
        others = self._above(own.metric, least, _PER_DEPTH * depth, among) if least > 0 else None
        if others is None:
            return None
        is_new = ~np.isin(others.ids, base.ids)
        ids, scores = others.ids[is_new], others.scores[is_new]
        best = order(base.ids, totals, k)
        # The first of the metric often raise what the others must reach.
        for first in range(0, len(ids), _PIECE):
            if weights[0] * float(scores[first]) + last < best.scores[-1]:
                break
            here = slice(first, first + _PIECE)
            more = _sums(weights, scores[here], held_scores(self.base, own.base, ids[here]))
            best = order(np.concatenate([best.ids, ids[here]]), np.concatenate([best.scores, more]), k)
        return best

    def _above(
        self, query: NDArray[np.float32], least: float, most: int, among: Mask | None
    ) -> Ranking | None:
        """Return all with a score by the metric of at least ``least``; None if these may exceed ``most``."""
        if type(self.metric) is ExactRanker:
            return self.metric.above(query, least, most, among)
        found = self.metric.rank(query, most, among)
        if len(found) == most and found.scores[-1] >= least:
            return None
        n = int(np.count_nonzero(found.scores >= least))
        return Ranking(found.ids[:n], found.scores[:n])

    def _summed(
        self, own: Joined, weights: tuple[float, float], n: int, k: int, among: Mask | None
    ) -> Ranking:
        """Return the best k of n ids that both rank whole."""
        both = self.metric.rank(own.metric, n, among), self.base.rank(own.base, n, among)
        ids = np.union1d(both[0].ids, both[1].ids)
        scores = np.zeros((2, len(ids)), dtype=np.float32)
        for own_scores, ranking in zip(scores, both, strict=True):
            own_scores[np.searchsorted(ids, ranking.ids)] = ranking.scores
        return order(ids, _sums(weights, *scores), k)

    def cosines(self, ids: Ids) -> NDArray[np.float32]:
        """Return the cosines of the joined vectors under some ids; a part that is not held yet counts 0."""
        metric, base = (cosines_where_held(ranker, ids) for ranker in (self.metric, self.base))
        return np.asarray((metric + self.weight * base) / (1 + self.weight), dtype=np.float32)

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


def _sums(
    weights: tuple[float, float], metric: NDArray[np.float32], base: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the scores of the blend, float32 (n,). Raise IndexFolderError if one is no number."""
    total = weights[0] * metric.astype(np.float64) + weights[1] * base.astype(np.float64)
    # They are compared before anybody else could see that.
    if not np.isfinite(total).all():
        raise IndexFolderError(f"vectors of this index are damaged; {REPAIR}")
    return np.asarray(total, dtype=np.float32)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows.astype(np.float64), axis=-1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros(rows.shape), where=lengths > 0), dtype=np.float32)


def _length(rows: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(rows.astype(np.float64), axis=-1).mean()) if rows.size else 0.0
