"""The two-level tree over many words: look into the nearest cells only."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .kmeans import kmeans
from .scoring import Floats, Scoring, Words, insert

_ITERATIONS = 6


class Tree:
    """Find near words quickly: of about √K cells of words, only the nearest few are looked into.

    Parameters
    ----------
    centers : float32 (K, d), the words.
    probes : how many cells are looked into for each descriptor.
    """

    def __init__(self, centers: Floats, probes: int) -> None:
        n_cells = max(1, round(len(centers) ** 0.5))
        rng = np.random.default_rng(0)
        rows = rng.permutation(len(centers))
        self._cells = Scoring(kmeans(centers, rows, n_cells, rng, _ITERATIONS))
        self._probes = min(probes, n_cells)
        cell_of, _ = self._cells.closest(centers)
        self._words = np.argsort(cell_of, kind="stable")
        self._starts = np.searchsorted(cell_of[self._words], np.arange(n_cells + 1))
        self._shift = centers.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._members = centers[self._words] - self._shift
        self._halves = 0.5 * np.einsum("kd,kd->k", self._members, self._members)

    def best(self, descriptors: NDArray[np.generic], n: int) -> Words:
        """Return about the n nearest words of each row, intp (n_rows, n), nearest first, ties by word.

        Where the cells looked into hold fewer than n words, the rest is −1.
        """
        cells = self._cells.best(descriptors, self._probes)
        points = np.subtract(descriptors, self._shift, dtype=np.float32, casting="unsafe")
        words = np.full((len(points), n), -1, dtype=np.intp)
        _search(points, cells, self._starts, self._members, self._halves, self._words, words)
        return words


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})  # type: ignore[untyped-decorator]
def _dot(a: Floats, b: Floats) -> np.float32:
    total = np.float32(0)
    for i in range(len(b)):
        total += a[i] * b[i]
    return total


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _search(
    points: Floats,
    cells: Words,
    starts: Words,
    members: Floats,
    halves: Floats,
    members_words: Words,
    words: Words,
) -> None:
    for row in range(len(points)):
        best = np.full(words.shape[1], -np.inf, dtype=np.float32)
        for cell in cells[row]:
            for member in range(starts[cell], starts[cell + 1]):
                score = _dot(members[member], points[row]) - halves[member]
                if score >= best[-1]:
                    insert(score, members_words[member], best, words[row])
