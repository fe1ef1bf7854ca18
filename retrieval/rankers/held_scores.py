"""The scores of a few images: what is ranked twice, or by several rankers, is not looked for again."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids, Ranker


@runtime_checkable
class ScoresHeld(Protocol):
    """A ranker that scores some ids without going through all."""

    def scores(self, query: Any, ids: Ids) -> NDArray[np.float32]:
        """Return the scores of some different ids, float32 (m,), as ``rank`` gives them; 0 for others."""
        ...


def held_scores(ranker: Ranker, query: Any, ids: Ids) -> NDArray[np.float32]:
    """Return the scores of some different ids, float32 (m,); 0 for those that the ranker does not hold."""
    if isinstance(ranker, ScoresHeld):
        return ranker.scores(query, ids)
    found = np.zeros(len(ids), np.float32)
    if len(ids):
        among = np.zeros(int(ids.max()) + 1, dtype=np.bool_)
        among[ids] = True
        ranking = ranker.rank(query, len(ids), among)
        order = np.argsort(ids)
        found[order[np.searchsorted(ids, ranking.ids, sorter=order)]] = ranking.scores
    return found
