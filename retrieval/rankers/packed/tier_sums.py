"""The sums of a query's words in a block by tiers: of its parts, of columns, and in all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernel import kernel
from .factors import Values, Words
from .forward import Rows
from .lists import COLUMN, NEAR, ROWS, Lists, add_column, add_constant_gaps, add_constant_rows


@kernel()
def sum_tiers(
    lists: Lists,
    rows: Rows,
    words: Words,
    values: Values,
    tiers: NDArray[np.int64],
    tier: int,
    sums: Values,
) -> None:
    """Sum the words that are in no tier up to one."""
    sums[:-1, : lists.n] = 0  # those in all are filled in below
    add_tier(lists, rows, words, values, tiers, tier + 1, len(words) + 64, sums)
    total(rows, lists.n, sums)


@kernel()
def add_tier(
    lists: Lists,
    rows: Rows,
    words: Words,
    values: Values,
    tiers: NDArray[np.int64],
    low: int,
    high: int,
    sums: Values,
) -> None:
    """Add words whose first tier is in a range to the sums of their parts, or of columns."""
    # To count who holds the arrays of a record takes longer than a short list: once, not for each.
    n, word_groups, counts, kinds, starts, lengths, gaps, listed, columns = lists
    levels, word_scales, ends = rows.levels, rows.word_scales, rows.ends
    part = 0
    for i in range(len(words)):
        word, value = words[i], values[i]
        while word >= ends[part]:
            part += 1
        if tiers[i] < low or tiers[i] > high:
            continue
        own = sums[part]
        for group in range(word_groups[word], word_groups[word + 1]):
            start, kind = starts[group], kinds[group]
            end = start + lengths[group]
            if kind == COLUMN:
                add_column(value, columns[start : start + n], sums[-2])
                continue
            # One number for the whole group: a row's own scale comes when all words are summed.
            count = min(int(counts[group]), len(levels) - 1)
            scaled = np.float32(value * levels[count] * word_scales[word])
            if kind == ROWS:
                add_constant_rows(scaled, listed, start, end, own)
            else:
                add_constant_gaps(scaled, gaps, start, end, kind == NEAR, n, own)


@kernel()
def total(rows: Rows, n: int, sums: Values) -> None:
    """Fill in the sums in all: those of columns, and those of parts times the scales of the rows."""
    totals, columns = sums[-1], sums[-2]
    for part in range(len(rows.ends)):
        own, x, share = sums[part], rows.scales[part], rows.shares[part]
        before = columns if part == 0 else totals
        for row in range(n):
            totals[row] = before[row] + own[row] * (np.float32(x[row]) * share)
