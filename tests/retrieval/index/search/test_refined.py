"""Facts about refined rankings: to any depth they are what reranking and smoothing make of whole rankings."""

import numpy as np
import pytest
from support.reranking import rerank_first_images

from retrieval.index.search import smooth
from retrieval.index.search.encode_query import EncodedQuery
from retrieval.index.search.look_up import LookUp
from retrieval.index.search.rank import rank
from retrieval.index.search.refined import Refined
from retrieval.index.search.rerank import rerank
from retrieval.index.search.smooth import Smoothing
from retrieval.rankers.dense import ExactRanker
from retrieval.representation import Encoding

N = 90


class Collection:
    """What ranking and smoothing read of a snapshot: vectors of which many are equal."""

    def __init__(self) -> None:
        self.names = [f"{i}.png" for i in range(N)]
        self.held = ExactRanker(3)
        self.held.add(np.arange(N), np.random.default_rng(0).integers(-1, 3, (N, 3)).astype(np.float32))

    def __len__(self) -> int:
        return N

    def ranker(self, name: str) -> ExactRanker:
        return self.held

    def position(self, name: str) -> int:
        return self.names.index(name)


@pytest.mark.parametrize("reach", [0, 30, N])
@pytest.mark.parametrize("n_smoothed", [0, 3])
@pytest.mark.parametrize("n_reranked", [0, 1, 12, 200])
def test_they_are_parts_of_the_whole_one(n_reranked, n_smoothed, reach, monkeypatch):
    monkeypatch.setattr(smooth, "POOL", 7)
    rerank_first_images(monkeypatch, n_reranked, "one")
    collection, mask = Collection(), np.arange(N) % 9 != 4
    smoothing = Smoothing(collection, "3.png", n_smoothed)
    for vector in np.random.default_rng(1).standard_normal((8, 3)).astype(np.float32):
        query = EncodedQuery("one", object(), Encoding(vector), (1, 1), None)
        whole = smoothing.of(rerank(collection, query, rank(collection, query, N, mask)))
        ids, scores = whole.ranking.ids, whole.ranking.scores
        refined = Refined.of(collection, query, mask, smoothing, reach)
        for depth in (1, 12, 30, N):
            found = refined.to(depth)
            n = len(found.ranking)
            assert n >= min(depth, len(ids))
            assert found.ranking.ids.tolist() == ids[:n].tolist()
            assert found.ranking.scores.tolist() == scores[:n].tolist()
            assert found.matches == whole.matches
        chosen = mask & (np.arange(N) % 2 == 1)
        assert refined.among(chosen).ids.tolist() == ids[chosen[ids]].tolist()
        assert refined.among(chosen).scores.tolist() == scores[chosen[ids]].tolist()
        # Single images: their scores, and their places, in any order.
        look_up = LookUp.of(collection, [refined])
        for rows in (np.arange(len(ids))[::-7], np.arange(3), np.arange(40, 60)):
            assert look_up.scores(0, ids[rows])[0].tolist() == scores[rows].tolist()
            places = look_up.places(0, ids[rows], scores[rows])
            assert places.places.tolist() == rows.tolist()
            assert places.starts.tolist() == [int((scores > score).sum()) for score in scores[rows]]
            assert places.sizes.tolist() == [int((scores == score).sum()) for score in scores[rows]]


@pytest.mark.parametrize("n_reranked", [0, 1])
def test_images_behind_the_smoothed_ones_stay_behind_them_in_a_tie(n_reranked, monkeypatch):
    monkeypatch.setattr(smooth, "POOL", 3)
    rerank_first_images(monkeypatch, n_reranked, "one")
    collection, half = Collection(), np.float32(0.5)
    collection.held = ExactRanker(3, "dot")
    # The two of the pool that are like each other meet at 0.5, which image 2 scores behind them.
    vectors = [[0.5, 9, 0], [0.5, 0, 0], [np.nextafter(half, np.float32(1)), 9, 0], [0.9, 0, 9]]
    collection.held.add(np.array([1, 2, 4, 5]), np.array(vectors, np.float32))
    query = EncodedQuery("one", object(), Encoding(np.array([1, 0, 0], np.float32)), (1, 1), None)
    refined = Refined.of(collection, query, None, Smoothing(collection, "3.png", 1))
    found = refined.to(4).ranking
    assert found.ids.tolist() == [5, 1, 4, 2]
    assert found.scores[1:].tolist() == [0.5, 0.5, 0.5]
    places = LookUp.of(collection, [refined]).places(0, found.ids, found.scores)
    assert places.places.tolist() == [0, 1, 2, 3]
    assert places.sizes.tolist() == [1, 3, 3, 3]
