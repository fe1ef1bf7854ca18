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
    part = 0
    for i in range(len(words)):
        while words[i] >= rows.ends[part]:
            part += 1
        if tiers[i] < low or tiers[i] > high:
            continue
        for group in range(lists.word_groups[words[i]], lists.word_groups[words[i] + 1]):
            start = lists.starts[group]
            end = start + lists.lengths[group]
            if lists.kinds[group] == COLUMN:
                add_column(values[i], lists.columns[start : start + lists.n], sums[-2])
                continue
            # One number for the whole group: a row's own scale comes when all words are summed.
            count = min(int(lists.counts[group]), len(rows.levels) - 1)
            value = np.float32(values[i] * rows.levels[count] * rows.word_scales[words[i]])
            if lists.kinds[group] == ROWS:
                add_constant_rows(value, lists.rows[start:end], sums[part])
            else:
                add_constant_gaps(
                    value, lists.gaps[start:end], lists.kinds[group] == NEAR, lists.n, sums[part]
                )


@kernel()
def total(rows: Rows, n: int, sums: Values) -> None:
    """Fill in the sums in all: those of columns, and those of parts times the scales of the rows."""
    totals, columns = sums[-1], sums[-2]
    for part in range(len(rows.ends)):
        own, x, share = sums[part], rows.scales[part], rows.shares[part]
        before = columns if part == 0 else totals
        for row in range(n):
            totals[row] = before[row] + own[row] * (np.float32(x[row]) * share)
