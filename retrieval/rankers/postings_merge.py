"""The merging of blocks of postings into one, piece by piece, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel
from .posting_lists import PostingLists
from .postings import BLOCK, Postings, Target, largest, layout, put

Rows = NDArray[np.int32]
"""int32 (65,536,): for each row of a block its row in the merged block, −1 if it has none."""

Part = tuple[Postings, Rows]
"""A block that is merged, and where its rows go: rising from part to part, and within each."""


def all_rows(first: int, n: int) -> Rows:
    """Send n rows to the rows from ``first`` on."""
    rows = np.full(BLOCK, -1, dtype=np.int32)
    rows[:n] = np.arange(first, first + n)
    return rows


def count_postings(parts: Sequence[Part], size: int) -> NDArray[np.int64]:
    """Return int64 (size,): how many postings of each word have a row in the merged block.

    Raises IndexFolderError if a block is damaged.
    """
    counts = np.zeros(size, dtype=np.int64)
    for block, new_rows in parts:
        block.check_all()  # else damage would be written anew, with checksums that fit it
        _count(block.lists, new_rows, counts)
    return counts


def merge(
    parts: Sequence[Part], counts: NDArray[np.int64], n: int, at_once: int
) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.float32]]]:
    """Yield rows and weights of the merged block of n rows in pieces of whole words.

    A piece has at most ``at_once`` weights, or one word. ``counts`` is what ``count_postings`` says.
    """
    offsets = layout(counts, n).offsets
    first = 0
    while first < len(counts):
        # Whole words, so that a piece is laid out by itself; a word larger than a piece is one.
        end = int(np.searchsorted(offsets, offsets[first] + at_once, side="right")) - 1
        last = min(max(first + 1, end), len(counts))
        target = layout(counts[first:last], n).target()
        for block, new_rows in parts:
            words = slice(first, last + 1)
            some = block.lists._replace(offsets=block.offsets[words], row_offsets=block.row_offsets[words])
            _move(some, new_rows, target)
        yield target.rows, target.weights
        first = last


def merged(blocks: Sequence[Postings]) -> Postings:
    """Merge blocks in memory into one, all their rows one after the other."""
    ends = np.cumsum([block.n for block in blocks])
    parts = [(block, all_rows(end - block.n, block.n)) for block, end in zip(blocks, ends, strict=True)]
    size, n = len(blocks[0].offsets) - 1, int(ends[-1])
    counts = count_postings(parts, size)
    offsets = layout(counts, n).offsets
    ((rows, weights),) = merge(parts, counts, n, at_once=int(offsets[-1]))
    return Postings(n, offsets, rows, weights, tops=largest(weights, offsets))


@kernel()
def _count(block: PostingLists, new_rows: Rows, counts: NDArray[np.int64]) -> None:
    """Add how many postings of each word have a row in the merged block to ``counts`` (size,)."""
    n, offsets, row_offsets, rows, weights = block
    for word in range(len(counts)):
        start, end = offsets[word], offsets[word + 1]
        for p in range(start, end):
            row = p - start if end - start == n else rows[row_offsets[word] + p - start]
            # A column has a weight for every row; 0 says that the row lacks the word.
            if weights[p] != 0 and new_rows[row] >= 0:
                counts[word] += 1


@kernel()
def _move(block: PostingLists, new_rows: Rows, target: Target) -> None:
    """Append the postings of some words to the merged ones."""
    # A word may be a list here and a column there, or the reverse, as its share of the rows changes.
    n, offsets, row_offsets, old_rows, old_weights = block
    places, row_places, rows, weights = target
    for word in range(len(places)):
        start, end = offsets[word], offsets[word + 1]
        for p in range(start, end):
            row = p - start if end - start == n else old_rows[row_offsets[word] + p - start]
            if old_weights[p] != 0 and new_rows[row] >= 0:
                put(word, new_rows[row], old_weights[p], places, row_places, rows, weights)
