"""Smoothing of an answer: the best images of each representation, by their stored vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...answers.smoothing import POOL, smooth
from ...errors import SettingError
from ...rankers.cosines import held_cosines
from ...rankers.selective_match import SelectiveIndex
from ..storage.snapshot import Snapshot
from .candidates import own_position
from .query_options import QueryImage
from .rerank import Reranked


def check_smoothing(snapshot: Snapshot, names: Sequence[str]) -> None:
    """Raise SettingError if a representation has binary codes, which have no cosines."""
    for name in names:
        if isinstance(snapshot.representation(name).make_ranker(), SelectiveIndex):
            raise SettingError(
                f"smooth: {name} ranks by binary codes; leave smooth out, or name others with by"
            )


@dataclass(frozen=True, eq=False)
class Smoothing:
    """What is done to the answer of each representation: nothing, if there are no neighbours to smooth over.

    Parameters
    ----------
    query : an image that is itself in the index, by name or by its file, is nobody's neighbour.
    n : how many neighbours, at least 0.
    """

    snapshot: Snapshot
    query: QueryImage
    n: int

    def depth(self, k: int) -> int:
        """Return how deep a ranking must be for its first k to be right: none behind the pool rises."""
        return max(k, POOL) if self.n else k

    def of(self, reranked: Reranked) -> Reranked:
        """Return what a representation answers, smoothed; see ``smooth``.

        A ranking that local evidence ordered stays as it is: its scores are no cosines.
        """
        ranking = reranked.ranking
        if not self.n or reranked.matches or not len(ranking):
            return reranked
        cosines = held_cosines(self.snapshot.ranker(reranked.query.name), ranking.ids[:POOL])
        itself = own_position(self.snapshot, self.query)
        return replace(reranked, ranking=smooth(ranking, cosines, self.n, itself))
