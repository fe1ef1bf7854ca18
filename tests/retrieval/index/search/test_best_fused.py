"""Facts about fused queries: whole rankings, or no more of them than it takes, give the same hits."""

import pytest
from support.drawings import draw_numbered
from support.indexes import index_thumbnails

from retrieval.answers import bounded_fusion
from retrieval.baselines import ColourHistogram
from retrieval.index import Index
from retrieval.index.search import query, smooth

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


@pytest.mark.parametrize("options", [{"smooth": 2}, {"fusion": "z", "smooth": 3, "include_self": False}])
def test_smoothed_hits_are_the_first_of_whole_smoothed_rankings(place, options, monkeypatch, bound):
    monkeypatch.setattr(smooth, "POOL", 5)
    asked = {"by": ("thumbnail", "colour"), **options}
    with Index.open(place) as index:
        whole = [index.query(f"{i}.png", k=N, **asked) for i in range(6)]
        bounded = bound()
        assert [index.query(f"{i}.png", k=2, **asked) for i in range(6)] == [hits[:2] for hits in whole]
        assert any(found is not None for found in bounded)
