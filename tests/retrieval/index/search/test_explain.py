"""Facts about explained hits of an index."""

import numpy as np
import pytest
from support.drawings import draw_colour

import bovw
from retrieval.baselines import Thumbnail
from retrieval.errors import PictureError, SettingError
from retrieval.index import Index, QueryOptions
from retrieval.index.writer import IndexWriter
from retrieval.region import Region


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("explained")
    for number in range(4):
        draw_colour(place / "images" / f"{number}.png", number)
    with IndexWriter.create(place / "index") as index:
        index.add_representation(Thumbnail())
        index.add_representation(bovw.sift(words=20, tone_words=4, points=30))
        index.update([place / "images"], jobs=1)
    return place


@pytest.fixture
def index(place):
    with Index.open(place / "index") as opened:
        yield opened


def test_the_score_is_that_of_the_hit(index):
    (hit,) = index.query("0.png", by=["sift"], among=["1.png"])
    explained = index.explain("0.png", "1.png", by=["sift"])
    assert explained.score == pytest.approx(hit.score, abs=1e-5)
    assert explained.box == (None if hit.box is None else pytest.approx(hit.box, abs=1e-3))
    assert (explained.query.id, explained.hit.id) == ("0.png", "1.png")


def test_the_score_and_the_box_of_a_region_are_those_of_the_hit(index):
    # What a word counts in space follows from all images that are reranked, not from the hit alone.
    region = Region.box(10, 10, 40, 44)
    for hit in index.query("0.png", by=["sift"], region=region, include_self=True):
        explained = index.explain("0.png", hit.id, by=["sift"], region=region)
        assert explained.score == pytest.approx(hit.score, abs=1e-5)
        assert explained.box == (None if hit.box is None else pytest.approx(hit.box, abs=1e-3))
        read = index.explain("0.png", index.read(hit.id), by=["sift"], region=region)
        assert (read.score, read.box) == (explained.score, explained.box)


def test_the_score_is_that_of_the_ranker_where_it_is_no_inner_product(place):
    with IndexWriter.create(place / "binary") as writer:
        writer.add_representation(bovw.asmk(words=8, points=60))
        writer.update([place / "images"], jobs=1)
    with Index.open(place / "binary") as opened:
        for hit in opened.query("0.png"):
            assert opened.explain("0.png", hit.id).score == pytest.approx(hit.score, abs=1e-6)


def test_the_first_representation_that_can_explain_does(index):
    assert index.explain("0.png", "1.png").by == "sift"
    assert index.explain("0.png", "1.png", by=["thumbnail", "sift"]).by == "sift"


def test_one_that_keeps_nothing_to_tell_by_is_explained_by_covering_parts_of_the_hit(index):
    (hit,) = index.query("0.png", by=["thumbnail"], among=["1.png"])
    found = index.explain("0.png", "1.png", by=["thumbnail"])
    assert found.by == "thumbnail" and found.box is None
    assert found.score == pytest.approx(hit.score, abs=1e-5)
    assert found.explanation.heat.max() == 1 and found.explanation.pairs.shape == (0, 4)
    assert found.deletion.explained > 0


def test_names_and_images_are_explained_alike(index):
    named = index.explain("0.png", "1.png")
    read = index.explain(index.read("0.png"), index.read("1.png"), QueryOptions(by=["sift"]))
    assert named.score == read.score
    np.testing.assert_array_equal(named.explanation.heat, read.explanation.heat)
    assert named.deletion == read.deletion


def test_what_makes_no_sense_is_refused(index):
    with pytest.raises(SettingError, match="region: it holds no pixel of the query"):
        index.explain("0.png", "1.png", region=Region.box(900, 900, 5, 5))
    with pytest.raises(SettingError, match="k: one hit is explained, however it was found; leave it out"):
        index.explain("0.png", "1.png", k=3)
    with pytest.raises(SettingError, match="none: no such"):
        index.explain("none", "1.png")


def test_files_that_are_gone_are_named(place, index):
    (place / "images" / "3.png").rename(place / "3.png")
    try:
        with pytest.raises(PictureError, match=r"3\.png"):
            index.explain("3.png", "1.png")
    finally:
        (place / "3.png").rename(place / "images" / "3.png")
