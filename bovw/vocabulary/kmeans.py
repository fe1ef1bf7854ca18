"""k-means: k-means++ seeds, then Lloyd's iterations over growing parts of the sample."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .distinct import repeats
from .nearest_center import Floats, Scoring, Words

Item = TypeVar("Item")
Result = TypeVar("Result")

Closest = Callable[[Floats], tuple[Words, Floats]]
"""Nearest center and squared distance of each row."""

CHUNK = 8192
"""Descriptors that are float32 at a time; fixed, lest words depend on the number of processors."""


class Tally(NamedTuple):
    """What one pass over the sample finds for each of K centers.

    Parameters
    ----------
    sums : float64 (K, d), the sum of its descriptors.
    counts : int64 (K,), their number.
    errors : float64 (K,), the sum of their squared distances.
    farthest, farthest_rows : float64 and int64 (K,), the largest squared distance, and the row that has it.
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.int64]
    errors: NDArray[np.float64]
    farthest: NDArray[np.float64]
    farthest_rows: NDArray[np.int64]

    @classmethod
    def of_zeros(cls, k: int, d: int) -> Tally:
        """Make the tally of no descriptors."""
        farthest = np.full(k, -1.0)
        return cls(np.zeros((k, d)), np.zeros(k, np.int64), np.zeros(k), farthest, np.zeros(k, np.int64))

    def means(self, centers: Floats) -> Floats:
        """Return the mean of each center's descriptors; a center without any stays."""
        shared = np.maximum(self.counts, 1)[:, None]
        return np.where(self.counts[:, None] > 0, self.sums / shared, centers).astype(np.float32)


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], n_threads: int = 0
) -> Iterator[Result]:
    """Apply a function to items in threads (0: one for each processor); results in order, few at a time."""
    n_threads = n_threads or os.cpu_count() or 1
    if n_threads == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        # One more than threads in flight: all are busy, and no more results wait than that.
        pending: deque[Future[Result]] = deque()
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > n_threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def tally(
    descriptors: NDArray[Any], rows: NDArray[np.int64], closest: Closest, k: int, n_threads: int = 0
) -> Tally:
    """Assign the given rows of descriptors (n, d) and add them up; the same for any number of threads."""

    def assign(chunk: NDArray[np.int64]) -> tuple[Floats, Words, Floats]:
        points = np.asarray(descriptors[chunk], dtype=np.float32)
        return points, *closest(points)

    total = Tally.of_zeros(k, descriptors.shape[1])
    chunks = [rows[first : first + CHUNK] for first in range(0, len(rows), CHUNK)]
    for chunk, (points, words, distances) in zip(chunks, in_order(assign, chunks, n_threads), strict=True):
        _add(points, words, distances, chunk, total)
    return total


def refill(centers: Floats, found: Tally, descriptors: NDArray[Any]) -> Floats:
    """Move each center that has no descriptor, or equals one before, to one far from its own center.

    Such centers in order take the clusters by falling error, one each, and in it the descriptor that is
    farthest from its center; if there are more such centers than clusters, the rest stay.
    """
    # The clusters with the largest error gain most from a second center.
    empty = np.flatnonzero((found.counts == 0) | repeats(centers))
    largest = np.argsort(-found.errors, kind="stable")[: len(empty)]
    largest = largest[found.farthest[largest] > 0]
    refilled = centers.copy()
    refilled[empty[: len(largest)]] = descriptors[found.farthest_rows[largest]]
    return refilled


def lloyd(
    descriptors: NDArray[Any],
    rows: NDArray[np.int64],
    centers: Floats,
    iterations: int,
    n_threads: int = 0,
) -> Floats:
    """Improve centers (K, d) by Lloyd's iterations, the first over few of the rows, the last two over all.

    The rows must be in random order. A center that loses all its descriptors is set anew (``refill``).
    """
    k = len(centers)
    for iteration in range(iterations):
        # Early centers move far whatever the sample; a part of it is enough until they are nearly in place.
        halvings = (iterations - 1 - iteration) // 2
        part = rows[: max(min(len(rows), 16 * k), len(rows) >> halvings)]
        found = tally(descriptors, part, Scoring(centers).closest, k, n_threads)
        moved = refill(found.means(centers), found, descriptors)
        if len(part) == len(rows) and np.array_equal(moved, centers):
            break
        centers = moved
    return centers


def plus_plus(points: Floats, k: int, rng: np.random.Generator) -> Floats:
    """Draw k of the points as seeds, each with probability ∝ squared distance to the seeds before it.

    Arthur & Vassilvitskii, k-means++, SODA 2007. Where fewer than k points differ, some are drawn twice.
    """
    chosen = np.empty(k, dtype=np.int64)
    chosen[0] = rng.integers(len(points))
    squares = np.full(len(points), np.inf, dtype=np.float32)
    for i in range(1, k):
        _lower(points, points[chosen[i - 1]], squares)
        cumulated = np.cumsum(squares, dtype=np.float64)
        draw = rng.random() * cumulated[-1]  # D² sampling (Arthur and Vassilvitskii 2007)
        chosen[i] = min(int(np.searchsorted(cumulated, draw, side="right")), len(points) - 1)
    return points[chosen]


def kmeans(
    descriptors: NDArray[Any],
    rows: NDArray[np.int64],
    k: int,
    rng: np.random.Generator,
    iterations: int,
    n_threads: int = 0,
) -> Floats:
    """Find k centers, float32 (k, d), of the given rows of descriptors; the rows must be in random order."""
    seeds = np.asarray(descriptors[rows[: max(8 * k, 256)]], dtype=np.float32)
    return lloyd(descriptors, rows, plus_plus(seeds, k, rng), iterations, n_threads)


@kernel()
def _add(points: Floats, words: Words, distances: Floats, rows: NDArray[np.int64], total: Tally) -> None:
    """Add points (n, d), with the nearest center and its squared distance, (n,) each, to a tally."""
    # In the order of the rows, by one thread: float64 sums are then the same on any number of processors.
    sums, counts, errors, farthest, farthest_rows = total
    for i in range(len(points)):
        word = words[i]
        counts[word] += 1
        errors[word] += distances[i]
        if distances[i] > farthest[word]:
            farthest[word], farthest_rows[word] = distances[i], rows[i]
        for j in range(points.shape[1]):
            sums[word, j] += points[i, j]


@kernel(fastmath={"reassoc", "contract", "nsz"})
def _lower(points: Floats, seed: Floats, squares: Floats) -> None:
    """Lower the squared distance of each point (n, d) to that of a new seed (d,), if it is nearer."""
    # The flags let sums of products be taken in the order that suits the processor; seeds need no exactness.
    for i in range(len(points)):
        square = np.float32(0)
        for j in range(points.shape[1]):
            square += (points[i, j] - seed[j]) * (points[i, j] - seed[j])
        squares[i] = min(squares[i], square)
