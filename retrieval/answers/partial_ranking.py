"""A partial ranking: the beginning of a ranking, and some later entries, whose places were counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids, Ranking


class Places(NamedTuple):
    """Where entries stand in a ranking, each int64 (n,).

    ``starts``, how many have a higher score; ``sizes``, how many have the same, each with itself; ``places``,
    from 0, of which those of equal scores are in the order of their ids.
    """

    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    places: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PartialRanking(Ranking):
    """Entries in the order of their places: all first ``n_first``, and behind them some.

    Parameters
    ----------
    n_first : how many places from the first on have their entry here.
    later : of the entries behind these.
    """

    n_first: int
    later: Places

    @classmethod
    def of(cls, first: Ranking, ids: Ids, scores: NDArray[np.float32], later: Places) -> PartialRanking:
        """Put entries behind the first of a ranking; they may come in any order."""
        by_place = np.argsort(later.places)
        return cls(
            np.concatenate([first.ids, ids[by_place]]),
            np.concatenate([first.scores, scores[by_place]]),
            len(first),
            Places(*(each[by_place] for each in later)),
        )

    @property
    def first(self) -> Ranking:
        """The beginning."""
        return Ranking(self.ids[: self.n_first], self.scores[: self.n_first])


def places_in(ranking: Ranking) -> NDArray[np.int64]:
    """Return the place of each entry, int64 (n,), from 0."""
    if not isinstance(ranking, PartialRanking):
        return np.arange(len(ranking))
    return np.concatenate([np.arange(ranking.n_first), ranking.later.places])


def count_places(ids: Ids, scores: NDArray[np.float32], wanted: Ids, own: NDArray[np.float32]) -> Places:
    """Count where some entries stand.

    Parameters
    ----------
    ids, scores : (n,), in any order, of all that score as much as one of the wanted, or more.
    wanted, own : (m,), which are among them, and their scores.
    """
    rising = np.sort(scores)
    ends = np.searchsorted(rising, own, "right")
    sizes = ends - np.searchsorted(rising, own, "left")
    starts = len(rising) - ends
    places, is_tied = starts.copy(), sizes > 1
    if is_tied.any():
        rows = np.flatnonzero(np.isin(scores, own[is_tied]))
        # As ``order`` has them: one run of equal scores after the other, each by rising ids.
        rows = rows[np.lexsort((ids[rows], -scores[rows]))]
        falling = -scores[rows]
        for i in np.flatnonzero(is_tied).tolist():
            first = int(np.searchsorted(falling, -own[i], "left"))
            run = ids[rows[first : first + sizes[i]]]
            places[i] += np.searchsorted(run, wanted[i])
    return Places(starts, sizes, places)
