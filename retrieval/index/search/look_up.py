"""Looking up single images in what a representation ranks: their scores, and their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...answers.partial_ranking import PartialRanking, Places
from ...ranker import Ids, Ranker, Ranking
from ...rankers.dense import ExactRanker
from ...rankers.inverted import InvertedIndex
from ...rankers.share_out import share_out, worth_threads
from ..storage.snapshot import Snapshot
from .rank import ranker_of
from .refined import Refined

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class LookUp:
    """What the rankings of a query say of single images, without making the rankings.

    Parameters
    ----------
    refined, rankers : the query by each representation, and what ranks by it.
    """

    snapshot: Snapshot
    refined: Sequence[Refined]
    rankers: Sequence[ExactRanker | InvertedIndex]
    _all: dict[int, tuple[Ids, NDArray[np.float32]]] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot, refined: Sequence[Refined]) -> LookUp | None:
        """Return what looks up; None if a ranker does not know all scores at once, as a graph does not."""
        rankers = [ranker_of(snapshot, one.encoded) for one in refined]
        able = [one for one in rankers if isinstance(one, InvertedIndex) or type(one) is ExactRanker]
        return cls(snapshot, refined, able) if len(able) == len(rankers) else None

    def each(self, do: Callable[[int], T]) -> list[T]:
        """Return what a function gives for the number of each representation, side by side."""
        found: dict[int, T] = {}

        def note(number: int) -> None:
            found[number] = do(number)

        share_out(range(len(self.refined)), lambda: note, worth_threads(len(self.snapshot)))
        return [found[number] for number in range(len(self.refined))]

    def with_places(self, number: int, found: Ranking) -> PartialRanking:
        """Return many images of one representation's ranking with their places in it."""
        if number not in self._all:
            self._all[number] = self._reached(number, -np.inf)
        places = self.refined[number].places_of(*self._all[number], found.ids, found.scores)
        return PartialRanking.of(Ranking.of_nothing(), found.ids, found.scores, places)

    def with_later(self, number: int, first: Ranking, later: Ranking) -> PartialRanking:
        """Put a few images behind the first of one representation's ranking, with their places in it."""
        places = self.places(number, later.ids, later.scores)
        return PartialRanking.of(first, later.ids, later.scores, places)

    def scores(self, number: int, ids: Ids) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the scores of some images, and which of them have a vector at all."""
        ranker, refined = self.rankers[number], self.refined[number]
        found = ranker.scores(refined.encoded.encoding.vector, ids)  # type: ignore[arg-type]
        is_held = found != 0
        for i in np.flatnonzero(~is_held).tolist():
            is_held[i] = _holds(ranker, int(ids[i]))
        return refined.scores_of(ids, found), is_held

    def places(self, number: int, ids: Ids, scores: NDArray[np.float32]) -> Places:
        """Return where some images with a vector stand in the ranking of those that may be found."""
        reached = self._reached(number, float(scores.min(initial=np.inf)))
        return self.refined[number].places_of(*reached, ids, scores)

    def _reached(self, number: int, least: float) -> tuple[Ids, NDArray[np.float32]]:
        one = self.refined[number]
        return self.rankers[number].reached(one.encoded.encoding.vector, least, one.mask)  # type: ignore[arg-type]


def each_of(refined: Sequence[Refined], look_up: LookUp | None, do: Callable[[int], T]) -> list[T]:
    """Return what a function gives for the number of each representation, side by side if one looks up.

    Rankers of other kinds, such as graphs, are asked one after the other.
    """
    return list(map(do, range(len(refined)))) if look_up is None else look_up.each(do)


def rankings_of(refined: Sequence[Refined], look_up: LookUp | None, depth: int) -> list[Ranking]:
    """Return the ranking of each representation, at least ``depth`` images deep if there are as many."""
    return each_of(refined, look_up, lambda number: refined[number].to(depth).ranking)


def _holds(ranker: Ranker, id: int) -> bool:
    try:
        ranker.vector(id)
    except KeyError:
        return False
    return True
