"""Refined rankings: the answer of a representation whose first images are reranked or smoothed.

Both give the first images, the head, new scores that depend on the head alone. None of it falls behind the
rest, the tail, which keeps its order. So the head is refined once, and the tail is ranked only as deep as it
is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...answers.partial_ranking import Places, count_places
from ...ranker import Ids, Ranking, are_among
from ...rankers.share_out import share_out, worth_threads
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
    head : the first images, refined; empty if nothing is reranked or smoothed.
    reach : how many images the head has at least, if there are as many.
    cap : the upper bound that the scores of the tail are cut to; infinite if nothing is reranked.
    """

    snapshot: Snapshot
    encoded: EncodedQuery
    mask: Mask | None
    head: Reranked
    reach: int = 0
    cap: float = np.inf

    @classmethod
    def plain(cls, snapshot: Snapshot, encoded: EncodedQuery, mask: Mask | None) -> Refined:
        """Return a query of which nothing is reranked or smoothed."""
        return cls(snapshot, encoded, mask, Reranked(encoded, Ranking.of_nothing()))

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        encoded: EncodedQuery,
        mask: Mask | None,
        smoothing: Smoothing,
        reach: int = 0,
    ) -> Refined:
        """Rerank and smooth, once more if the representation expands queries by verified hits.

        ``reach`` tells how many images will be read: to rank that many at once takes less than to rank twice.
        """
        n = n_reranked(encoded)
        depth = len(snapshot) if n is None else smoothing.depth(n)
        if not depth:
            return cls.plain(snapshot, encoded, mask)
        depth = max(depth, reach)
        before = rank(snapshot, encoded, depth, mask)
        reranked = rerank(snapshot, encoded, before)
        expanded = expand(snapshot, reranked)
        if expanded is not None:
            before = rank(snapshot, expanded, depth, mask)
            reranked = rerank(snapshot, expanded, before)
        smoothed = smoothing.of(reranked)
        n = min(depth if n is None else n, len(before))
        cap = float(reranked.ranking.scores[n - 1]) if n else np.inf
        return cls(snapshot, reranked.query, mask, smoothed, depth, cap)

    @property
    def are_all_reranked(self) -> bool:
        """Whether all images get new scores: then no score is bounded by the first ranking."""
        return n_reranked(self.encoded) is None

    def to(self, depth: int) -> Reranked:
        """Return the answer, at least ``depth`` images deep if there are as many."""
        if depth <= self.reach:
            return self.head
        ranking = rank(self.snapshot, self.encoded, depth, self.mask)
        return self.with_ranking(self.refined(ranking))

    def among(self, chosen: Mask) -> Ranking:
        """Return the ranking of chosen images only, with their final scores."""
        n = int(np.count_nonzero(chosen))
        return self.refined(rank(self.snapshot, self.encoded, n, chosen))

    def with_ranking(self, ranking: Ranking) -> Reranked:
        """Return the answer with another ranking, of more or fewer images."""
        return Reranked(self.encoded, ranking, self.head.matches)

    def refined(self, ranking: Ranking) -> Ranking:
        """Return the images of a first ranking in their final order, with their final scores."""
        if not len(self.head.ranking):
            return ranking
        head, in_tail = self.head.ranking, ~are_among(ranking.ids, self.head.ranking.ids)
        there = are_among(head.ids, ranking.ids)
        rest = np.minimum(ranking.scores[in_tail], np.float32(self.cap))
        ids = np.concatenate([head.ids[there], ranking.ids[in_tail]])
        scores = np.concatenate([head.scores[there], rest])
        return Ranking(ids, scores)

    def scores_of(self, ids: Ids, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the final scores of images, (n,), from their scores in the first ranking."""
        found = np.minimum(scores, np.float32(self.cap))
        in_head, places = self._in_head(ids)
        found[in_head] = self.head.ranking.scores[places]
        return found

    def _in_head(self, ids: Ids) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return which of some ids are in the head, bool (n,), and the places of those there, from 0."""
        head = self.head.ranking.ids
        in_head, by_id = are_among(ids, head), np.argsort(head)
        return in_head, by_id[np.searchsorted(head[by_id], ids[in_head])]

    def places_of(
        self, ids: Ids, scores: NDArray[np.float32], wanted: Ids, own: NDArray[np.float32]
    ) -> Places:
        """Count the final places of images; parameters as in ``count_places``.

        ``scores`` are those of the first ranking, ``own`` the final ones.
        """
        head = self.head.ranking
        if not len(head):
            return count_places(ids, scores, wanted, own)
        in_tail = ~are_among(ids, head.ids)
        rest = np.minimum(scores[in_tail], np.float32(self.cap))
        final_scores = np.concatenate([head.scores, rest])
        found = count_places(np.concatenate([head.ids, ids[in_tail]]), final_scores, wanted, own)
        in_head, places = self._in_head(wanted)
        found.places[in_head] = places
        # The tail is in the order of the first ranking. Among scores that tie with the last of the head, or
        # were capped to one, that need not be the order of the ids.
        is_tied = (own == np.float32(self.cap)) | (own == head.scores[-1])
        reordered = ~in_head & is_tied
        if reordered.any():
            rows = np.flatnonzero(are_among(ids, wanted[reordered]))
            first = dict(zip(ids[rows].tolist(), scores[rows].tolist(), strict=True))
            before = np.array([first[id] for id in wanted[reordered].tolist()], np.float32)
            found.places[reordered] = count_places(ids, scores, wanted[reordered], before).places
        return found


def refine_all(
    snapshot: Snapshot,
    encoded: Sequence[EncodedQuery],
    mask: Mask | None,
    smoothing: Smoothing,
    reach: int = 0,
) -> list[Refined]:
    """Return a query by each representation, reranked and smoothed, side by side if that pays."""
    found: dict[int, Refined] = {}

    def refine(number: int) -> None:
        found[number] = Refined.of(snapshot, encoded[number], mask, smoothing, reach)

    share_out(range(len(encoded)), lambda: refine, worth_threads(len(snapshot)))
    return [found[number] for number in range(len(encoded))]
