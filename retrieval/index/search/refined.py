"""Refined rankings: what a representation answers where the first images are reranked or smoothed.

Both give the first images new scores, by these alone, and none of them falls behind the others, which keep
their order. So that is done once, and what follows is ranked as far as somebody asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...answers.partial_ranking import Places, count_places
from ...ranker import Ids, Ranking
from ..storage.snapshot import Snapshot
from .candidates import Mask
from .encode_query import EncodedQuery
from .expansion import expand
from .rank import rank
from .rerank import Reranked, n_reranked, rerank
from .smooth import Smoothing


@dataclass(frozen=True, eq=False)
class Refined:
    """A query by one representation, and its first images with their new scores.

    Parameters
    ----------
    mask : which images may be found.
    head : the first images, refined; of no images if nothing is reranked or smoothed.
    before : what was ranked for them.
    most : the score that no image behind the head has more of; infinite if nothing is reranked.
    """

    snapshot: Snapshot
    encoded: EncodedQuery
    mask: Mask | None
    head: Reranked
    before: Ranking
    most: float = np.inf

    @classmethod
    def plain(cls, snapshot: Snapshot, encoded: EncodedQuery, mask: Mask | None) -> Refined:
        """Return a query of which nothing is reranked or smoothed."""
        nothing = Ranking.of_nothing()
        return cls(snapshot, encoded, mask, Reranked(encoded, nothing), nothing)

    @classmethod
    def of(
        cls, snapshot: Snapshot, encoded: EncodedQuery, mask: Mask | None, smoothing: Smoothing
    ) -> Refined:
        """Rerank and smooth, once more if the representation expands queries by verified hits."""
        n = n_reranked(encoded)
        depth = len(snapshot) if n is None else smoothing.depth(n)
        if not depth:
            return cls.plain(snapshot, encoded, mask)
        before = rank(snapshot, encoded, depth, mask)
        reranked = rerank(snapshot, encoded, before)
        expanded = expand(snapshot, reranked)
        if expanded is not None:
            before = rank(snapshot, expanded, depth, mask)
            reranked = rerank(snapshot, expanded, before)
        smoothed = smoothing.of(reranked)
        n = min(depth if n is None else n, len(before))
        most = float(reranked.ranking.scores[n - 1]) if n else np.inf
        return cls(snapshot, reranked.query, mask, smoothed, before, most)

    @property
    def are_all_reranked(self) -> bool:
        """Whether all images get new scores: then there is nothing to bound."""
        return n_reranked(self.encoded) is None

    def to(self, depth: int) -> Reranked:
        """Return the answer, at least ``depth`` images deep if there are as many."""
        # A ranking that ended before its depth has no more.
        if depth <= len(self.before):
            return self.head
        ranking = rank(self.snapshot, self.encoded, depth, self.mask)
        return self.with_ranking(self.refined(ranking))

    def among(self, chosen: Mask) -> Ranking:
        """Return how chosen images are ranked."""
        n = int(np.count_nonzero(chosen))
        return self.refined(rank(self.snapshot, self.encoded, n, chosen))

    def with_ranking(self, ranking: Ranking) -> Reranked:
        """Return the answer with another part of its ranking."""
        return Reranked(self.encoded, ranking, self.head.matches)

    def refined(self, ranking: Ranking) -> Ranking:
        """Return images of a first ranking as they are ranked in the end."""
        if not len(self.head.ranking):
            return ranking
        head, behind = self.head.ranking, ~np.isin(ranking.ids, self.head.ranking.ids)
        there = np.isin(head.ids, ranking.ids)
        rest = np.minimum(ranking.scores[behind], np.float32(self.most))
        ids = np.concatenate([head.ids[there], ranking.ids[behind]])
        scores = np.concatenate([head.scores[there], rest])
        return Ranking(ids, scores)

    def scores_of(self, ids: Ids, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores in the end of images with these first scores, (n,)."""
        found = np.minimum(scores, np.float32(self.most))
        in_head, places = self._in_head(ids)
        found[in_head] = self.head.ranking.scores[places]
        return found

    def _in_head(self, ids: Ids) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return which of some ids are among the first images, bool (n,), and at which places these are."""
        head = self.head.ranking.ids
        in_head, by_id = np.isin(ids, head), np.argsort(head)
        return in_head, by_id[np.searchsorted(head[by_id], ids[in_head])]

    def places_of(
        self, ids: Ids, scores: NDArray[np.float32], wanted: Ids, own: NDArray[np.float32]
    ) -> Places:
        """Count where images stand in the end; parameters as in ``count_places``.

        ``scores`` are those of the first ranking, ``own`` those in the end.
        """
        head = self.head.ranking
        if not len(head):
            return count_places(ids, scores, wanted, own)
        is_behind = ~np.isin(ids, head.ids)
        rest = np.minimum(scores[is_behind], np.float32(self.most))
        ended = np.concatenate([head.ids, ids[is_behind]]), np.concatenate([head.scores, rest])
        found = count_places(*ended, wanted, own)
        in_head, places = self._in_head(wanted)
        found.places[in_head] = places
        # Behind the head the order is that of the first ranking. Where its last image has the same score, or
        # several were capped to one, that is not the order of the ids.
        is_tied = (own == np.float32(self.most)) | (own == head.scores[-1])
        reordered = ~in_head & is_tied
        if reordered.any():
            rows = np.flatnonzero(np.isin(ids, wanted[reordered]))
            first = dict(zip(ids[rows].tolist(), scores[rows].tolist(), strict=True))
            before = np.array([first[id] for id in wanted[reordered].tolist()], np.float32)
            found.places[reordered] = count_places(ids, scores, wanted[reordered], before).places
        return found


def refine_all(
    snapshot: Snapshot, encoded: Sequence[EncodedQuery], mask: Mask | None, smoothing: Smoothing
) -> list[Refined]:
    """Return a query by each representation, reranked and smoothed."""
    return [Refined.of(snapshot, one, mask, smoothing) for one in encoded]
