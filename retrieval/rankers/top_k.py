"""The selection: the best k of many scores, without sorting them all."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernel import is_worth_loading, kernel
from ..ranker import Ids, Ranking, order

_CALLS = 100_000
"""Simple operations in the time that numpy takes to sort a few rows."""


class Heap(NamedTuple):
    """The best rows so far as a binary heap, the worst at the root: ids int64 (k,), scores float32 (k,)."""

    ids: Ids
    scores: NDArray[np.float32]


class Selection:
    """Keep the best ``k`` of the rows that are offered, by the rule of ``retrieval.ranker.order``.

    The same rows are kept in whichever order they are offered, and threads may offer at once.

    Parameters
    ----------
    k : how many to keep, at least 0.
    among : bool, by id: only ids that it holds True are taken; None takes all.
    """

    def __init__(self, k: int, among: NDArray[np.bool_] | None = None) -> None:
        self._heap = Heap(np.empty(max(k, 0), dtype=np.int64), np.empty(max(k, 0), dtype=np.float32))
        self._taken, self._floor, self._lock = 0, -np.inf, threading.Lock()
        self._is_filtered = among is not None
        self._among = np.zeros(0, dtype=bool) if among is None else np.array(among, dtype=bool)

    def offer(self, ids: Ids, scores: NDArray[np.float32]) -> None:
        """Offer rows: ids int64 (n,), of which negative ones are passed over; scores float32 (≥ n,)."""
        if not len(self._heap.ids):
            return
        is_compiled = is_worth_loading(_CALLS + len(ids)) or np.isnan(scores[: len(ids)]).any()
        with self._lock:
            if is_compiled:
                self._taken = _keep_best(ids, scores, self._among, self._is_filtered, self._heap, self._taken)
            else:
                self._keep_best_in_numpy(ids, scores[: len(ids)])
            # Written down: while a row sinks, the root of the heap holds a score above the least.
            if self._taken == len(self._heap.ids):
                self._floor = float(self._heap.scores[0])

    def _keep_best_in_numpy(self, ids: Ids, scores: NDArray[np.float32]) -> None:
        """Do what ``_keep_best`` does, by sorting; rows from the worst to the best are a heap as well."""
        taken = self.allows(ids)
        heap, n = self._heap, self._taken
        k = len(heap.ids)
        if len(ids) > k:  # the others are left out before anything of them is copied
            taken &= scores >= np.partition(np.where(taken, scores, -np.inf), -k)[-k]
        best = order(
            np.concatenate([heap.ids[:n], ids[taken]]),
            np.concatenate([heap.scores[:n], scores[taken]]),
            k,
        )
        self._taken = len(best.ids)
        heap.ids[: self._taken], heap.scores[: self._taken] = best.ids[::-1], best.scores[::-1]

    @property
    def floor(self) -> float:
        """The score of the worst row that is kept, below which none is taken; −∞ if there is room."""
        return self._floor

    @property
    def is_filtered(self) -> bool:
        """Whether only some ids may be taken."""
        return self._is_filtered

    @property
    def least(self) -> float:
        """The floor, for scans that also serve a ``JointSelection``."""
        return self._floor

    def added(self, ids: Ids) -> NDArray[np.float32]:
        """Return what bounds are raised by, float32 (n,): −∞ for ids that are left out; empty without any."""
        if not self._is_filtered:
            return np.empty(0, np.float32)
        return np.where(self.allows(ids), np.float32(0), np.float32(-np.inf))

    def allows(self, ids: Ids) -> NDArray[np.bool_]:
        """Return which ids may be taken, bool (n,)."""
        if self._is_filtered and is_worth_loading(len(ids)):
            return _allowed(ids, self._among)
        taken = np.asarray(ids >= 0)
        if self._is_filtered:
            taken &= ids < len(self._among)
            taken[taken] = self._among[ids[taken]]
        return taken

    def ranking(self) -> Ranking:
        """Return the rows that were kept, best first."""
        return order(self._heap.ids[: self._taken], self._heap.scores[: self._taken], self._taken)


@kernel()
def _allowed(ids: Ids, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which ids are there, and are let through."""
    taken = np.zeros(len(ids), np.bool_)
    for row in range(len(ids)):
        taken[row] = 0 <= ids[row] < len(among) and among[ids[row]]
    return taken


@kernel()
def _is_worse(score: np.float32, id: int, other: np.float32, other_id: int) -> bool:
    """Whether a row comes after another: a lower score, or the same and a higher id."""
    return bool(score < other or (score == other and id > other_id))


@kernel()
def _swap(heap: Heap, one: int, other: int) -> None:
    """Exchange two rows of the heap."""
    heap.scores[one], heap.scores[other] = heap.scores[other], heap.scores[one]
    heap.ids[one], heap.ids[other] = heap.ids[other], heap.ids[one]


@kernel()
def _sift_up(heap: Heap, node: int) -> None:
    """Let the last row of the heap rise."""
    ids, scores = heap.ids, heap.scores
    while node > 0:
        parent = (node - 1) // 2
        if not _is_worse(scores[node], ids[node], scores[parent], ids[parent]):
            return
        _swap(heap, node, parent)
        node = parent


@kernel()
def _sift_down(heap: Heap) -> None:
    """Let the root of a full heap sink."""
    ids, scores = heap.ids, heap.scores
    node = 0
    while True:
        worst = node
        for child in (2 * node + 1, 2 * node + 2):
            if child < len(ids) and _is_worse(scores[child], ids[child], scores[worst], ids[worst]):
                worst = child
        if worst == node:
            return
        _swap(heap, node, worst)
        node = worst


@kernel()
def _keep_best(
    ids: Ids,
    scores: NDArray[np.float32],
    among: NDArray[np.bool_],
    is_filtered: bool,
    heap: Heap,
    taken: int,
) -> int:
    """Pass the rows through a heap of the best so far; return how many it holds."""
    # O(n + m log k) for the m rows that enter the heap, few of many in random order; and no array of all ids
    # and scores is made, as sorting would.
    k = len(heap.ids)
    for row in range(len(ids)):
        score, id = scores[row], ids[row]
        # Most rows stop here, at one comparison. "Not at least" refuses NaN too; a tie goes on, to the ids.
        if taken == k and not score >= heap.scores[0]:
            continue
        if id < 0 or (is_filtered and (id >= len(among) or not among[id])):
            continue
        if taken < k:
            heap.scores[taken], heap.ids[taken] = score, id
            taken += 1
            _sift_up(heap, taken - 1)
        elif _is_worse(heap.scores[0], heap.ids[0], score, id):
            heap.scores[0], heap.ids[0] = score, id
            _sift_down(heap)
    return taken
