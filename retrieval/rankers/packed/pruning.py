"""The pruned search in packed blocks: rows that cannot be among the best are never scored in full.

Words that many rows hold weigh little, and are most of the postings. The rare words of a query are summed
first; what the others can add to a row is bounded by the lengths of the two vectors at these words
(Cauchy-Schwarz), of which each row keeps some, and by the largest values of the words (MaxScore: Turtle and
Flood, IPM 1995). Less rare words follow while that is less work than to score what is left from the forward
store, by all words in their order: so every score, and the answer, is that of the exhaustive search, to the
last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernel import kernel
from ...ranker import Ids
from ..joint_selection import JointSelection
from ..postings import BLOCK
from ..top_k import Selection
from .block import PackedPostings
from .factors import Values, Words
from .forward import Rows
from .invert import SHARES
from .lists import Lists
from .query_bounds import BlockQuery, fill_most, in_block
from .tier_sums import add_tier, sum_tiers, total

_BYTE = 3.0
"""Work to read a byte of the forward store, to that of a posting of a list."""

_SEEDS = 32
"""Rows, or an eighth more than are wanted, whose scores say what the best must reach if nothing else does."""

_FIRST_TIER, _MANY = 2, 32
"""The tier that is left out of the first block at first; none but the first if so many are wanted: their
scores would take longer than the words of the others."""

_PIECE = 256
"""Rows that are looked at together."""

_ROWS = np.arange(BLOCK)
_NO_ROWS = np.empty(0, dtype=np.int64)


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
        self._tier = _FIRST_TIER if k < _MANY else 0
        self._sums = np.empty((0, BLOCK), np.float32)
        self._most = np.empty(BLOCK, np.float32)

    def offer_best(
        self, ids: Ids, block: PackedPostings, selection: Selection | JointSelection
    ) -> Ids | None:
        """Offer the rows that may be among the best; None if that is all, else what is still to be offered.

        These are the ids of the rows, −1 where nothing is.
        """
        added = selection.added(ids)
        starts = block.rows.starts
        row_work = _BYTE * max(1.0, int(starts[-1] - starts[0]) / block.n)
        bounds = block.bounds
        query = in_block(
            self.words, self.values, block.n, bounds.frequency, bounds.tops, bounds.steps, SHARES
        )
        # A filter that leaves few rows: to score these is less work than to look for the best.
        is_taken = added > -np.inf
        if len(added) and np.count_nonzero(is_taken) * row_work <= query.work[self._tier :].sum():
            self._offer(ids, block, np.flatnonzero(is_taken), selection)
            return None
        self._begin(block, query, added)
        seeds = _NO_ROWS
        if not selection.least > 0:
            seeds = self._seeds(ids, is_taken)
            self._offer(ids, block, seeds, selection)
        # Nothing can be left out while rows that share no word with the query may be among the best.
        if selection.least > 0:
            rows = self._find(block, query, added, self._least(block, selection), row_work)
            if len(rows) * row_work <= 4 * query.work.sum() + _SEEDS * row_work:
                self._offer(ids, block, np.setdiff1d(rows, seeds, assume_unique=True), selection)
                return None
        left = ids.copy()
        left[seeds] = -1
        return left

    def _offer(
        self,
        ids: Ids,
        block: PackedPostings,
        rows: NDArray[np.int64],
        selection: Selection | JointSelection,
    ) -> None:
        """Offer some rows, with their scores by all words."""
        rows = rows[ids[rows] >= 0]
        if len(rows):
            selection.offer(ids[rows], block.score(self._query, rows))

    def _begin(self, block: PackedPostings, query: BlockQuery, added: Values) -> None:
        """Sum the words that are in no tier up to the present one, and bound what the rows score."""
        block.check("scales")
        block.check("norms")
        block.check_words(query.words)
        # Sums for each part, for columns, and in all.
        n_parts = len(block.rows.ends)
        if len(self._sums) != n_parts + 2:
            self._sums = np.empty((n_parts + 2, BLOCK), np.float32)
        _begin(block.lists, block.rows, block.bounds.norms, query, added, self._tier, self._sums, self._most)

    def _seeds(self, ids: Ids, is_taken: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the rows that may score most, rising; none if there are few."""
        may = is_taken if len(is_taken) else ids >= 0
        wanted = max(_SEEDS, self.k + self.k // 8)
        if np.count_nonzero(may) < wanted:
            return _NO_ROWS
        seeds = Selection(wanted)
        seeds.offer(np.where(may, _ROWS[: len(ids)], -1), self._most)
        return np.sort(seeds.ranking().ids)

    def _find(
        self,
        block: PackedPostings,
        query: BlockQuery,
        added: Values,
        least: np.float32,
        row_work: float,
    ) -> NDArray[np.int64]:
        """Return the rows whose sum may be at least so much, rising."""
        rows, tier, is_easy = _find(
            block.lists,
            block.rows,
            block.bounds.norms,
            query,
            added,
            least,
            self._tier,
            row_work,
            self._sums,
            self._most,
        )
        self._tier = min(len(SHARES) - 2, tier + 1) if is_easy else max(tier, 0)
        return rows

    def _least(self, block: PackedPostings, selection: Selection | JointSelection) -> np.float32:
        """Return the least sum of a row that may be among the best."""
        # Sums of m terms in any two orders, and in float32, differ by less than this (Higham 2002, 4.2).
        longest = 255 * float(block.bounds.steps[-1])
        slack = (len(self.words) + 8) * 2.0**-22 * self._length * longest
        return np.float32(np.nextafter(np.float32(selection.least - slack), np.float32(-np.inf)))


@kernel()
def _begin(
    lists: Lists,
    rows: Rows,
    norms: NDArray[np.uint8],
    query: BlockQuery,
    added: Values,
    tier: int,
    sums: Values,
    most: Values,
) -> None:
    """Sum the words that are in no tier up to one, and fill in what the rows score at most."""
    sum_tiers(lists, rows, query.words, query.values, query.tiers, tier, sums)
    fill_most(norms, query, tier, added, sums[-1], most[: lists.n])


@kernel()
def _find(
    lists: Lists,
    rows: Rows,
    norms: NDArray[np.uint8],
    query: BlockQuery,
    added: Values,
    least: np.float32,
    tier: int,
    row_work: float,
    sums: Values,
    most: Values,
) -> tuple[NDArray[np.int64], int, bool]:
    """Return the rows that may reach a score, the last tier left out, and whether more could have been."""
    first, n = tier, _count(most[: lists.n], least)
    while tier >= 0 and n * row_work > query.work[tier]:
        if query.work[tier] > 0:
            add_tier(lists, rows, query.words, query.values, query.tiers, tier, tier, sums)
            total(rows, lists.n, sums)
        tier -= 1
        fill_most(norms, query, tier, added, sums[-1], most[: lists.n])
        n = _count(most[: lists.n], least)
    # One tier more would find several times as many rows.
    is_easy = tier == first and 4 * n * row_work <= query.work[tier + 1]
    return _at_least(most[: lists.n], least, n), tier, is_easy


@kernel()
def _count(most: Values, least: np.float32) -> int:
    """Return how many rows may reach a score."""
    # In 32 bits, as wide as a score, so that the compiler compares many at once.
    found = np.int32(0)
    for row in range(len(most)):
        found += np.int32(1) if most[row] >= least else np.int32(0)
    return int(found)


@kernel()
def _at_least(most: Values, least: np.float32, n: int) -> NDArray[np.int64]:
    """Return the n rows that may reach a score, rising."""
    found, i = np.empty(n, np.int64), 0
    # Most pieces hold none, which a count tells sooner than to look at each row.
    for first in range(0, len(most), _PIECE):
        last = min(len(most), first + _PIECE)
        if _count(most[first:last], least):
            for row in range(first, last):
                if most[row] >= least:
                    found[i] = row
                    i += 1
    return found
