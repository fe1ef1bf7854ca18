"""Facts about asking an index."""

from itertools import pairwise
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import tifffile

from retrieval.answers.fusion import RANK_CONSTANT
from retrieval.answers.smoothing import smooth
from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.errors import PictureError, SettingError
from retrieval.index import Index
from retrieval.index.search.encode_query import default_representations
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.ranker import Ranking
from retrieval.rankers.cosines import cosines
from retrieval.region import Region

LABELS = """path,label,patient,age
0.png,lung,p1,40
1.png,lung;heart,p1,50
2.png,heart,p2,60
3.png,brain,p2,
4.png,brain,p1,70
5.png,,,
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for number in range(8):
        pixels = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(pixels, (48, 36)))
    cv2.imwrite(str(folder / "black.png"), np.zeros((20, 20), np.uint8))
    stack = random.integers(0, 256, (3, 30, 40), dtype=np.uint8)
    tifffile.imwrite(folder / "stack.tif", stack, photometric="minisblack")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("index")


@pytest.fixture(scope="module")
def index(folder, place):
    (place / "labels.csv").write_text(LABELS)
    with IndexWriter.create(place / "index") as made:
        made.add_representation(Thumbnail())
        made.add_representation(ColourHistogram())
        made.update([folder], jobs=1, labels=LabelTable.read(place / "labels.csv"))
    with Index.open(place / "index") as opened:
        yield opened


def ids(hits):
    return [hit.id for hit in hits]


def test_frames_have_names_of_their_own(index):
    assert [n for n in index.names if "stack" in n] == ["stack.tif#0", "stack.tif#1", "stack.tif#2"]
    with pytest.raises(SettingError, match=r"it has 3 frames, name one as stack.tif#0"):
        index.query("stack.tif")


def test_a_stored_query_ranks_like_its_file_read_again(index, folder):
    for name in ("0.png", "stack.tif#1"):
        stored = index.query(name, by=["thumbnail"])
        again = index.query(index.read(name), by=["thumbnail"])
        assert ids(stored) == ids(again)
        assert stored[0].id == name
    read = list(index.read_query(folder / "stack.tif", frames=[1]))
    assert ids(index.query(read[0], by=["thumbnail"])) == ids(stored)


def test_scores_never_rise_and_ranks_count_from_one(index):
    hits = index.query("2.png", by=["thumbnail"], k=100)
    assert len(hits) == len(index) == 12
    assert [hit.rank for hit in hits] == list(range(1, 13))
    assert all(a.score >= b.score for a, b in pairwise(hits))


def test_a_constant_picture_finds_everything_equally_by_name(index):
    hits = index.query("black.png", by=["thumbnail"], k=100)
    assert ids(hits) == sorted(index.names)
    assert {hit.score for hit in hits} == {0.0}


def test_without_itself_the_rest_keeps_its_order(index):
    with_itself = index.query("2.png", by=["thumbnail"], k=6)
    without = index.query("2.png", by=["thumbnail"], k=5, include_self=False)
    assert ids(without) == ids(with_itself)[1:]
    assert without[0].rank == 1


def test_several_representations_are_fused_by_rank(index):
    scores = dict.fromkeys(index.names, 0.0)
    for name in ("thumbnail", "colour"):
        for hit in index.query("2.png", by=[name], k=100):
            scores[hit.id] += 1 / (RANK_CONSTANT + hit.rank) if hit.score != 0 else 0
    wanted = sorted(index.names, key=lambda name: (-np.float32(scores[name]), name))
    assert ids(index.query("2.png", by=["thumbnail", "colour"], k=100, fusion="rrf")) == wanted
    assert ids(index.query("2.png", k=100, fusion="rrf")) == wanted
    # Without a rule, by that of a new index.
    assert index.query("2.png", k=100) == index.query("2.png", k=100, fusion="z")


def test_another_fusion_can_be_chosen(index):
    assert index.query("2.png", fusion="sum")[0].score == pytest.approx(2)
    with pytest.raises(SettingError, match="fusion"):
        index.query("2.png", fusion="best")


def filtered(index, allowed, **options):
    """Rank everything and keep what is allowed: what a filter must equal."""
    everything = index.query("2.png", by=["thumbnail"], k=100)
    wanted = [hit.id for hit in everything if allowed(index.picture(hit.id))]
    assert ids(index.query("2.png", by=["thumbnail"], k=100, **options)) == wanted
    return wanted


@pytest.mark.parametrize("where", [None, "patient = 'p1'"])
def test_smoothing_is_over_what_may_be_found_and_the_query_has_no_say(index, where):
    plain = index.query("0.png", k=100, by=["colour"], where=where)
    numbers = {name: i for i, name in enumerate(index.names)}
    scores = np.array([hit.score for hit in plain], np.float32)
    expected = smooth(
        Ranking(np.array([numbers[hit.id] for hit in plain]), scores),
        cosines([index.vector(hit.id, "colour") for hit in plain]),
        2,
        numbers["0.png"],
    )
    found = index.query("0.png", k=100, by=["colour"], where=where, smooth=2)
    assert [numbers[hit.id] for hit in found] == expected.ids.tolist()
    assert [hit.score for hit in found] == pytest.approx(expected.scores.tolist(), abs=1e-6)
    assert [hit.score for hit in found] != [hit.score for hit in plain]
    assert len(index.query("0.png", k=2, by=["colour"], where=where, smooth=2)) == 2


def test_where_is_an_exact_filter(index):
    assert len(filtered(index, lambda e: int(e.metadata.get("age", "0")) >= 50, where="age >= 50")) == 3
    found = filtered(index, lambda e: "heart" in e.labels, where="label = 'heart' and patient is not null")
    assert set(found) == {"1.png", "2.png"}
    assert filtered(index, lambda e: False, where="age > 1000") == []


def test_where_knows_what_every_picture_has(index):
    found = index.query("2.png", where="rows = 30 and cols = 40 and source = 'stack.tif'", by=["thumbnail"])
    assert sorted(ids(found)) == ["stack.tif#0", "stack.tif#1", "stack.tif#2"]
    assert ids(index.query("2.png", where="id like '%#1'")) == ["stack.tif#1"]


def test_an_unknown_column_is_refused_with_those_there_are(index):
    for options in ({"where": "colour = 1"}, {"not_same": "colour"}, {"group_by": "colour"}):
        with pytest.raises(
            SettingError, match=r"no column 'colour' in this index; it has age, cols, .*source"
        ):
            index.query("2.png", **options)


def test_among_is_an_exact_filter(index):
    assert filtered(index, lambda e: e.name in ("1.png", "4.png"), among=["1.png", "4.png"])
    assert index.query("2.png", among=[]) == []
    with pytest.raises(SettingError, match=r"missing\.png: no such image"):
        index.query("2.png", among=["missing.png"])


def test_not_same_leaves_out_all_that_share_the_value(index):
    filtered(index, lambda e: e.groups.get("patient") != "p2", not_same="patient")
    filtered(index, lambda e: "heart" not in e.labels, not_same="label")


def test_not_same_of_a_query_without_the_value_leaves_out_itself_alone(index):
    found = ids(index.query("5.png", by=["thumbnail"], k=100, not_same="patient"))
    assert "5.png" not in found
    assert len(found) == len(index) - 1


def test_not_same_looks_at_the_groups_of_a_picture_that_is_not_indexed(index):
    picture = index.read("0.png")
    own = type(picture)(picture.pixels, "new.png", groups={"patient": "p1"})
    found = ids(index.query(own, k=100, not_same="patient"))
    assert not {"0.png", "1.png", "4.png"} & set(found)
    assert len(found) == len(index) - 3


def test_group_by_keeps_the_best_of_each_group(index):
    seen = set()
    wanted = []
    for hit in index.query("2.png", by=["thumbnail"], k=100):
        group = index.picture(hit.id).groups.get("patient", hit.id)
        if group not in seen:
            seen.add(group)
            wanted.append(hit.id)
    found = index.query("2.png", by=["thumbnail"], k=100, group_by="patient")
    assert ids(found) == wanted
    assert [hit.rank for hit in found] == list(range(1, len(wanted) + 1))
    assert index.query("2.png", by=["thumbnail"], k=2, group_by="patient") == found[:2]
    assert found[0].group == {"patient": "p2"}


def test_a_region_of_an_indexed_picture_is_read_from_its_file(index):
    whole = index.query("2.png", by=["thumbnail"], region=Region.whole((36, 48)))
    assert ids(whole) == ids(index.query("2.png", by=["thumbnail"]))
    box = Region.box(0, 0, 18, 24)
    part = index.query("2.png", by=["thumbnail"], region=box)
    assert part == index.query(index.read("2.png"), by=["thumbnail"], region=box)
    assert part[0].score < 0.99


def test_findings_after_hits_of_a_region_do_not_encode_it_again(index, monkeypatch):
    encoded, encode = [], Thumbnail.encode_query

    def encode_query(self, picture, region=None):
        encoded.append(picture.id)
        return encode(self, picture, region)

    monkeypatch.setattr(Thumbnail, "encode_query", encode_query)
    region, by = Region.box(4, 6, 20, 20), ["thumbnail"]
    index.query("2.png", by=by, region=region)
    index.find_labels("2.png", by=by, region=region)
    assert encoded == ["2.png"]
    # Another image, and an equal region of another question, are encoded of themselves.
    index.query("3.png", by=by, region=region)
    index.query("2.png", by=by, region=Region.box(4, 6, 20, 20))
    assert encoded == ["2.png", "3.png", "2.png"]


def test_a_region_of_a_picture_whose_file_is_gone_is_an_error_in_one_line(index, folder):
    hidden = folder / ".hidden"
    (folder / "7.png").rename(hidden)
    try:
        with pytest.raises(PictureError, match=r"7\.png: its file is not there; bring it back, or"):
            index.query("7.png", region=Region.box(0, 0, 5, 5))
        assert index.query("7.png")[0].id == "7.png"
    finally:
        hidden.rename(folder / "7.png")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k: 0 is below 1"),
        ({"by": ["deep"]}, "no representation 'deep' in this index; it has thumbnail, colour"),
        ({"by": ["colour", "colour"]}, "name each representation once"),
        ({"where": "rows ="}, "where: the end at position 7"),
        ({"smooth": -1}, "smooth: -1 neighbours"),
    ],
)
def test_options_that_make_no_sense_are_refused(index, options, message):
    with pytest.raises(SettingError, match=message):
        index.query("2.png", **options)


def test_thumbnails_are_small_jpegs_of_the_pictures(index):
    data = np.frombuffer(index.thumbnail("2.png"), np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1] / 255
    assert decoded.shape == (36, 48, 3)
    assert np.abs(decoded - index.read("2.png").pixels).mean() < 0.1
    with pytest.raises(SettingError):
        index.thumbnail("none.png")


def test_vectors_are_those_that_were_encoded(index):
    encoding = Thumbnail().encode(index.read("3.png"))
    np.testing.assert_allclose(index.vector("3.png", "thumbnail"), encoding.vector, rtol=1e-6)
    assert index.evidence("3.png", "thumbnail") is None
    assert index.representation("thumbnail") == Thumbnail()


def test_a_query_changes_nothing(index, folder, place):
    def written():
        return {p: p.stat().st_mtime_ns for top in (folder, place) for p in top.rglob("*")}

    picture = index.read("3.png")
    before = picture.pixels.copy()
    files = written()
    index.query(picture)
    np.testing.assert_array_equal(before, picture.pixels)
    assert files == written()


@pytest.mark.parametrize(
    ("gain", "answering"),
    [((0.1, 0.2), ("words+nca",)), ((-0.1, 0.2), ("words", "words+nca")), ((-0.2, -0.1), ("words",))],
)
def test_a_metric_answers_in_place_of_its_base_or_beside_it_or_if_it_is_named(gain, answering):
    base = SimpleNamespace(name="words", base="", is_fitted=True, report={})
    metric = SimpleNamespace(name="words+nca", base="words", is_fitted=True, report={"gain": gain})
    snapshot = SimpleNamespace(stored={"words": base, "words+nca": metric})
    assert default_representations(snapshot) == answering
