"""The scored query: a whole ranking for one query, with what is known of its hits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ..ranker import Ranking
from ..statistics.tied_ranking import TiedRanking
from .relevance import Gains, Judgements


@dataclass(frozen=True, eq=False)
class ScoredQuery:
    """A whole ranking for one query, with what is known of it.

    Parameters
    ----------
    position : of the query.
    ranking : all pictures that it may find, best first.
    judgements : of all pictures.
    """

    position: int
    ranking: Ranking
    judgements: Judgements

    @cached_property
    def gains(self) -> Gains:
        """The gain of each hit, best first; 0 is wrong."""
        return self.judgements.gains(self.position)[self.ranking.ids]

    @cached_property
    def tied(self) -> TiedRanking:
        """The gains with the scores, whose ties leave the order of some hits open."""
        return TiedRanking(self.gains, self.ranking.scores)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the query."""
        return self.judgements.labels[self.position]
