"""Whose box a fused hit shows: that of the representation that ranked it best, by inliers if they agree."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrieval.index.search.matches import find_matches
from retrieval.index.search.rerank import Match, Reranked
from retrieval.ranker import Ranking

NOWHERE: Any = None
IDS = np.arange(3)


def reranked(scores: list[float], n_inliers: list[int]) -> Reranked:
    """Return an answer to a region, whose boxes begin where their numbers of inliers say."""
    order = np.argsort(-np.array(scores), kind="stable")
    ranking = Ranking(IDS[order], np.array(scores, np.float32)[order])
    return Reranked(NOWHERE, ranking, {i: Match((n, 0, 9, 9), n) for i, n in enumerate(n_inliers)})


def test_the_better_rank_decides_and_then_the_inliers() -> None:
    # The first two rank all images alike, the last one in reverse.
    one, other = reranked([3, 2, 1], [0, 7, 0]), reranked([3, 2, 0], [5, 4, 9])
    for both in ((one, other), (other, one)):
        found = find_matches(NOWHERE, both, IDS, everywhere=False)
        assert [found[i].n_inliers for i in range(3)] == [5, 7, 9]
    last = reranked([0, 1, 2], [1, 1, 1])
    assert [find_matches(NOWHERE, (one, last), IDS, False)[i].n_inliers for i in range(3)] == [0, 7, 1]
