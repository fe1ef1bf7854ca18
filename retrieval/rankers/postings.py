"""The postings of a block of sparse vectors: for each word, which vectors hold it and with which weight."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel

BLOCK = 65_536
"""At most so many vectors a block: a row is a uint16, and a float32 for each row stays in the L2 cache."""

Places = NDArray[np.int64]
"""int64 (size,), where the next posting of each word goes."""


@dataclass(frozen=True, eq=False)
class Postings:
    """Hold a block of sparse vectors by word, in at most 6 bytes a posting.

    A word of more than two thirds of the rows is a column: one weight for every row, 0 where the vector lacks
    the word. Any other is a list: rows and weights of the vectors that hold it. So a word that has as many
    weights as there are rows is a column.

    Parameters
    ----------
    n : how many rows there are, 1 to 65,536.
    offsets : int64 (size + 1,), word w has the weights ``offsets[w]`` to ``offsets[w + 1]``.
    rows : uint16 (≥ n_listed,), rows of the block, rising within a word; columns have none.
    weights : float32 (≥ n_weights,), the value of that row's vector at that word.
    first_row : where in ``rows`` this block begins.
    """

    n: int
    offsets: NDArray[np.int64]
    rows: NDArray[np.uint16]
    weights: NDArray[np.float32]
    first_row: int = 0
    row_offsets: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        counts = np.diff(self.offsets)
        counts[counts == self.n] = 0
        object.__setattr__(self, "row_offsets", self.first_row + _starts(counts))
        for array in (self.offsets, self.rows, self.weights, self.row_offsets):
            array.flags.writeable = False  # as if mapped: so the kernels are compiled once

    @classmethod
    def build(
        cls, lengths: NDArray[np.int64], indices: NDArray[np.uint32], values: NDArray[np.float32], size: int
    ) -> Postings:
        """Sort vectors of ``lengths`` (n,), laid end to end in ``indices`` and ``values``, by word."""
        n = len(lengths)
        offsets, places, row_places, n_rows = layout(np.bincount(indices, minlength=size), n)
        rows, weights = np.empty(n_rows, dtype=np.uint16), np.zeros(offsets[-1], dtype=np.float32)
        _distribute(lengths, indices, values, places, row_places, rows, weights)
        return cls(n, offsets, rows, weights)

    @property
    def row_end(self) -> int:
        """Where in ``rows`` this block ends."""
        return int(self.row_offsets[-1])

    def add_scores(
        self, words: NDArray[np.uint32], values: NDArray[np.float32], scores: NDArray[np.float32]
    ) -> None:
        """Add Σ_w values[w] · weight[w, row] to ``scores``, float32 (65,536,), in the order of the words."""
        _add_scores(self.n, self.offsets, self.row_offsets, self.rows, self.weights, words, values, scores)

    def vector(self, row: int) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Return words and values of one row's vector, by a binary search in the postings of every word."""
        where = _find_row(self.n, self.offsets, self.row_offsets, self.rows, row)
        words = np.flatnonzero(where >= 0)
        values = self.weights[where[words]]
        return words[values != 0].astype(np.uint32), values[values != 0]


def layout(counts: NDArray[np.int64], n: int) -> tuple[NDArray[np.int64], Places, Places, int]:
    """Lay out a block of n rows whose words have ``counts`` (size,) postings.

    Returns
    -------
    offsets : int64 (size + 1,), as in ``Postings``.
    places, row_places : where each word's first weight and first row go; −1 for the rows of a column.
    n_rows : how many rows the lists have together.
    """
    is_column = 3 * counts > 2 * n
    offsets = _starts(np.where(is_column, n, counts))
    row_offsets = _starts(np.where(is_column, 0, counts))
    return offsets, offsets[:-1].copy(), np.where(is_column, -1, row_offsets[:-1]), int(row_offsets[-1])


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


@kernel()
def put(
    word: int,
    row: int,
    value: np.float32,
    places: Places,
    row_places: Places,
    rows: NDArray[np.uint16],
    weights: NDArray[np.float32],
) -> None:
    """Store one posting of a word whose row is above all that were stored before."""
    if row_places[word] < 0:
        weights[places[word] + row] = value
        return
    weights[places[word]] = value
    rows[row_places[word]] = row
    places[word] += 1
    row_places[word] += 1


@kernel()
def _distribute(
    lengths: NDArray[np.int64],
    indices: NDArray[np.uint32],
    values: NDArray[np.float32],
    places: Places,
    row_places: Places,
    rows: NDArray[np.uint16],
    weights: NDArray[np.float32],
) -> None:
    i = 0
    for row in range(len(lengths)):
        for _ in range(lengths[row]):
            put(indices[i], row, values[i], places, row_places, rows, weights)
            i += 1


@kernel()
def _add_column(value: np.float32, column: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
    for row in range(len(column)):
        scores[row] += value * column[row]


@kernel()
def _add_list(
    value: np.float32,
    rows: NDArray[np.uint16],
    weights: NDArray[np.float32],
    scores: NDArray[np.float32],
) -> None:
    """Add a list, four at a time: its rows differ, so all are read before the first is written."""
    fours = len(rows) // 4 * 4
    for j in range(0, fours, 4):
        a, b, c, d = rows[j], rows[j + 1], rows[j + 2], rows[j + 3]
        at_a, at_b = scores[a] + value * weights[j], scores[b] + value * weights[j + 1]
        at_c, at_d = scores[c] + value * weights[j + 2], scores[d] + value * weights[j + 3]
        scores[a], scores[b], scores[c], scores[d] = at_a, at_b, at_c, at_d
    for j in range(fours, len(rows)):
        scores[rows[j]] += value * weights[j]


@kernel()
def _add_scores(
    n: int,
    offsets: NDArray[np.int64],
    row_offsets: NDArray[np.int64],
    rows: NDArray[np.uint16],
    weights: NDArray[np.float32],
    words: NDArray[np.uint32],
    values: NDArray[np.float32],
    scores: NDArray[np.float32],
) -> None:
    for i in range(len(words)):
        word = words[i]
        word_weights = weights[offsets[word] : offsets[word + 1]]
        if len(word_weights) == n:
            _add_column(values[i], word_weights, scores)
        else:
            _add_list(values[i], rows[row_offsets[word] : row_offsets[word + 1]], word_weights, scores)


@kernel()
def _find_row(
    n: int, offsets: NDArray[np.int64], row_offsets: NDArray[np.int64], rows: NDArray[np.uint16], row: int
) -> NDArray[np.int64]:
    """Return int64 (size,): where the row's weight of each word is, −1 where it has none."""
    where = np.full(len(offsets) - 1, -1, dtype=np.int64)
    for word in range(len(where)):
        if offsets[word + 1] - offsets[word] == n:
            where[word] = offsets[word] + row
            continue
        listed = rows[row_offsets[word] : row_offsets[word + 1]]
        place = np.searchsorted(listed, np.uint16(row))
        if place < len(listed) and listed[place] == row:
            where[word] = offsets[word] + place
    return where
