"""The scoring of descriptors against centers, by BLAS: the exact way to the nearest center."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrieval.kernel import kernel

Floats = NDArray[np.float32]
Words = NDArray[np.intp]

_SCORES = 1 << 22
"""Scores that are held at a time: 16 MB."""


class Scoring:
    """Score descriptors against centers by x·c − |c|²/2, which is largest for the nearest center.

    Both are moved by the mean of the centers first, so that float32 loses nothing to a common offset.

    Parameters
    ----------
    centers : (K, d), K ≥ 1.
    """

    def __init__(self, centers: ArrayLike) -> None:
        self.centers = np.array(centers, dtype=np.float32)
        self._shift = self.centers.mean(axis=0, dtype=np.float64).astype(np.float32)
        moved = self.centers - self._shift
        # A last column −|c|²/2 against a last 1 makes the whole score one matrix product.
        self._table = np.column_stack([moved, -0.5 * np.einsum("kd,kd->k", moved, moved)])

    def closest(self, descriptors: ArrayLike) -> tuple[Words, Floats]:
        """Return the nearest center of each row and its squared distance, intp (n,) and float32 (n,)."""
        points = self.matrix(descriptors)
        words, distances = np.empty(len(points), np.intp), np.empty(len(points), np.float32)
        for part, moved, scores in self._scored(points):
            own = words[part] = scores.argmax(axis=1)
            squares = np.einsum("nd,nd->n", moved[:, :-1], moved[:, :-1])
            distances[part] = squares - 2 * np.take_along_axis(scores, own[:, None], axis=1)[:, 0]
        return words, np.maximum(distances, 0)

    def best(self, descriptors: ArrayLike, n: int) -> Words:
        """Return the n ≤ K nearest centers of each row, intp (n_rows, n), nearest first, ties by center."""
        points = self.matrix(descriptors)
        words = np.empty((len(points), n), np.intp)
        for part, _, scores in self._scored(points):
            words[part] = scores.argmax(axis=1)[:, None] if n == 1 else _largest(scores, n)
        return words

    def matrix(self, descriptors: ArrayLike) -> NDArray[np.generic]:
        """Return descriptors as an array (n, d). Raise ValueError if d is not that of the centers."""
        points = np.asarray(descriptors)
        if points.ndim != 2 or points.shape[1] != self.centers.shape[1]:
            raise ValueError(
                f"descriptors of shape {points.shape} against words of dimension {self.centers.shape[1]}; "
                "use the descriptor that the words were made of"
            )
        return points

    def _scored(self, points: NDArray[np.generic]) -> Iterator[tuple[slice, Floats, Floats]]:
        """Yield, piece by piece, which rows, the rows moved with a 1 at the end, and their scores."""
        # Enough rows that the product runs at full speed, few enough that the scores stay near the processor.
        at_once = min(max(_SCORES // len(self.centers), 128), 8192)
        for first in range(0, len(points), at_once):
            part = slice(first, min(first + at_once, len(points)))
            moved = np.ones((part.stop - first, self._table.shape[1]), dtype=np.float32)
            np.subtract(points[part], self._shift, out=moved[:, :-1], dtype=np.float32, casting="unsafe")
            yield part, moved, moved @ self._table.T


def squared_distances(descriptors: ArrayLike, centers: Floats, words: Words) -> Floats:
    """Return |x − c|² of each row x and each of its words, float32 (n, m) for words (n, m)."""
    points = np.asarray(descriptors, dtype=np.float32)
    distances = np.empty(words.shape, dtype=np.float32)
    for column in range(words.shape[1]):
        apart = points - centers[words[:, column]]
        distances[:, column] = np.einsum("nd,nd->n", apart, apart)
    return distances


@kernel()
def insert(score: np.float32, word: int, scores: Floats, words: Words) -> None:
    """Put (score, word) in its place among the best so far: largest score first, equal ones by word."""
    # Insertion: n is at most 16, and most candidates fall off at the end.
    place = len(scores)
    while place > 0 and (
        score > scores[place - 1] or (score == scores[place - 1] and word < words[place - 1])
    ):
        place -= 1
    for i in range(len(scores) - 1, place, -1):
        scores[i], words[i] = scores[i - 1], words[i - 1]
    if place < len(scores):
        scores[place], words[place] = score, word


@kernel()
def _largest(scores: Floats, n: int) -> Words:
    """Return the columns of the n largest scores of each row."""
    words = np.zeros((len(scores), n), dtype=np.intp)
    for row in range(len(scores)):
        best = np.full(n, -np.inf, dtype=np.float32)
        # One comparison decides for nearly all columns; a partial sort would move every score.
        for column in range(scores.shape[1]):
            if scores[row, column] > best[n - 1]:
                insert(scores[row, column], column, best, words[row])
    return words
