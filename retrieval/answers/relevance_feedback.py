"""Relevance feedback: a query moves towards the pictures that were liked and away from those that were not.

Rocchio's formula (Rocchio 1971; Manning, Raghavan and Schütze 2008, section 9.1.1), the same for bags of
words and embeddings: q' = α q + β mean(liked) − γ mean(disliked), each vector first brought to unit length,
and so is q'. In a bag a word cannot count less than nothing: negative values are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..representation import SparseVector, Vector


@dataclass(frozen=True)
class Rocchio:
    """Move a query by the answers that were liked and disliked.

    Parameters
    ----------
    original : weight α of the query itself, at least 0.
    liked : weight β of the mean of the liked pictures, at least 0.
    disliked : weight γ of the mean of the disliked pictures, at least 0.
    """

    original: float = 1.0
    liked: float = 0.75
    disliked: float = 0.25

    def __post_init__(self) -> None:
        for name in ("original", "liked", "disliked"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise SettingError(f"{name}: {value} is no weight; give a number of at least 0")

    def refine(self, query: Vector, liked: Sequence[Vector], disliked: Sequence[Vector]) -> Vector:
        """Return the query that was moved, of the same kind and size; the same one without feedback.

        A dense query (n, d) of several views has each of them moved. ValueError if sizes differ.
        """
        if not liked and not disliked:
            return query
        if isinstance(query, SparseVector):
            return self._bag(query, liked, disliked)
        return self._embedding(query, liked, disliked)

    def _bag(self, query: SparseVector, liked: Sequence[Vector], disliked: Sequence[Vector]) -> SparseVector:
        bags, shares = [query], [self.original]
        for weight, part in ((self.liked, liked), (-self.disliked, disliked)):
            for bag in part:
                if not isinstance(bag, SparseVector) or bag.size != query.size:
                    raise ValueError("a bag of other words; use the representation that made the query")
                bags.append(bag)
                shares.append(weight / len(part))
        indices = np.concatenate([bag.indices for bag in bags])
        values = np.concatenate(
            [share * _unit(bag.values[None])[0] for bag, share in zip(bags, shares, strict=True)]
        )
        # Bags stay sparse: equal words of all bags meet by sorting, and their values are summed.
        words, places = np.unique(indices, return_inverse=True)
        sums = np.bincount(places.ravel(), values, minlength=len(words))
        # A word counts at least nothing; vectors that have values below 0 are no bags.
        is_bag = all(bool((bag.values >= 0).all()) for bag in bags)
        kept = sums > 0 if is_bag else sums != 0
        return SparseVector(words[kept].astype(np.uint32), _unit(sums[None, kept])[0], query.size)

    def _embedding(
        self, query: NDArray[np.float32], liked: Sequence[Vector], disliked: Sequence[Vector]
    ) -> NDArray[np.float32]:
        views = np.atleast_2d(query)  # (n_views, d)
        moved = self.original * _unit(views).astype(np.float64)
        for weight, part in ((self.liked, liked), (-self.disliked, disliked)):
            if part:
                moved += weight * _unit(np.stack([_dense(vector) for vector in part])).mean(axis=0)
        found = _unit(moved)
        return found if query.ndim == 2 else found[0]


def _dense(vector: Vector) -> NDArray[np.float32]:
    if isinstance(vector, SparseVector):
        raise ValueError("a bag of words for an embedding; use the representation that made the query")
    return vector


def _unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Return rows (n, d) at unit length, zeros as they are."""
    rows = rows.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return np.asarray(scaled, dtype=np.float32)
