"""The joint selection: the best k by the sum of two scores, one of which has bounds.

What each image scores at most by one of two rankers is found cheaply. So the other is not ranked by itself:
it looks for the best sums at once, and a row whose bounds together are below the k-th best is never scored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel
from ..ranker import Ids, Ranking
from .top_k import Selection

_SEEDS = 16
"""Rows, or twice as many as are wanted, that are scored first: they say what the others must reach."""

_ROUNDING = 2.0**-21
"""More than bounds and sums in float32 are off, relatively."""

Scores = NDArray[np.float32]


class JointSelection:
    """Keep the best ``k`` sums of the rows that are offered with one of their two scores.

    Threads may offer at once.

    Parameters
    ----------
    most : float32 by id, what the other score adds at most, in units of that offered; ids beyond have 0.
    weight : of the score that is offered, in the sum, above 0.
    joined : returns the sums of some ids, float32 (n,), given the scores that are offered.
    among : bool, by id: only ids that it holds True are taken; None takes all.
    """

    def __init__(
        self,
        k: int,
        most: Scores,
        weight: float,
        joined: Callable[[Ids, Scores], Scores],
        among: NDArray[np.bool_] | None = None,
    ) -> None:
        self._best, self._k = Selection(k, among), k
        self._most, self._weight, self._joined = most, weight, joined
        self._largest = float(np.abs(most).max(initial=0))

    @property
    def least(self) -> float:
        """What a score and the most that is added to it must reach together; −∞ while there is room."""
        floor = self._best.floor / self._weight
        return floor - _ROUNDING * (abs(floor) + self._largest + 1) if floor > -np.inf else floor

    @property
    def floor(self) -> float:
        """What a score alone must reach: nothing."""
        return -np.inf

    def allows(self, ids: Ids) -> NDArray[np.bool_]:
        """Return which ids may be taken, bool (n,)."""
        return self._best.allows(ids)

    def added(self, ids: Ids) -> Scores:
        """Return what is added at most to the scores of some ids, float32 (n,); −∞ for those left out."""
        if self._best.is_filtered:
            return np.where(self.allows(ids), _looked_up(ids, self._most), np.float32(-np.inf))
        return _looked_up(ids, self._most)

    def offer(self, ids: Ids, scores: Scores) -> None:
        """Offer rows with their scores: ids int64 (n,), of which negative ones are passed over."""
        own = scores[: len(ids)]
        self.narrow(ids, own + self.added(ids), lambda rows: own[rows])

    def narrow(self, ids: Ids, most: Scores, score: Callable[[NDArray[np.int64]], Scores]) -> None:
        """Offer rows of which it is known what their two scores are at most, together.

        Parameters
        ----------
        most : float32 (n,), in units of the score; −∞ for rows that are left out.
        score : returns the scores of some rows.
        """
        rows = self._left(np.arange(len(ids)), most)
        n_first = max(_SEEDS, 2 * self._k)
        if len(rows) > n_first:
            first = np.argpartition(-most[rows], n_first)[:n_first]
            self._offer(ids, rows[first], score)
            rows = self._left(np.delete(rows, first), most)
        self._offer(ids, rows, score)

    def _left(self, rows: NDArray[np.int64], most: Scores) -> NDArray[np.int64]:
        """Return those of some rows that may be among the best."""
        own = most[rows]
        return rows[(own >= self.least) & (own > -np.inf)]

    def _offer(self, ids: Ids, rows: NDArray[np.int64], score: Callable[[NDArray[np.int64]], Scores]) -> None:
        if len(rows):
            self._best.offer(ids[rows], self._joined(ids[rows], score(rows)))

    def ranking(self) -> Ranking:
        """Return the best, with their sums, best first."""
        return self._best.ranking()


@kernel()
def _looked_up(ids: Ids, most: Scores) -> Scores:
    """Return what is added at most to the scores of ids; −∞ for negative ones."""
    found = np.empty(len(ids), np.float32)
    for row in range(len(ids)):
        id = ids[row]
        found[row] = -np.inf if id < 0 else most[id] if id < len(most) else 0
    return found


@runtime_checkable
class OffersJointly(Protocol):
    """A ranker that looks for the best sums of its scores and others."""

    def offer_to(self, query: Any, k: int, selection: JointSelection) -> None:
        """Offer all rows that may be among the best k of a selection."""
        ...

    def block_ids(self) -> list[Ids]:
        """Return the ids of all rows, some at a time, −1 for those that are gone."""
        ...
