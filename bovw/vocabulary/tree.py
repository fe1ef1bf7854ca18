"""The two-level tree over many words: only the nearest Voronoi cells are searched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from retrieval.kernel import kernel

from .kmeans import kmeans
from .nearest_center import Floats, Scoring, Words, insert

_ITERATIONS = 6

_SAMPLE = 64
"""Words per cell that are enough to place it."""


class Tree:
    """Find near words quickly: the words are split into about √K Voronoi cells, and only the nearest few
    cells of a descriptor are searched.

    Parameters
    ----------
    centers : float32 (K, d), the words.
    probes : how many cells are searched for each descriptor.
    """

    def __init__(self, centers: Floats, probes: int) -> None:
        # √K cells of √K words each cost the least: about (1 + probes) √K products instead of K.
        n_cells = round(len(centers) ** 0.5)
        rng = np.random.default_rng(0)
        rows = rng.permutation(len(centers))[: _SAMPLE * n_cells]
        # One thread a product, so that every process makes the same cells.
        with threadpool_limits(limits=1, user_api="blas"):
            self._cells = Scoring(kmeans(centers, rows, n_cells, rng, _ITERATIONS))
            cell_of, _ = self._cells.closest(centers)
        self._probes = min(probes, n_cells)
        self._words = np.argsort(cell_of, kind="stable")
        self._starts = np.searchsorted(cell_of[self._words], np.arange(n_cells + 1))
        self._shift = centers.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._members = centers[self._words] - self._shift
        self._halves = 0.5 * np.einsum("kd,kd->k", self._members, self._members)

    def best(self, descriptors: NDArray[np.generic], n: int) -> Words:
        """Return about the n nearest words of each row, intp (n_rows, n), nearest first, ties by word.

        If the cells that are searched hold fewer than n words, the rest is −1.
        """
        cells = self._cells.best(descriptors, self._probes)
        points = np.subtract(descriptors, self._shift, dtype=np.float32, casting="unsafe")
        words = np.full((len(points), n), -1, dtype=np.intp)
        best = np.full(words.shape, -np.inf, dtype=np.float32)
        order = np.argsort(cells, axis=None, kind="stable")
        ends = np.searchsorted(cells.reshape(-1)[order], np.arange(len(self._starts)))
        rows = order // cells.shape[1]
        # Cell by cell rather than row by row: a matrix product for all rows that search it.
        for cell in np.flatnonzero(np.diff(ends)):
            here, own = rows[ends[cell] : ends[cell + 1]], slice(*self._starts[cell : cell + 2])
            scores = points[here] @ self._members[own].T - self._halves[own]
            _keep_best(scores, here, self._words[own], best, words)
        return words


@kernel()
def _keep_best(scores: Floats, rows: Words, cell_words: Words, best: Floats, words: Words) -> None:
    """Let the words of one cell compete in each of ``rows`` with the best so far, both (n_rows, n)."""
    # Cells come in any order, so that a tie must reach ``insert``, which decides it by the word.
    for i in range(scores.shape[0]):
        row = rows[i]
        for j in range(scores.shape[1]):
            if scores[i, j] >= best[row, -1]:
                insert(scores[i, j], cell_words[j], best[row], words[row])
