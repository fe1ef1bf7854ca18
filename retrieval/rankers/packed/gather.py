"""The way back from postings of full precision to the vectors of their rows, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...kernel import kernel
from ..posting_lists import PostingLists
from ..postings import Postings
from .block import PackedPostings
from .factors import Values, Words

PIECE = 8192
"""Rows at a time."""

Vectors = tuple[NDArray[np.int64], Words, Values]
"""Some vectors laid end to end: lengths int64 (n,), words and values."""


def vectors(block: Postings | PackedPostings) -> Iterator[tuple[int, Vectors]]:
    """Yield some vectors of a block after the others, each time with the row of the first.

    Raises IndexFolderError if the block is damaged.
    """
    block.check_all()  # else damage would be written anew, with checksums that fit it
    # How far each list was read: rows rise, so that no list is read twice.
    places = None if isinstance(block, PackedPostings) else block.row_offsets[:-1].copy()
    for first in range(0, block.n, PIECE):
        last = min(block.n, first + PIECE)
        if isinstance(block, PackedPostings):
            bags = block.bags(first, last)
            yield first, (bags.lengths, bags.words, bags.values)
        else:
            assert places is not None
            yield first, _gathered(block, first, last, places)


def chosen(found: Vectors, is_chosen: NDArray[np.bool_]) -> Vectors:
    """Return some of the vectors."""
    lengths, words, values = found
    is_there = np.repeat(is_chosen, lengths)
    return lengths[is_chosen], words[is_there], values[is_there]


def _gathered(block: Postings, first: int, last: int, places: NDArray[np.int64]) -> Vectors:
    """Return the rows from ``first`` to before ``last``; ``places`` says how far each list is read."""
    ends = np.zeros(last - first + 1, np.int64)
    nothing = np.empty(0, np.uint32), np.empty(0, np.float32)
    _gather(block.lists, first, places.copy(), ends[1:], *nothing)
    lengths, ends = ends[1:].copy(), np.cumsum(ends)
    words, values = np.empty(ends[-1], np.uint32), np.empty(ends[-1], np.float32)
    _gather(block.lists, first, places, ends[:-1], words, values)
    return lengths, words, values


@kernel()
def _gather(
    block: PostingLists,
    first: int,
    places: NDArray[np.int64],
    ends: NDArray[np.int64],
    words: Words,
    values: Values,
) -> None:
    """Append the postings of some rows to what each has; only move the ends if there is no room."""
    last = first + len(ends)
    for word in range(len(places)):
        start, end = block.offsets[word], block.offsets[word + 1]
        is_column = end - start == block.n
        at = start + first if is_column else places[word]
        stop = start + last if is_column else block.row_offsets[word + 1]
        while at < stop:
            row = at - start if is_column else np.int64(block.rows[at])
            if row >= last:
                break
            value = block.weights[at if is_column else start + at - block.row_offsets[word]]
            at += 1
            if value == 0 or row < first:
                continue
            if len(words):
                words[ends[row - first]], values[ends[row - first]] = word, value
            ends[row - first] += 1
        if not is_column:
            places[word] = at
