"""The lists of a block: for each word and count, the rows that have it so often.

So a posting is a row alone: as the distance from the one before in a byte, 0 standing for 255 rows without
a posting, or as a uint16 where distances are long. A word of more than two thirds of the rows is a column,
one float32 for each row, as in ``Postings``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernel import kernel
from .factors import Values, Words, value_of
from .forward import Rows

GAPS, ROWS, COLUMN, NEAR = 0, 1, 2, 3
"""What a group of postings is made of; ``NEAR`` are distances of which none is skipped over."""

STREAMS = {"gaps": (GAPS, NEAR), "rows": (ROWS,), "columns": (COLUMN,)}
"""The kinds that stand in each array."""

SKIP = 255


class Lists(NamedTuple):
    """The lists of a block of n rows.

    Word w has the groups ``word_groups[w]`` to ``word_groups[w + 1]``; group g holds rows that have the word
    ``counts[g]`` times: ``lengths[g]`` entries from ``starts[g]`` on in ``gaps`` uint8, ``rows`` uint16 or
    ``columns`` float32, as ``kinds[g]`` says.
    """

    n: int
    word_groups: NDArray[np.int64]
    counts: NDArray[np.uint16]
    kinds: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    gaps: NDArray[np.uint8]
    rows: NDArray[np.uint16]
    columns: NDArray[np.float32]


def group_rows(lists: Lists, group: int) -> NDArray[np.int64]:
    """Return the rows of a group that is no column, int64, rising."""
    there = slice(lists.starts[group], lists.starts[group] + lists.lengths[group])
    if lists.kinds[group] == ROWS:
        return lists.rows[there].astype(np.int64)
    gaps = lists.gaps[there].astype(np.int64)
    return np.asarray((np.cumsum(np.where(gaps == 0, SKIP, gaps)) - 1)[gaps > 0])


def add_scores_in_numpy(lists: Lists, rows: Rows, words: Words, values: Values, scores: Values) -> None:
    """Do what ``add_scores`` does: the same additions of float32 in the same order, so the same bits."""
    for word, value in zip(words.tolist(), values, strict=True):
        part = int(np.searchsorted(rows.ends, word, side="right"))
        for group in range(lists.word_groups[word], lists.word_groups[word + 1]):
            if lists.kinds[group] == COLUMN:
                start = lists.starts[group]
                scores[: lists.n] += value * lists.columns[start : start + lists.n]
                continue
            found = group_rows(lists, group)
            product = rows.levels[lists.counts[group]] * rows.word_scales[word]
            scores[found] += value * (
                (product * rows.scales[part, found]).astype(np.float32) * rows.shares[part]
            )


@kernel()
def add_scores(lists: Lists, rows: Rows, words: Words, values: Values, scores: Values) -> None:
    """Add the products of a query's ``values`` at its ``words`` to the scores of a block's rows."""
    # Every row is at most once in the groups of a word: so it gets its products in the order of the words.
    part = 0
    for i in range(len(words)):
        word = words[i]
        while word >= rows.ends[part]:
            part += 1
        for group in range(lists.word_groups[word], lists.word_groups[word + 1]):
            start = lists.starts[group]
            if lists.kinds[group] == COLUMN:
                add_column(values[i], lists.columns[start : start + lists.n], scores)
                continue
            count = min(int(lists.counts[group]), len(rows.levels) - 1)
            product = rows.levels[count] * rows.word_scales[word]
            end, share, x = start + lists.lengths[group], rows.shares[part], rows.scales[part]
            if lists.kinds[group] == ROWS:
                _add_rows(values[i], product, share, lists.rows[start:end], x, scores)
            else:
                is_near = lists.kinds[group] == NEAR
                _add_gaps(values[i], product, share, lists.gaps[start:end], is_near, x, scores)


@kernel()
def add_column(value: np.float32, column: Values, scores: Values) -> None:
    """Add a column to the scores of all rows."""
    for row in range(len(column)):
        scores[row] += value * column[row]


@kernel()
def _add_rows(
    value: np.float32,
    product: float,
    share: np.float32,
    rows: NDArray[np.uint16],
    x: NDArray[np.float64],
    scores: Values,
) -> None:
    """Add what a group of rows gets."""
    for row in rows:
        if row < len(x):
            scores[row] += value * value_of(product, x[row], share)


@kernel()
def _add_gaps(
    value: np.float32,
    product: float,
    share: np.float32,
    gaps: NDArray[np.uint8],
    is_near: bool,
    x: NDArray[np.float64],
    scores: Values,
) -> None:
    """Add what a group of rows, given by their distances, gets; four at a time as in ``posting_lists``."""
    # Without a sign: else each index is asked whether it counts from the end, a sixth of the time. The first
    # row is before row 0.
    row, n, fours = ~np.uint64(0), np.uint64(len(x)), len(gaps) // 4 * 4 if is_near else 0
    for j in range(0, fours, 4):
        a = row + np.uint64(gaps[j])
        b = a + np.uint64(gaps[j + 1])
        c = b + np.uint64(gaps[j + 2])
        row = d = c + np.uint64(gaps[j + 3])
        if d >= n:
            return
        at_a = scores[a] + value * value_of(product, x[a], share)
        at_b = scores[b] + value * value_of(product, x[b], share)
        at_c = scores[c] + value * value_of(product, x[c], share)
        at_d = scores[d] + value * value_of(product, x[d], share)
        scores[a], scores[b], scores[c], scores[d] = at_a, at_b, at_c, at_d
    for j in range(fours, len(gaps)):
        gap = gaps[j]
        row += np.uint64(gap) if gap else np.uint64(SKIP)
        if row >= n:
            return
        if gap:
            scores[row] += value * value_of(product, x[row], share)


@kernel()
def add_constant_rows(
    value: np.float32, rows: NDArray[np.uint16], first: int, last: int, sums: Values
) -> None:
    """Add a number to the sums, float32 (65,536,), of the rows from place ``first`` to before ``last``."""
    for i in range(np.uint64(first), np.uint64(last)):
        sums[rows[i]] += value


@kernel()
def add_constant_gaps(
    value: np.float32, gaps: NDArray[np.uint8], first: int, last: int, is_near: bool, n: int, sums: Values
) -> None:
    """Add a number to the sums of some of n rows, whose distances are at the places first to before last."""
    # The array of all lists, and places in it: a view for each list took a sixth of the time.
    i, end, stop = np.uint64(first), np.uint64(last), np.uint64(n)
    row, one, two, three, four = ~np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    if is_near:
        while i + four <= end:
            a = row + np.uint64(gaps[i])
            b = a + np.uint64(gaps[i + one])
            c = b + np.uint64(gaps[i + two])
            d = c + np.uint64(gaps[i + three])
            if d >= stop:
                return
            at_a, at_b, at_c, at_d = sums[a] + value, sums[b] + value, sums[c] + value, sums[d] + value
            sums[a], sums[b], sums[c], sums[d] = at_a, at_b, at_c, at_d
            i, row = i + four, d
    while i < end:
        gap = gaps[i]
        row += np.uint64(gap) if gap else np.uint64(SKIP)
        if row >= stop:
            return
        if gap:
            sums[row] += value
        i += one
