"""The selection: the best k of many scores, without sorting them all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel
from ..ranker import Ids, Ranking, order


class Selection:
    """Keep the best ``k`` of the rows that are offered, by the rule of ``retrieval.ranker.order``.

    Parameters
    ----------
    k : how many to keep, at least 0.
    among : bool, by id: only ids that it holds True are taken; None takes all.
    """

    def __init__(self, k: int, among: NDArray[np.bool_] | None = None) -> None:
        self._scores = np.empty(max(k, 0), dtype=np.float32)
        self._ids = np.empty(max(k, 0), dtype=np.int64)
        self._taken = 0
        self._is_filtered = among is not None
        self._among = np.zeros(0, dtype=bool) if among is None else np.array(among, dtype=bool)

    def offer(self, ids: Ids, scores: NDArray[np.float32]) -> None:
        """Offer rows: ids int64 (n,), of which negative ones are passed over; scores float32 (≥ n,)."""
        if len(self._ids):
            self._taken = _keep_best(
                ids, scores, self._among, self._is_filtered, self._ids, self._scores, self._taken
            )

    def ranking(self) -> Ranking:
        """Return the rows that were kept, best first."""
        return order(self._ids[: self._taken], self._scores[: self._taken], self._taken)


@kernel()
def _is_worse(score: np.float32, id: int, other: np.float32, other_id: int) -> bool:
    return bool(score < other or (score == other and id > other_id))


@kernel()
def _sift_up(ids: Ids, scores: NDArray[np.float32], node: int) -> None:
    """Let the last row of the heap rise; the worst row stands at the root."""
    while node > 0:
        parent = (node - 1) // 2
        if not _is_worse(scores[node], ids[node], scores[parent], ids[parent]):
            return
        scores[node], scores[parent] = scores[parent], scores[node]
        ids[node], ids[parent] = ids[parent], ids[node]
        node = parent


@kernel()
def _sift_down(ids: Ids, scores: NDArray[np.float32], n: int) -> None:
    """Let the root of a heap of n rows sink."""
    node = 0
    while True:
        worst = node
        for child in (2 * node + 1, 2 * node + 2):
            if child < n and _is_worse(scores[child], ids[child], scores[worst], ids[worst]):
                worst = child
        if worst == node:
            return
        scores[node], scores[worst] = scores[worst], scores[node]
        ids[node], ids[worst] = ids[worst], ids[node]
        node = worst


@kernel()
def _keep_best(
    ids: Ids,
    scores: NDArray[np.float32],
    among: NDArray[np.bool_],
    is_filtered: bool,
    best_ids: Ids,
    best_scores: NDArray[np.float32],
    taken: int,
) -> int:
    """Pass the rows through a heap of the best so far; return how many it holds."""
    k = len(best_ids)
    for row in range(len(ids)):
        score, id = scores[row], ids[row]
        if taken == k and not score >= best_scores[0]:
            continue
        if id < 0 or (is_filtered and (id >= len(among) or not among[id])):
            continue
        if taken < k:
            best_scores[taken], best_ids[taken] = score, id
            taken += 1
            _sift_up(best_ids, best_scores, taken - 1)
        elif _is_worse(best_scores[0], best_ids[0], score, id):
            best_scores[0], best_ids[0] = score, id
            _sift_down(best_ids, best_scores, k)
    return taken
