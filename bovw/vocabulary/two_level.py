"""Two-level k-means for vocabularies too large for one level: Voronoi cells first, then the words of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kmeans import Closest, in_order, kmeans, refill, tally
from .nearest_center import Floats, Scoring, Words, squared_distances
from .tree import Tree

_SAMPLE = 256
"""Descriptors per center that are enough."""

_REFINEMENTS = 2
_PROBES = 6


def two_level(
    descriptors: NDArray[Any], rows: NDArray[np.int64], k: int, rng: np.random.Generator, iterations: int
) -> Floats:
    """Find k centers, float32 (k, d), of the given rows of descriptors (n, d), in random order.

    About √k Voronoi cells are found first; each gets words in proportion to its descriptors, found within it;
    all are improved together by two of Lloyd's iterations through the tree.
    """
    n_cells = round(k**0.5)
    cells = Scoring(kmeans(descriptors, rows[: _SAMPLE * n_cells], n_cells, rng, iterations))
    # Cells are independent of each other, each with random numbers of its own: so threads may share them out
    # in any order and find the same words.
    cell_of = _cells_of(descriptors, rows, cells)
    members = [rows[cell_of == cell] for cell in range(n_cells)]
    shares = share_out(k, np.array([len(own) for own in members]))
    jobs = list(zip(members, shares.tolist(), rng.spawn(n_cells), strict=True))

    def words_of(job: tuple[NDArray[np.int64], int, np.random.Generator]) -> Floats:
        own, n_words, own_rng = job
        points = np.asarray(descriptors[own[: _SAMPLE * n_words]], dtype=np.float32)
        return kmeans(points, np.arange(len(points)), n_words, own_rng, iterations, n_threads=1)

    centers = np.concatenate(list(in_order(words_of, [job for job in jobs if job[1]])))
    # Words found within one cell do not know those of the next; iterations over all move the borders.
    for _ in range(_REFINEMENTS):
        found = tally(descriptors, rows, tree_closest(centers), k)
        centers = refill(found.means(centers), found, descriptors)
    return centers


def tree_closest(centers: Floats) -> Closest:
    """Return the function that finds about the nearest center of each row, through a tree."""
    tree = Tree(centers, _PROBES)

    def closest(points: Floats) -> tuple[Words, Floats]:
        words = tree.best(points, 1)
        short = np.flatnonzero(words[:, 0] < 0)
        if len(short):
            words[short] = Scoring(centers).best(points[short], 1)
        return words[:, 0], squared_distances(points, centers, words)[:, 0]

    return closest


def share_out(n_words: int, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Share words among cells in proportion to their descriptors, never more than these; largest rest first.

    Each cell that is not empty gets at least one. ``n_words`` must be between the number of cells and that of
    descriptors. Returns int64 (n_cells,), whose sum is ``n_words``.
    """
    shares = np.minimum(counts, 1)
    while (left := n_words - int(shares.sum())) > 0:
        room = counts - shares
        wanted = room * (left / room.sum())
        granted = np.minimum(np.floor(wanted).astype(np.int64), room)
        # Rounding down can leave less than one each; then the largest fractions get one.
        if not granted.any():
            rests = np.argsort(-(wanted * (room > 0)), kind="stable")
            granted[rests[: min(left, int(np.count_nonzero(room)))]] = 1
        shares = shares + granted
    return shares


def _cells_of(descriptors: NDArray[Any], rows: NDArray[np.int64], cells: Scoring) -> Words:
    """Return the cell of each of the rows, in chunks that threads share."""
    chunks = [rows[first : first + 8192] for first in range(0, len(rows), 8192)]
    found = in_order(lambda chunk: cells.closest(descriptors[chunk])[0], chunks)
    return np.concatenate(list(found))
