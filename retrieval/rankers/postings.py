"""The postings of a block of sparse vectors: for each word, which vectors hold it and with which weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernel import is_worth_loading, kernel
from .block_sums import NO_CHECK, RowCheck
from .posting_lists import PostingLists, add_scores, add_scores_in_numpy, find_row, find_row_in_numpy

BLOCK = 65_536
"""Maximum vectors of a block: a row is a uint16, and a float32 for each row stays in the L2 cache."""

_CALL = 5_000
"""Simple operations in the time that numpy takes for each word besides its postings."""

Places = NDArray[np.int64]
"""int64 (size,), where the next posting of each word goes."""


class Target(NamedTuple):
    """Where postings are written, word by word.

    Parameters
    ----------
    places, row_places : int64 (size,), where the next weight and the next row of each word go; −1 for the
        rows of a column.
    rows : uint16 (n_listed,).
    weights : float32 (n_weights,), all 0 at first.
    """

    places: Places
    row_places: Places
    rows: NDArray[np.uint16]
    weights: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Postings:
    """Hold a block of sparse vectors by word, in at most 6 bytes a posting.

    A word of more than two thirds of the rows is a column: one weight for every row, 0 if the vector lacks
    the word. Any other is a list: rows and weights of the vectors that hold it. So a word that has as many
    weights as there are rows is a column.

    Parameters
    ----------
    n : how many rows there are, 1 to 65,536.
    offsets : int64 (size + 1,), word w has the weights ``offsets[w]`` to ``offsets[w + 1]``.
    rows : uint16 (≥ n_listed,), rows of the block, rising within a word; columns have none.
    weights : float32 (≥ n_weights,), the value of that row's vector at that word.
    first_row : where in ``rows`` this block begins.
    row_check, weight_check : check ``rows`` and ``weights`` of a file before they are read.
    tops : float32 (size,), the largest size of a weight of each word; None if it is not known.
    """

    n: int
    offsets: NDArray[np.int64]
    rows: NDArray[np.uint16]
    weights: NDArray[np.float32]
    first_row: int = 0
    row_check: RowCheck = NO_CHECK
    weight_check: RowCheck = NO_CHECK
    tops: NDArray[np.float32] | None = None
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
        found = layout(np.bincount(indices, minlength=size), len(lengths))
        target = found.target()
        _distribute(lengths, indices, values, target)
        tops = largest(target.weights, found.offsets)
        return cls(len(lengths), found.offsets, target.rows, target.weights, tops=tops)

    @property
    def lists(self) -> PostingLists:
        """The postings as kernels take them."""
        return PostingLists(self.n, self.offsets, self.row_offsets, self.rows, self.weights)

    def check_words(self, words: NDArray[np.uint32]) -> None:
        """Check the postings of some words. Raises IndexFolderError if some are damaged."""
        self.weight_check.ranges(self.offsets[words], self.offsets[words + 1])
        self.check_lists(words)

    def check_lists(self, words: NDArray[np.uint32]) -> None:
        """Check the rows of some words, not their weights. Raises IndexFolderError if some are damaged."""
        self.row_check.ranges(self.row_offsets[words], self.row_offsets[words + 1])

    def check_all(self) -> None:
        """Check all postings. Raises IndexFolderError if some are damaged."""
        self.row_check.all()
        self.weight_check.all()

    @property
    def row_end(self) -> int:
        """Where in ``rows`` this block ends."""
        return int(self.row_offsets[-1])

    def add_scores(
        self, words: NDArray[np.uint32], values: NDArray[np.float32], scores: NDArray[np.float32]
    ) -> None:
        """Add Σ_w values[w] · weight[w, row] to ``scores``, float32 (65,536,), in the order of the words.

        Raises IndexFolderError if postings of the words are damaged.
        """
        self.check_words(words)
        if is_worth_loading(len(words) * (_CALL + self.n)):
            add_scores(self.lists, words, values, scores)
        else:
            add_scores_in_numpy(self.lists, words, values, scores)

    def vector(self, row: int) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Return words and values of one row's vector, by a binary search in the postings of every word.

        Raises IndexFolderError if what is read for it is damaged.
        """
        self.row_check.rows(self.first_row, self.row_end)
        # To look into the postings of every word reads all rows; numba's search in each reads a few.
        n_listed = self.row_end - self.first_row
        find = find_row if is_worth_loading(n_listed + len(self.offsets)) else find_row_in_numpy
        where = find(self.lists, row)
        words = np.flatnonzero(where >= 0)
        self.weight_check.ranges(where[words], where[words] + 1)
        values = self.weights[where[words]]
        return words[values != 0].astype(np.uint32), values[values != 0]


class Layout(NamedTuple):
    """How a block of some words is laid out.

    Parameters
    ----------
    offsets : int64 (size + 1,), where the weights of each word begin, as in ``Postings``.
    row_offsets : int64 (size + 1,), where the rows of each word begin; a column has none.
    is_column : bool (size,).
    """

    offsets: NDArray[np.int64]
    row_offsets: NDArray[np.int64]
    is_column: NDArray[np.bool_]

    @property
    def n_rows(self) -> int:
        """How many rows the lists have together."""
        return int(self.row_offsets[-1])

    def target(self) -> Target:
        """Make room for the postings."""
        row_places = np.where(self.is_column, -1, self.row_offsets[:-1])
        rows, weights = np.empty(self.n_rows, np.uint16), np.zeros(self.offsets[-1], np.float32)
        return Target(self.offsets[:-1].copy(), row_places, rows, weights)


def layout(counts: NDArray[np.int64], n: int) -> Layout:
    """Lay out a block of n rows whose words have ``counts`` (size,) postings."""
    # A posting in a list takes 6 bytes, a row of a column 4: above two thirds of the rows a column is
    # smaller, and it is read faster too, without looking rows up.
    is_column = 3 * counts > 2 * n
    return Layout(_starts(np.where(is_column, n, counts)), _starts(np.where(is_column, 0, counts)), is_column)


def largest(weights: NDArray[np.float32], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the largest size of a weight of each word, float32 (size,); 0 of one without postings."""
    tops = np.zeros(len(offsets) - 1, dtype=np.float32)
    there = np.flatnonzero(np.diff(offsets))
    # `reduceat` would take the next value for a word without postings.
    if len(there):
        tops[there] = np.maximum.reduceat(np.abs(weights), offsets[there])
    return tops


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
    """Store one posting of a word, whose row is above all that were stored before, in a ``Target``."""
    # The four arrays of the target one by one: handing the record over for each posting costs a third more.
    if row_places[word] < 0:
        weights[places[word] + row] = value
        return
    weights[places[word]] = value
    rows[row_places[word]] = row
    places[word] += 1
    row_places[word] += 1


@kernel()
def _distribute(
    lengths: NDArray[np.int64], indices: NDArray[np.uint32], values: NDArray[np.float32], target: Target
) -> None:
    """Store the postings of vectors of ``lengths`` (n,), laid end to end in ``indices`` and ``values``."""
    # Row by row, so that the rows of every word rise without sorting: a counting sort by word.
    places, row_places, rows, weights = target
    i = 0
    for row in range(len(lengths)):
        for _ in range(lengths[row]):
            put(indices[i], row, values[i], places, row_places, rows, weights)
            i += 1
