"""Collections of any size that are like a real one: bags of words, and embeddings, in families of images.

Images of a family have a part in common, as slices of a series or views of a lesion have. Of a real set two
things are kept: how many images hold each word (or the axes along which embeddings spread), and how far the
tenth neighbour of an image is behind its first one, which says how hard it is to leave the others out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from retrieval.representation import SparseVector

FAMILY = 8
"""Images of a family, all of them in the collection."""

_PIECE = 4096
"""Families that are made at a time."""


@dataclass(frozen=True, eq=False)
class Bags:
    """Draw bags.

    Parameters
    ----------
    shares : float64 (K,), of the images that hold each word.
    likeness : share of an image's points that it takes from those of its family.
    seed : of everything random.
    points : factor on the points of an image. Those that a family shares fall on one word more often than
        others do: more points are needed for as many words.
    """

    shares: NDArray[np.float64]
    likeness: float
    seed: int = 0
    points: float = 1.0

    @property
    def rates(self) -> NDArray[np.float64]:
        """Points of an image at each word, by which this share of images holds it."""
        return -np.log1p(-np.minimum(self.shares, 0.999)) * self.points

    def counts(self, n: int) -> Iterator[sparse.csr_matrix]:
        """Yield the counts of n images, some thousands at a time."""
        for first in range(0, -(-n // FAMILY), _PIECE):
            families = np.arange(first, min(first + _PIECE, -(-n // FAMILY)))
            yield self._drawn(families, FAMILY)[: n - first * FAMILY]

    def queries(self, n: int, n_queries: int) -> sparse.csr_matrix:
        """Return the counts of other images, each of a family of the n."""
        random = np.random.default_rng([self.seed, n])
        n_families = -(-n // FAMILY)
        chosen = np.sort(random.choice(n_families, min(n_queries, n_families), replace=False))
        return self._drawn(chosen, 1, later=1)

    def _drawn(self, families: NDArray[np.int64], members: int, later: int = 0) -> sparse.csr_matrix:
        """Return counts (families × members, K); the points of a family come from its number alone."""
        rates = np.cumsum(self.rates)
        n_points, n = max(1, round(rates[-1])), len(families) * members
        own = _uniform(self.seed, families, n_points)
        shared = np.searchsorted(rates, own * rates[-1]).clip(0, len(rates) - 1)
        random = np.random.default_rng([self.seed, 1 + later, int(families[0])])
        words = np.searchsorted(rates, random.random((n, n_points)) * rates[-1]).clip(0, len(rates) - 1)
        taken = random.random((n, n_points)) < self.likeness
        place = random.integers(0, n_points, (n, n_points))
        words = np.where(taken, shared[np.repeat(np.arange(len(families)), members)[:, None], place], words)
        rows = np.repeat(np.arange(n, dtype=np.int32), n_points)
        ones = np.ones(n * n_points, np.float32)
        made = sparse.csr_matrix((ones, (rows, words.reshape(-1).astype(np.int32))), shape=(n, len(rates)))
        made.sum_duplicates()
        return made


def _uniform(seed: int, families: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Return numbers in [0, 1), (families, n), that depend on a family's number and the seed alone."""
    # The finalizer of SplitMix64 over the number of family and place.
    with np.errstate(over="ignore"):
        x = families.astype(np.uint64)[:, None] * np.uint64(1 << 20) + np.arange(n, dtype=np.uint64)
        x = (x + np.uint64(seed)) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) / 2.0**53


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Draw embeddings of unit length.

    Parameters
    ----------
    spreads : float64 (d,), standard deviation along each axis.
    likeness : share of the variance that images of a family have in common.
    seed : of everything random.
    """

    spreads: NDArray[np.float64]
    likeness: float
    seed: int = 0

    def vectors(self, n: int) -> NDArray[np.float32]:
        """Return n vectors, float32 (n, d)."""
        made = np.empty((n, len(self.spreads)), np.float32)
        for first in range(0, -(-n // FAMILY), _PIECE):
            families = np.arange(first, min(first + _PIECE, -(-n // FAMILY)))
            here = slice(first * FAMILY, min(n, (first + len(families)) * FAMILY))
            made[here] = self._drawn(families, FAMILY, 0)[: here.stop - here.start]
        return made

    def queries(self, n: int, n_queries: int) -> NDArray[np.float32]:
        """Return other vectors, each of a family of the n."""
        random = np.random.default_rng([self.seed, n])
        n_families = -(-n // FAMILY)
        return self._drawn(random.choice(n_families, min(n_queries, n_families), replace=False), 1, 1)

    def _drawn(self, families: NDArray[np.int64], members: int, later: int) -> NDArray[np.float32]:
        d = len(self.spreads)
        uniform = _uniform(self.seed, families, 2 * d)
        # Box and Muller: two uniform numbers make a normal one.
        middles = np.sqrt(-2 * np.log1p(-uniform[:, :d])) * np.cos(2 * np.pi * uniform[:, d:])
        random = np.random.default_rng([self.seed, 1 + later, int(families[0])])
        own = random.standard_normal((len(families) * members, d))
        whole = (
            np.sqrt(self.likeness) * np.repeat(middles, members, axis=0) + np.sqrt(1 - self.likeness) * own
        )
        whole *= self.spreads
        return (whole / np.linalg.norm(whole, axis=1, keepdims=True)).astype(np.float32)


def weighed(counts: sparse.csr_matrix, idf: NDArray[np.float32]) -> list[SparseVector]:
    """Return bags of unit length, √count · idf."""
    data = np.sqrt(counts.data.astype(np.float64)) * idf[counts.indices]
    lengths = np.sqrt(np.add.reduceat(data**2, counts.indptr[:-1]))
    values = (data / np.repeat(lengths, np.diff(counts.indptr))).astype(np.float32)
    words, ends = counts.indices.astype(np.uint32), counts.indptr
    return [SparseVector(words[a:b], values[a:b], counts.shape[1]) for a, b in pairwise(ends)]


def margin(likenesses: NDArray[np.floating]) -> float:
    """Return the median distance between the first and the tenth score of each image, itself left out."""
    scores = np.array(likenesses, dtype=np.float64)
    np.fill_diagonal(scores, -np.inf)
    best = -np.sort(-scores, axis=1)[:, :10]
    return float(np.median(best[:, 0] - best[:, 9]))


def cosines(vectors: Sequence[SparseVector]) -> NDArray[np.float32]:
    """Return the scores of all pairs, float32 (n, n)."""
    matrix = sparse.csr_matrix(
        (
            np.concatenate([one.values for one in vectors]),
            np.concatenate([one.indices for one in vectors]).astype(np.int64),
            np.cumsum([0, *(len(one.indices) for one in vectors)]),
        ),
        shape=(len(vectors), vectors[0].size),
    )
    return np.asarray((matrix @ matrix.T).todense())


def like(margin_of: Callable[[float], float], wanted: float) -> float:
    """Return the likeness at which a margin is as wanted, by bisection; the margin rises with it."""
    low, high = 0.0, 0.95
    for _ in range(9):
        middle = (low + high) / 2
        low, high = (middle, high) if margin_of(middle) < wanted else (low, middle)
    return (low + high) / 2
