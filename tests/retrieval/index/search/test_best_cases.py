"""Facts about the best cases: whole rankings, or those of the first images alone, give the same answers."""

import pytest
from support.drawings import draw_colour, draw_grey
from support.reranking import rerank_first_images

from retrieval.answers import bounded_fusion
from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.index import Index
from retrieval.index.search import look_up, query, smooth
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable

N, SIZE = 120, 4
BY = ("thumbnail", "colour")
ASKED = [
    {"by": BY[:1]},
    {"by": BY[:1], "case_by": "mean-2", "collapse": 12.0},
    {"by": BY[:1], "not_same": "patient", "like": ["7.png"]},
    {"by": BY, "fusion": "z"},
    {"by": BY, "fusion": "rrf"},
    {"by": BY, "fusion": "rrf", "case_by": "mean-2", "not_same": "patient"},
    {"by": BY, "fusion": "sum", "case_by": "rank-weighted", "include_self": False},
    {"by": BY, "fusion": "z", "among": [f"{i}.png" for i in range(N) if i % 5], "blind": 1},
]
SMOOTHED = [
    {"by": BY[:1], "smooth": 3},
    {"by": BY[:1], "smooth": 2, "case_by": "mean-2", "not_same": "patient"},
    {"by": BY, "smooth": 2, "fusion": "z"},
    {"by": BY, "smooth": 3, "fusion": "rrf", "case_by": "rank-weighted"},
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """An index of patients of four images, of which the first three are alike."""
    place = tmp_path_factory.mktemp("cases")
    (place / "images").mkdir()
    lines = ["path,patient,label,series,position,site"]
    for i in range(N):
        draw, seed = (draw_colour, i) if i % SIZE == 3 else (draw_grey, i // SIZE % 25)
        draw(place / "images" / f"{i}.png", seed)
        case, position = i // SIZE, 10 * (i % SIZE)
        lines.append(f"{i}.png,p{case},{'abc'[case % 3]},s{case},{position},{i * 7 % 40}")
    (place / "labels.csv").write_text("\n".join([*lines, ""]))
    with IndexWriter.create(place / "i") as index:
        for representation in (Thumbnail(), ColourHistogram()):
            index.add_representation(representation)
        index.update([place / "images"], jobs=1, labels=LabelTable.read(place / "labels.csv"))
    return place / "i"


@pytest.fixture
def noted(monkeypatch):
    """Begin with few images, and note what comes of it."""
    found, own = [], query.best_cases

    def note(*arguments):
        found.append(own(*arguments))
        return found[-1]

    def begin():
        for name in ("_FIRST", "_PER_HIT", "_DEEPER"):
            monkeypatch.setattr(bounded_fusion, name, 2)
        monkeypatch.setattr(query, "best_cases", note)
        return found

    return begin


@pytest.mark.parametrize("options", ASKED, ids=str)
def test_the_cases_their_images_and_the_votes_are_the_same(place, options, noted, group_by="patient"):
    with Index.open(place) as index:
        ask = [(f"{i}.png", k) for i in range(0, N, 9) for k in (1, 2)]
        whole = [index.query(name, k=k, group_by=group_by, **options) for name, k in ask]
        found = noted()
        for (name, k), expected in zip(ask, whole, strict=True):
            assert index.query(name, k=k, group_by=group_by, **options) == expected
        assert any(one is not None for one in found)


@pytest.mark.parametrize("options", [ASKED[1], {"by": BY[:1], "collapse": 12.0}], ids=str)
def test_slices_collapse_into_those_of_other_cases(place, options, noted):
    test_the_cases_their_images_and_the_votes_are_the_same(place, options, noted, group_by="site")


@pytest.mark.parametrize("options", SMOOTHED, ids=str)
def test_smoothed_cases_are_the_same(place, options, noted, monkeypatch):
    monkeypatch.setattr(smooth, "POOL", 5)
    test_the_cases_their_images_and_the_votes_are_the_same(place, options, noted)


@pytest.mark.parametrize("options", [*ASKED[:2], *ASKED[3:], SMOOTHED[0], SMOOTHED[3]], ids=str)
def test_reranked_cases_are_the_same(place, options, noted, monkeypatch):
    monkeypatch.setattr(smooth, "POOL", 5)
    rerank_first_images(monkeypatch, 6, "thumbnail")
    test_the_cases_their_images_and_the_votes_are_the_same(place, options, noted)


def test_places_of_hits_behind_the_first_images_are_counted(place, noted, monkeypatch):
    counted, own = [], look_up.LookUp.places
    monkeypatch.setattr(
        look_up.LookUp,
        "places",
        lambda self, number, ids, scores: counted.append(len(ids)) or own(self, number, ids, scores),
    )
    with Index.open(place) as index:
        found = noted()
        for i in range(0, N, 9):
            index.query(f"{i}.png", by=BY, k=2, group_by="patient", fusion="z")
    assert any(one is not None for one in found)
    assert counted and max(counted) <= 2


def test_findings_are_the_same(place, noted):
    with Index.open(place) as index:
        whole = [index.find_labels(f"{i}.png", by=BY[:1], k=1) for i in range(0, N, 16)]
        found = noted()
        assert [index.find_labels(f"{i}.png", by=BY[:1], k=1) for i in range(0, N, 16)] == whole
        assert any(one is not None for one in found)


def test_whole_rankings_are_needed_where_a_ranker_cannot_count(place, noted, monkeypatch):
    monkeypatch.setattr(look_up.LookUp, "of", lambda *arguments: None)
    with Index.open(place) as index:
        found = noted()
        index.query("3.png", by=BY, k=1, group_by="patient", fusion="rrf")
        assert found == [None]
