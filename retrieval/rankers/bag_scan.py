"""The scan of a query over blocks of bags, one at a time: what may be among the best is offered."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids
from ..representation import SparseVector
from .joint_selection import JointSelection
from .packed.block import PackedPostings
from .packed.pruning import PackedPruning
from .postings import BLOCK, Postings
from .pruning import FILTERED, SMALLEST, Pruning
from .top_k import Selection

Block = Postings | PackedPostings


class BagScan:
    """Offer the rows of blocks to a selection, which other scans of the same query may share.

    Parameters
    ----------
    query : whose words rise, each with a value that is not 0.
    k : how many are wanted.
    """

    def __init__(self, query: SparseVector, k: int, selection: Selection | JointSelection) -> None:
        self._words, self._values, self._k, self._selection = query.indices, query.values, k, selection
        self._scores = np.empty(BLOCK, dtype=np.float32)  # one buffer for all blocks: it stays in the cache
        self._pruning = Pruning(query.indices, query.values)
        self._packed = PackedPruning(query.indices, query.values, query.size, k)

    def offer(self, ids: Ids, block: Block) -> None:
        """Offer the rows of a block that may be among the best."""
        left: Ids | None = ids
        if not isinstance(block, PackedPostings):
            left = None if self._offer_best(ids, block) else ids
        elif self._is_pruned(block):
            left = self._packed.offer_best(ids, block, self._selection)
        if left is not None:
            self._scores[: len(ids)] = 0
            block.add_scores(self._words, self._values, self._scores)
            self._selection.offer(left, self._scores)

    def _is_pruned(self, block: PackedPostings) -> bool:
        """Tell whether pruning a block saves more time than sorting the words and loading numba take."""
        return block.n >= SMALLEST and "numba" in sys.modules and 16 * self._k <= block.n

    def _offer_best(self, ids: Ids, block: Postings) -> bool:
        """Offer the rows of a block that may be among the best; return False if all are to be offered."""
        # Small blocks are not worth it, nor is loading numba for them.
        if block.n < SMALLEST or "numba" not in sys.modules:
            return False
        selection = self._selection
        taken = selection.allows(ids)
        n, rows = np.count_nonzero(taken), None
        if n <= FILTERED:
            rows = np.flatnonzero(taken)
        # Before the k-th best is known to be above 0, nothing can be left out.
        elif block.tops is not None and selection.floor > 0:
            allowed = None if n == len(taken) else taken
            rows = self._pruning.candidates(block, selection.floor, self._scores, allowed)
        if rows is None:
            return False
        if len(rows):
            selection.offer(ids[rows], self._pruning.score(block, rows))
        return True


class Reached:
    """Keep the rows whose score is at least so much; threads may offer at once.

    ``among`` is bool, by id: only ids that it holds True are kept; None: all.
    """

    def __init__(self, least: np.float32, among: NDArray[np.bool_] | None) -> None:
        self._least, self._allowed = least, Selection(0, among)
        self._parts: list[tuple[Ids, NDArray[np.float32]]] = []

    def offer(self, ids: Ids, scores: NDArray[np.float32]) -> None:
        """Offer rows; negative ids are passed over."""
        rows = np.flatnonzero(scores >= self._least)
        rows = rows[self._allowed.allows(ids[rows])]
        self._parts.append((ids[rows], scores[rows]))

    def joined(self) -> tuple[Ids, NDArray[np.float32]]:
        """Return ids and scores of what was kept."""
        return (
            np.concatenate([np.empty(0, np.int64), *(ids for ids, _ in self._parts)]),
            np.concatenate([np.empty(0, np.float32), *(scores for _, scores in self._parts)]),
        )


class ScoreScan:
    """Offer all rows of blocks, with their scores."""

    def __init__(self, query: SparseVector, reached: Reached) -> None:
        self._query, self._reached = query, reached
        self._scores = np.empty(BLOCK, dtype=np.float32)

    def offer(self, ids: Ids, block: Block) -> None:
        """Score the rows of a block."""
        self._scores[: len(ids)] = 0
        block.add_scores(self._query.indices, self._query.values, self._scores)
        self._reached.offer(ids, self._scores[: len(ids)])
