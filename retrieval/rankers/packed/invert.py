"""The inversion of a block: from the words of each row to the rows of each word, and what bounds scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernel import kernel
from .forward import Bags, Rows, decode
from .lists import COLUMN, GAPS, NEAR, ROWS, SKIP, Lists

SHARES = np.append(2.0 ** -(1 + np.arange(11) / 2), 0.0)
"""Tiers: the words that more than this share of the rows hold. All words are in the last."""

_PIECE = 8192
"""Rows that are decoded at a time."""

_WIDE = 1.2
"""Bytes of a posting up to which distances are kept, and not rows: skips take time."""

Numbers = NDArray[np.int64]


class Bounds(NamedTuple):
    """What says how high scores can be in a block of n rows.

    ``frequency`` int32 (size,), how many rows hold each word; ``tops`` float32 (size,), the largest value of
    each; ``norms`` uint8 (n_tiers, n), which times ``steps`` float32 (n_tiers,) is at least the length of a
    row's vector at the words of each tier of ``SHARES``.
    """

    frequency: NDArray[np.int32]
    tops: NDArray[np.float32]
    norms: NDArray[np.uint8]
    steps: NDArray[np.float32]


class _Cells(NamedTuple):
    """One cell for each word and count up to its largest; none for columns.

    ``first`` int64 (size + 1,), that of each word; by cell: ``n`` rows, bytes of ``gaps``, the ``last`` row,
    and the ``place`` in its stream where the next posting goes; ``kinds`` uint8.
    """

    first: Numbers
    n: Numbers
    gaps: Numbers
    last: Numbers
    places: Numbers
    kinds: NDArray[np.uint8]


def invert(rows: Rows, size: int) -> tuple[Lists, Bounds]:
    """Return the lists of a block, whose streams begin at 0, and its bounds."""
    n = len(rows.starts) - 1
    frequency, largest, tops = np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size, np.float32)
    for _, bags in _pieces(rows):
        _count(bags, frequency, largest, tops)
    # Counted first, so that every stream is made once and filled in the order of the rows.
    is_column = 3 * frequency > 2 * n  # as in ``postings.layout``
    cells = _cells(np.where(is_column, 0, largest))
    for first, bags in _pieces(rows):
        _measure(first, bags, cells)
    cells.kinds[:] = np.where(cells.gaps <= _WIDE * cells.n, GAPS, ROWS)
    cells.kinds[(cells.gaps == cells.n) & (cells.n > 0)] = NEAR
    lists, columns = _laid_out(n, cells, is_column)
    cells.last[:] = -1
    squares = np.zeros((len(SHARES), n), np.float64)
    tiers = (frequency[:, None] <= SHARES * n).sum(axis=1)  # of each word the first that it is in
    for first, bags in _pieces(rows):
        _fill(first, bags, cells, lists, columns)
        _add_squares(first, bags, tiers, squares)
    return lists, Bounds(frequency.astype(np.int32), tops, *_norms(squares))


def _pieces(rows: Rows) -> Iterator[tuple[int, Bags]]:
    """Yield some rows after the others, each time with the number of the first."""
    n = len(rows.starts) - 1
    for first in range(0, n, _PIECE):
        yield first, decode(rows, first, min(n, first + _PIECE))


def _cells(largest: Numbers) -> _Cells:
    """Make empty cells for words of some largest counts."""
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(largest)])
    n = int(first[-1])
    counted, gaps, places = (np.zeros(n, np.int64) for _ in range(3))
    return _Cells(first, counted, gaps, np.full(n, -1), places, np.zeros(n, np.uint8))


def _laid_out(n: int, cells: _Cells, is_column: NDArray[np.bool_]) -> tuple[Lists, Numbers]:
    """Make room for the lists; return where the column of each word begins, −1 for none, as well."""
    is_gaps = cells.kinds != ROWS
    lengths = np.where(is_gaps, cells.gaps, cells.n)
    for of_stream in (is_gaps, ~is_gaps):
        here = np.where(of_stream, lengths, 0)
        cells.places[:] = np.where(of_stream, np.cumsum(here) - here, cells.places)
    there = np.flatnonzero(cells.n)
    words = np.searchsorted(cells.first, there, side="right") - 1
    counts = there - cells.first[words] + 1
    column_words = np.flatnonzero(is_column)
    column_starts = n * np.arange(len(column_words))
    # A column is a group of its word like others, and its only one: all are put in the order of the words.
    order = np.argsort(np.concatenate([words, column_words]), kind="stable")
    of_columns = [np.zeros_like(column_words), np.full_like(column_words, COLUMN), column_starts]
    of_cells = [counts, cells.kinds[there].astype(np.int64), cells.places[there]]
    found = [np.concatenate(pair)[order] for pair in zip(of_cells, of_columns, strict=True)]
    groups = np.bincount(np.concatenate([words, column_words]), minlength=len(is_column))
    all_lengths = np.concatenate([lengths[there], np.full(len(column_words), n)])[order]
    n_gaps, n_rows = (int(lengths[of_stream].sum()) for of_stream in (is_gaps, ~is_gaps))
    columns = np.full(len(is_column), -1)
    columns[column_words] = column_starts
    return Lists(
        n,
        np.concatenate([np.zeros(1, np.int64), np.cumsum(groups)]),
        found[0].astype(np.uint16),
        found[1].astype(np.uint8),
        found[2],
        all_lengths,
        np.zeros(n_gaps, np.uint8),
        np.empty(n_rows, np.uint16),
        np.zeros(n * len(column_words), np.float32),
    ), columns


def _norms(squares: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return lengths in a byte, rounded up, and the steps, of squares by the first tier they are in."""
    lengths = np.sqrt(np.cumsum(squares, axis=0))
    # A little more than what is right, so that no rounding makes a bound too low.
    steps = (lengths.max(axis=1) * (1 + 1e-6) / SKIP).astype(np.float32)
    codes = np.ceil(lengths / np.where(steps > 0, steps, 1)[:, None].astype(np.float64))
    return np.minimum(codes, SKIP).astype(np.uint8), steps


@kernel()
def _count(bags: Bags, frequency: Numbers, largest: Numbers, tops: NDArray[np.float32]) -> None:
    """Count the rows of each word, and find its largest count and value."""
    for i in range(len(bags.words)):
        word = bags.words[i]
        frequency[word] += 1
        largest[word] = max(largest[word], np.int64(bags.counts[i]))
        tops[word] = max(tops[word], bags.values[i])


@kernel()
def _measure(first: int, bags: Bags, cells: _Cells) -> None:
    """Count the rows of each cell, and the bytes of their distances."""
    i = 0
    for row in range(first, first + len(bags.lengths)):
        for _ in range(bags.lengths[row - first]):
            word = bags.words[i]
            if cells.first[word + 1] > cells.first[word]:
                cell = cells.first[word] + np.int64(bags.counts[i]) - 1
                cells.n[cell] += 1
                cells.gaps[cell] += 1 + (row - cells.last[cell] - 1) // SKIP
                cells.last[cell] = row
            i += 1


@kernel()
def _fill(first: int, bags: Bags, cells: _Cells, lists: Lists, columns: Numbers) -> None:
    """Store the postings of some rows."""
    i = 0
    for row in range(first, first + len(bags.lengths)):
        for _ in range(bags.lengths[row - first]):
            word = bags.words[i]
            if columns[word] >= 0:
                lists.columns[columns[word] + row] = bags.values[i]
            else:
                cell = cells.first[word] + np.int64(bags.counts[i]) - 1
                if cells.kinds[cell] == ROWS:
                    lists.rows[cells.places[cell]] = row
                else:
                    gap = row - cells.last[cell]
                    skips = (gap - 1) // SKIP  # their bytes are 0 already
                    cells.places[cell] += skips
                    lists.gaps[cells.places[cell]] = gap - skips * SKIP
                    cells.last[cell] = row
                cells.places[cell] += 1
            i += 1


@kernel()
def _add_squares(first: int, bags: Bags, tiers: Numbers, squares: NDArray[np.float64]) -> None:
    """Add the square of each value to its row, at the first tier that the word is in."""
    i = 0
    for row in range(first, first + len(bags.lengths)):
        for _ in range(bags.lengths[row - first]):
            squares[tiers[bags.words[i]], row] += np.float64(bags.values[i]) ** 2
            i += 1
