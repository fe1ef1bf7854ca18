"""The pruned search in packed blocks: rows that cannot be among the best are never scored in full.

Words that many rows hold weigh little, and are most of the postings. The rare words of a query are summed
first; what the others can add to a row is bounded by the lengths of the two vectors at these words
(Cauchy-Schwarz), of which each row keeps some, and by the largest values of the words (MaxScore: Turtle and
Flood, IPM 1995). Less rare words follow while that is less work than to score what is left from the forward
store, by all words in their order: so every score, and the answer, is that of the exhaustive search, to the
last bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernel import kernel
from ...ranker import Ids
from ..postings import BLOCK
from ..top_k import Selection
from .block import PackedPostings
from .factors import Values, Words
from .forward import Rows
from .invert import SHARES
from .lists import Lists
from .tier_sums import add_tier, sum_tiers, total

_BYTE = 3.0
"""Work to read a byte of the forward store, to that of a posting of a list."""

_COLUMN = 0.2
"""Work for a row of a column, to that of a posting of a list."""

_SEEDS = 32
"""Rows of the first block, or twice as many as are wanted, whose scores say what the best must reach."""

_FIRST_TIER = 2
"""The tier that is left out at first, of the second block; of the first all words are summed."""


_NO_ROWS = np.empty(0, dtype=np.bool_)


class _Query(NamedTuple):
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


class PackedPruning:
    """Find the best of one packed block after the other.

    Parameters
    ----------
    words, values : of the query, uint32 and float32 (m,), the words rising.
    size : how many words there are.
    k : how many are wanted.
    """

    def __init__(self, words: Words, values: Values, size: int, k: int) -> None:
        self.words, self.values, self.k = words, values, k
        self._query = np.zeros(size, np.float32)
        self._query[words] = values
        self._length = float(np.linalg.norm(values.astype(np.float64)))
        self._tier = _FIRST_TIER
        self._sums = np.empty((0, BLOCK), np.float32)

    def offer_best(self, ids: Ids, block: PackedPostings, selection: Selection) -> bool:
        """Offer the rows that may be among the best; return False if all are to be offered."""
        taken = selection.allows(ids) if selection.is_filtered else None
        starts = block.rows.starts
        row_work = _BYTE * max(1.0, int(starts[-1] - starts[0]) / block.n)
        query = self._in_block(block)
        # A filter that leaves few rows: to score these is less work than to look for the best.
        n_taken = block.n if taken is None else int(np.count_nonzero(taken))
        if taken is not None and n_taken * row_work <= query.work[self._tier :].sum():
            rows = np.flatnonzero(taken)
        else:
            is_first = not selection.floor > 0
            floor = self._seeded(ids, block, query, taken) if is_first else selection.floor
            # Nothing can be left out while rows that share no word with the query may be among the best.
            if not floor > 0:
                return False
            if is_first:
                rows = np.flatnonzero(self._sums[-1, : block.n] >= self._least(block, floor))
                rows = rows if taken is None else rows[taken[rows]]
            else:
                rows = self._find(block, query, taken, floor, row_work)
            if len(rows) * row_work > 4 * query.work.sum() + _SEEDS * row_work:
                return False
        rows = rows[ids[rows] >= 0]
        if len(rows):
            selection.offer(ids[rows], block.score(self._query, rows))
        return True

    def _in_block(self, block: PackedPostings) -> _Query:
        """Prepare the query for a block."""
        n, bounds, n_tiers = block.n, block.bounds, len(SHARES)
        frequency = bounds.frequency[self.words].astype(np.float64)
        tiers = (frequency[:, None] <= SHARES * n).sum(axis=1)
        work = np.where(3 * frequency > 2 * n, _COLUMN * n, frequency)
        values = np.abs(self.values.astype(np.float64))
        by_tier = [
            np.bincount(tiers, weights, n_tiers + 1)[:n_tiers]
            for weights in (values**2, values * bounds.tops[self.words], work)
        ]
        # Rounded up: each of these is a sum of few numbers.
        reach = np.sqrt(np.cumsum(by_tier[0])) * bounds.steps.astype(np.float64) * (1 + 1e-6)
        tops = np.cumsum(by_tier[1]).astype(np.float64) * (1 + 1e-6)
        return _Query(self.words, self.values, tiers, reach, tops, by_tier[2].astype(np.float64))

    def _room(self, block: PackedPostings) -> NDArray[np.float32]:
        """Return sums for each part, for columns, and in all, float32 (n_parts + 2, 65,536)."""
        n_parts = len(block.rows.ends)
        if len(self._sums) != n_parts + 2:
            self._sums = np.empty((n_parts + 2, BLOCK), np.float32)
        return self._sums

    def _seeded(
        self, ids: Ids, block: PackedPostings, query: _Query, taken: NDArray[np.bool_] | None
    ) -> float:
        """Sum all words, and return the k-th best score of the rows of the best sums; −∞ if they are few."""
        may = ids >= 0 if taken is None else taken
        wanted = max(_SEEDS, 2 * self.k)
        if np.count_nonzero(may) < wanted:
            return -np.inf
        self._check(block, query, -1)
        sums = self._room(block)
        sum_tiers(block.lists, block.rows, *query[:3], -1, sums)
        seeds = Selection(wanted)
        seeds.offer(np.where(may, np.arange(block.n), -1), sums[-1])
        scores = block.score(self._query, np.sort(seeds.ranking().ids))
        return float(np.partition(scores, wanted - self.k)[wanted - self.k])

    def _find(
        self,
        block: PackedPostings,
        query: _Query,
        taken: NDArray[np.bool_] | None,
        floor: float,
        row_work: float,
    ) -> NDArray[np.int64]:
        """Return the rows whose score may be at least ``floor``, rising."""
        self._check(block, query, -1)
        rows, tier, is_easy = _find(
            block.lists,
            block.rows,
            block.bounds.norms,
            query,
            _NO_ROWS if taken is None else taken,
            self._least(block, floor),
            self._tier,
            row_work,
            self._room(block),
        )
        self._tier = min(len(SHARES) - 2, tier + 1) if is_easy else max(tier, 0)
        return rows

    def _least(self, block: PackedPostings, floor: float) -> np.float32:
        """Return the least sum of a row whose score is at least ``floor``."""
        # Sums of m terms in any two orders, and in float32, differ by less than this (Higham 2002, 4.2).
        longest = 255 * float(block.bounds.steps[-1])
        slack = (len(self.words) + 8) * 2.0**-22 * self._length * longest
        return np.float32(np.nextafter(np.float32(floor - slack), np.float32(-np.inf)))

    def _check(self, block: PackedPostings, query: _Query, tier: int) -> None:
        """Check what is read of the words that are in no tier up to one. IndexFolderError if damaged."""
        block.check("scales")
        block.check("norms")
        block.check_words(query.words[query.tiers > tier])


@kernel()
def _find(
    lists: Lists,
    rows: Rows,
    norms: NDArray[np.uint8],
    query: _Query,
    taken: NDArray[np.bool_],
    least: np.float32,
    tier: int,
    row_work: float,
    sums: Values,
) -> tuple[NDArray[np.int64], int, bool]:
    """Return the rows that may reach a score, the last tier left out, and whether more could have been."""
    first = tier
    sum_tiers(lists, rows, query.words, query.values, query.tiers, tier, sums)
    while True:
        while tier >= 0 and query.work[tier] == 0:
            tier -= 1
        n = _count(sums[-1], norms, query, tier, least, lists.n)
        if tier < 0 or n * row_work <= query.work[tier]:
            break
        add_tier(lists, rows, query.words, query.values, query.tiers, tier, tier, sums)
        total(rows, lists.n, sums)
        tier -= 1
    # One tier more would find several times as many rows.
    is_easy = tier == first and 4 * n * row_work <= query.work[tier + 1]
    found = np.empty(n, np.int64)
    n = 0
    for row in range(lists.n):
        is_open = n < len(found) and (len(taken) == 0 or taken[row])
        if is_open and _bounded(sums[-1, row], norms, query, tier, row) >= least:
            found[n] = row
            n += 1
    return found[:n], tier, is_easy


@kernel()
def _bounded(total: np.float32, norms: NDArray[np.uint8], query: _Query, tier: int, row: int) -> np.float32:
    """Return what the score of a row is at most, given the sum of the words in no tier up to one."""
    if tier < 0:
        return total
    more = min(np.float32(query.reach[tier]) * np.float32(norms[tier, row]), np.float32(query.tops[tier]))
    return total + more


@kernel()
def _count(
    totals: Values, norms: NDArray[np.uint8], query: _Query, tier: int, least: np.float32, n: int
) -> int:
    """Return how many rows may reach a score."""
    found = 0
    if tier < 0:
        for row in range(n):
            found += totals[row] >= least
        return found
    reach, tops, own = np.float32(query.reach[tier]), np.float32(query.tops[tier]), norms[tier]
    for row in range(n):
        found += totals[row] + min(reach * np.float32(own[row]), tops) >= least
    return found
