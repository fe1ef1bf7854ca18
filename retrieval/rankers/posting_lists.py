"""The postings of a block as kernels read them: scores of a query's words, and the words of one row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel


class PostingLists(NamedTuple):
    """The postings of some words of a block of n rows as kernels take them; see ``postings.Postings``."""

    n: int
    offsets: NDArray[np.int64]
    row_offsets: NDArray[np.int64]
    rows: NDArray[np.uint16]
    weights: NDArray[np.float32]


@kernel()
def _add_column(value: np.float32, column: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
    """Add a column to the scores of all rows; the zeros cost less than telling them apart."""
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
    # The compiler cannot know that they differ, and would wait for each sum before it reads the next.
    fours = len(rows) // 4 * 4
    for j in range(0, fours, 4):
        a, b, c, d = rows[j], rows[j + 1], rows[j + 2], rows[j + 3]
        at_a, at_b = scores[a] + value * weights[j], scores[b] + value * weights[j + 1]
        at_c, at_d = scores[c] + value * weights[j + 2], scores[d] + value * weights[j + 3]
        scores[a], scores[b], scores[c], scores[d] = at_a, at_b, at_c, at_d
    for j in range(fours, len(rows)):
        scores[rows[j]] += value * weights[j]


@kernel()
def add_scores(
    block: PostingLists, words: NDArray[np.uint32], values: NDArray[np.float32], scores: NDArray[np.float32]
) -> None:
    """Add the products of a query's ``values`` (m,) at its ``words`` (m,) to the scores of a block's rows."""
    # One addition a posting and in the order of the words for every row: so the score of a row, to the last
    # bit, does not depend on whether a word is a column here and a list in another block.
    for i in range(len(words)):
        word = words[i]
        weights = block.weights[block.offsets[word] : block.offsets[word + 1]]
        if len(weights) == block.n:
            _add_column(values[i], weights, scores)
        else:
            rows = block.rows[block.row_offsets[word] : block.row_offsets[word + 1]]
            _add_list(values[i], rows, weights, scores)


@kernel()
def find_row(block: PostingLists, row: int) -> NDArray[np.int64]:
    """Return int64 (size,): where the row's weight of each word is, −1 if it has none."""
    where = np.full(len(block.offsets) - 1, -1, dtype=np.int64)
    for word in range(len(where)):
        if block.offsets[word + 1] - block.offsets[word] == block.n:
            where[word] = block.offsets[word] + row
            continue
        listed = block.rows[block.row_offsets[word] : block.row_offsets[word + 1]]
        place = np.searchsorted(listed, np.uint16(row))
        if place < len(listed) and listed[place] == row:
            where[word] = block.offsets[word] + place
    return where


def add_scores_in_numpy(
    block: PostingLists, words: NDArray[np.uint32], values: NDArray[np.float32], scores: NDArray[np.float32]
) -> None:
    """Do what ``add_scores`` does: the same additions of float32 in the same order, so the same bits."""
    for word, value in zip(words.tolist(), values, strict=True):
        weights = block.weights[block.offsets[word] : block.offsets[word + 1]]
        if len(weights) == block.n:
            scores[: block.n] += value * weights
        else:
            # A row is at most once in the list of a word, so that no addition is lost.
            scores[block.rows[block.row_offsets[word] : block.row_offsets[word + 1]]] += value * weights


def find_row_in_numpy(block: PostingLists, row: int) -> NDArray[np.int64]:
    """Do what ``find_row`` does, by looking at all rows."""
    counts = np.diff(block.offsets)
    where = np.where(counts == block.n, block.offsets[:-1] + row, -1)
    first = block.row_offsets[0]
    places = first + np.flatnonzero(block.rows[first : block.row_offsets[-1]] == row)
    # A word without a list begins where the next one does, so the last word that begins there has the row.
    words = np.searchsorted(block.row_offsets, places, side="right") - 1
    where[words] = block.offsets[words] + places - block.row_offsets[words]
    return where
