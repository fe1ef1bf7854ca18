"""Pruned search in a block of postings: rows that cannot be among the best are never scored.

Words that many rows hold weigh little, and are most of the postings. They are left out first, as long as all
that they could add stays small (MaxScore: Turtle and Flood, IPM 1995). The other words are summed, and only
rows that could still reach the best k are scored in full, by all words in their order: so every score, and
the answer, is that of the exhaustive search, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel
from .posting_lists import PostingLists, add_scores
from .postings import Postings

SMALLEST = 4096
"""Rows of a block from which on sorting the words saves time."""

_FIRST, _MOST = 0.15, 0.5
"""Share of the k-th best score that the left-out words may add: at first, and at most."""

_MANY, _FEW = 128, 24
"""Rows of a block that are looked at again: above, the next leaves fewer words out; below, more."""

_LIMIT = 4096
"""Rows that are looked at again: more cost as much as to read all postings."""

FILTERED = 64
"""Rows of a block that a filter may leave so that each is scored by itself."""

_COLUMN = 0.2
"""Cost of a row of a column, which is read in order, to that of a posting of a list, which is not."""

Words = NDArray[np.uint32]
Values = NDArray[np.float32]


@dataclass
class Pruning:
    """Find the rows of one block after the other that can be among the best of a query.

    Parameters
    ----------
    words, values : of the query, uint32 and float32 (m,), the words rising.
    share : see ``_FIRST``; it follows what it led to.
    """

    words: Words
    values: Values
    share: float = _FIRST

    def candidates(
        self, block: Postings, floor: float, scores: Values, taken: NDArray[np.bool_] | None
    ) -> NDArray[np.int64] | None:
        """Return the rows whose score may be at least ``floor``, int64, rising; None if they are too many.

        ``taken`` is bool (n,): the only rows that may be found. ``scores`` float32 (65,536,) is overwritten.
        """
        assert block.tops is not None
        bounds = np.abs(self.values.astype(np.float64)) * block.tops[self.words].astype(np.float64)
        essential, rest = self._split(bounds, block, floor)
        words, values = self.words[essential], self.values[essential]
        block.check_words(words)
        # float32 sums of m terms in any two orders differ by less than this (Higham 2002, section 4.2).
        slack = len(bounds) * 2.0**-22 * float(bounds.sum())
        least = np.float32(np.nextafter(floor - slack, -np.inf))
        scores[: block.n] = 0
        add_scores(block.lists, words, values, scores)
        found = np.flatnonzero(scores[: block.n] >= least - np.float32(rest))
        if taken is not None:
            found = found[taken[found]]
        self.share = self.share / 1.5 if len(found) > _MANY else self.share
        self.share = min(_MOST, self.share * 1.2) if len(found) < _FEW else self.share
        if len(found) > _LIMIT:
            return None
        # What the other words add to these few: now their sums are right but for the order of the words.
        others = Pruning(self.words[~essential], self.values[~essential])
        return found[scores[found] + others.score(block, found) >= least]

    def _split(
        self, bounds: NDArray[np.float64], block: Postings, floor: float
    ) -> tuple[NDArray[np.bool_], float]:
        """Return which words are summed, bool (m,), and what the others add at most."""
        counts = block.offsets[self.words + 1] - block.offsets[self.words]
        costs = np.where(counts == block.n, _COLUMN * block.n, counts)
        # The least that a posting can add goes first.
        order = np.argsort(bounds / np.maximum(costs, 1), kind="stable")
        sums = np.cumsum(bounds[order])
        n = int(np.searchsorted(sums, self.share * max(floor, 0.0), side="right"))
        essential = np.ones(len(bounds), dtype=bool)
        essential[order[:n]] = False
        return essential, float(sums[n - 1]) if n else 0.0

    def score(self, block: Postings, rows: NDArray[np.int64]) -> Values:
        """Return the scores of some rows, rising, float32 (n_rows,), to the bit what ``add_scores`` sums."""
        block.check_lists(self.words)
        where = find_places(block.lists, self.words, rows.astype(np.uint16))
        there = where[where >= 0]
        block.weight_check.ranges(there, there + 1)
        return sum_places(block.weights, self.values, where)


@kernel()
def find_places(block: PostingLists, words: Words, rows: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return where the weight of each word is for each row, int64 (m, n_rows), −1 if the row lacks it."""
    where = np.full((len(words), len(rows)), -1, dtype=np.int64)
    for i in range(len(words)):
        word = words[i]
        first = block.offsets[word]
        if block.offsets[word + 1] - first == block.n:
            for j in range(len(rows)):
                where[i, j] = first + rows[j]
            continue
        listed = block.rows[block.row_offsets[word] : block.row_offsets[word + 1]]
        place = 0
        # Both rise: what is left of the list gets shorter from row to row.
        for j in range(len(rows)):
            place += np.searchsorted(listed[place:], rows[j])
            if place == len(listed):
                break
            if listed[place] == rows[j]:
                where[i, j] = first + place
    return where


@kernel()
def sum_places(
    weights: NDArray[np.float32], values: NDArray[np.float32], where: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return Σ_i values[i] · weights[where[i, j]] for each j, float32, added in the order of the words."""
    scores = np.zeros(where.shape[1], dtype=np.float32)
    for i in range(len(values)):
        for j in range(len(scores)):
            if where[i, j] >= 0:
                scores[j] += values[i] * weights[where[i, j]]
    return scores
