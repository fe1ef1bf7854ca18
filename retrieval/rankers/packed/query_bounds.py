"""What a query can reach in one block: the tiers of its words, and the most that a tier adds to a row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernel import kernel
from .factors import Values, Words

_COLUMN = 0.2
"""Work for a row of a column, to that of a posting of a list."""

_UP = 1 + 1e-6
"""Bounds are rounded up: each is a sum of few numbers in float64."""


class BlockQuery(NamedTuple):
    """A query in one block: words and values (m,), ``tiers`` int64 (m,), the first tier that each is in.

    By tier, float64 (n_tiers,): ``reach`` times ``norms``, and ``tops``, bound what the words of a tier add
    to a row; ``work`` is that of those that are in no tier before.
    """

    words: Words
    values: Values
    tiers: NDArray[np.int64]
    reach: NDArray[np.float64]
    tops: NDArray[np.float64]
    work: NDArray[np.float64]


@kernel()
def in_block(
    words: Words,
    values: Values,
    n: int,
    frequency: NDArray[np.int32],
    largest: NDArray[np.float32],
    steps: NDArray[np.float32],
    shares: NDArray[np.float64],
) -> BlockQuery:
    """Prepare a query for a block of n rows, by its ``Bounds``; ``shares`` are those of the tiers."""
    m, n_tiers = len(words), len(shares)
    tiers = np.zeros(m, np.int64)
    squares, tops, work = np.zeros(n_tiers), np.zeros(n_tiers), np.zeros(n_tiers)
    for i in range(m):
        held, size = frequency[words[i]], abs(np.float64(values[i]))
        tier = 0
        while tier < n_tiers and held <= shares[tier] * n:
            tier += 1
        tiers[i] = tier
        # A word that no row holds is in no tier: it has no postings.
        if tier < n_tiers:
            squares[tier] += size**2
            tops[tier] += size * np.float64(largest[words[i]])
            work[tier] += _COLUMN * n if 3 * np.int64(held) > 2 * n else held
    reach = np.sqrt(np.cumsum(squares)) * steps.astype(np.float64) * _UP
    return BlockQuery(words, values, tiers, reach, np.cumsum(tops) * _UP, work)


@kernel()
def fill_most(
    norms: NDArray[np.uint8],
    query: BlockQuery,
    tier: int,
    added: Values,
    totals: Values,
    most: Values,
) -> None:
    """Fill in what rows score at most, float32 (n,), given sums of all words that are in no tier up to one.

    ``added`` is added to each: −∞ for those that are left out; nothing if it is empty.
    """
    if tier < 0:
        most[:] = totals[: len(most)]
    else:
        reach, tops, own = np.float32(query.reach[tier]), np.float32(query.tops[tier]), norms[tier]
        for row in range(len(most)):
            most[row] = totals[row] + min(reach * np.float32(own[row]), tops)
    for row in range(len(added)):
        most[row] += added[row]
