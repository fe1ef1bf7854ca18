"""Facts about fused queries: whole rankings, or no more of them than it takes, give the same hits."""

from types import SimpleNamespace

import numpy as np
import pytest
from support.drawings import draw_numbered
from support.indexes import index_thumbnails
from support.reranking import rerank_first_images

from retrieval.answers import bounded_fusion
from retrieval.baselines import ColourHistogram
from retrieval.index import Index
from retrieval.index.search import look_up, query, smooth
from retrieval.index.search.encode_query import EncodedQuery
from retrieval.index.search.refined import Refined
from retrieval.rankers.dense import ExactRanker
from retrieval.representation import Encoding

N = 70
ASKED = [
    {},
    {"fusion": "z"},
    {"fusion": "sum", "include_self": False},
    {"fusion": "z", "blind": 2},
    {"like": ["7.png"], "unlike": ["9.png"]},
    {"among": [f"{i}.png" for i in range(0, N, 2)], "include_self": False},
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("fused")
    return index_thumbnails(place / "i", draw_numbered(place / "images", N), ColourHistogram())


@pytest.fixture
def bound(monkeypatch):
    """Return what bounds rankings of few images too, and returns a list of what was found so from then on."""

    def begin():
        for name in ("_FIRST", "_PER_HIT", "_DEEPER"):
            monkeypatch.setattr(bounded_fusion, name, 2)
        found, own = [], query.best_fused

        def noted(*arguments):
            found.append(own(*arguments))
            return found[-1]

        monkeypatch.setattr(query, "best_fused", noted)
        return found

    return begin


@pytest.mark.parametrize("options", ASKED, ids=str)
def test_the_hits_and_votes_are_the_same(place, options, bound):
    with Index.open(place) as index:
        whole = [index.query(f"{i}.png", by=("thumbnail", "colour"), k=1, **options) for i in range(6)]
        bounded = bound()
        assert whole == [
            index.query(f"{i}.png", by=("thumbnail", "colour"), k=1, **options) for i in range(6)
        ]
        assert any(found is not None for found in bounded)


@pytest.mark.parametrize("fusion", ["rrf", "z", "sum"])
def test_images_that_one_ranking_puts_far_behind_are_looked_up_there(place, fusion, monkeypatch, bound):
    asked, own = [], look_up.LookUp.places

    def noted(self, number, ids, scores):
        asked.append(len(ids))
        return own(self, number, ids, scores)

    with Index.open(place) as index:
        options = {"by": ("thumbnail", "colour"), "fusion": fusion, "k": 2}
        whole = [index.query(f"{i}.png", **options) for i in range(N)]
        bound()
        monkeypatch.setattr(look_up.LookUp, "places", noted)
        assert whole == [index.query(f"{i}.png", **options) for i in range(N)]
    assert len(asked) > 5


def test_a_score_of_zero_is_told_from_no_vector():
    ranker = ExactRanker(2)
    ranker.add(np.arange(3), np.array([[1, 0], [0, 1], [-1, 1]], np.float32))
    snapshot = SimpleNamespace(ranker=lambda name: ranker)
    query = EncodedQuery("one", object(), Encoding(np.array([1, 0], np.float32)), (1, 1), None)
    encoded = [Refined.plain(snapshot, query, None)]
    scores, is_held = look_up.LookUp.of(snapshot, encoded).scores(0, np.array([0, 1, 9]))
    assert scores.tolist() == [1, 0, 0]
    assert is_held.tolist() == [True, True, False]


def test_a_ranker_that_finds_some_alone_is_not_looked_up_in():
    class Finds(ExactRanker):
        pass

    snapshot = SimpleNamespace(ranker=lambda name: Finds(2) if name == "found" else ExactRanker(2))
    encoded = [SimpleNamespace(name=name, ranker=None) for name in ("exact", "found")]
    plain = [Refined.plain(snapshot, one, None) for one in encoded]
    assert look_up.LookUp.of(snapshot, plain) is None


@pytest.mark.parametrize("options", ASKED, ids=str)
def test_reranked_hits_are_the_same(place, options, monkeypatch, bound):
    rerank_first_images(monkeypatch, 6, "colour")
    test_the_hits_and_votes_are_the_same(place, options, bound)


@pytest.mark.parametrize("options", [{"smooth": 2}, {"fusion": "z", "smooth": 3, "include_self": False}])
def test_smoothed_hits_are_the_first_of_whole_smoothed_rankings(place, options, monkeypatch, bound):
    monkeypatch.setattr(smooth, "POOL", 5)
    asked = {"by": ("thumbnail", "colour"), **options}
    with Index.open(place) as index:
        whole = [index.query(f"{i}.png", k=N, **asked) for i in range(6)]
        bounded = bound()
        assert [index.query(f"{i}.png", k=2, **asked) for i in range(6)] == [hits[:2] for hits in whole]
        assert any(found is not None for found in bounded)
