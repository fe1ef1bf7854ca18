"""Facts about near-duplicates in an answer: one image under three names is one piece of evidence."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.patients import blots, index_patients, parity

from cli.main import main
from retrieval.baselines import Thumbnail
from retrieval.index import Index
from retrieval.index.search.novelty import kind_percentile
from retrieval.index.search.query_options import QueryOptions
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.readers import read_pictures

N = 60


def make_index(place: Path, copies: dict[str, int]) -> Path:
    """Index 60 images of 60 patients, and brighter copies of some of them, each of a patient of its own."""
    brighter = {name: np.clip(blots(i) * 0.8 + 30, 0, 255).astype(np.uint8) for name, i in copies.items()}
    return index_patients(place, N, [(name, brighter[name], parity(i), name) for name, i in copies.items()])


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return make_index(tmp_path_factory.mktemp("plain"), {})


@pytest.fixture(scope="module")
def nearest(plain):
    """The image that is most like 00.png: it is there three times in the other index."""
    with Index.open(plain) as index:
        return int(index.query("00.png", k=1, not_same="patient")[0].id[:2])


@pytest.fixture(scope="module")
def copied(tmp_path_factory, nearest):
    return make_index(tmp_path_factory.mktemp("copied"), {"x1.png": nearest, "x2.png": nearest, "y.png": 0})


def test_an_image_of_three_patients_counts_once_in_findings(plain, copied, nearest):
    with Index.open(plain) as one, Index.open(copied) as other:
        alone, found = one.find_labels("00.png", k=10), other.find_labels("00.png", k=10)
        # Without the copies the answer is the same: p, cases and intervals.
        assert found.labels == alone.labels and (found.drawn, found.total) == (10, N - 1)
        assert {*found.copies.merged[0]} == {f"{nearest:02}.png", "x1.png", "x2.png"}
        assert found.copies.of_query == ("y.png",)
        assert not alone.copies


def test_it_votes_once_and_the_query_by_another_name_does_not(plain, copied, nearest):
    with Index.open(plain) as one, Index.open(copied) as other:
        alone, found = one.classify("00.png", k=5), other.classify("00.png", k=5)
        assert found.votes == pytest.approx(alone.votes)
        assert len(found.neighbours) == 5
        kept = {n.id for n in found.neighbours}
        assert len(kept & {f"{nearest:02}.png", "x1.png", "x2.png"}) == 1 and "y.png" not in kept
        assert found.copies.of_query == ("y.png",) and len(found.copies.merged) == 1


def test_what_is_known_of_a_copy_of_a_new_image_counts_once(copied):
    with Index.open(copied) as index:
        new = index.read("00.png")
        found = index.classify(new, k=5)
        assert {*found.copies.of_new} == {"00.png", "y.png"} and not found.copies.of_query
        assert {*found.copies.merged[0]} == {"00.png", "y.png"} and len(found.neighbours) == 5
        assert {*index.find_labels(new, k=5).copies.of_new} == {"00.png", "y.png"}


def test_it_asks_once_where_confidence_is_learnt(plain, copied):
    with Index.open(plain) as one, Index.open(copied) as other:
        alone, found = one.classify("30.png", k=5), other.classify("30.png", k=5)
        assert alone.calibrated_on == N == found.calibrated_on
        assert found.confidence == pytest.approx(alone.confidence)


def test_copies_with_other_labels_vote_for_those_too(tmp_path):
    place = make_index(tmp_path, {"x1.png": 7})
    table = (tmp_path / "labels.csv").read_text().replace("x1.png,odd", "x1.png,strange")
    (tmp_path / "labels.csv").write_text(table)
    with IndexWriter.open(place) as writer:
        writer.update([tmp_path / "scans"], jobs=1, labels=LabelTable.read(tmp_path / "labels.csv"))
    with Index.open(place) as index:
        found = index.classify("01.png", k=N)
        assert [set(n.labels) for n in found.neighbours if n.id in ("07.png", "x1.png")] == [
            {"odd", "strange"}
        ]
        by_case = {one.label: one for one in index.find_labels("01.png", k=N).labels}
        assert by_case["strange"].labelled == 1 and by_case["odd"].labelled == N // 2 - 1


def test_answers_say_so(copied, capsys):
    assert main(["query", str(copied), "00.png", "--findings", "-k", "10"]) == 0
    said = capsys.readouterr().out
    assert "2 near-duplicates not counted again (" in said
    assert "left out, as near-duplicates of the query: y.png" in said
    assert main(["query", str(copied), "00.png", "--findings", "-k", "10", "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["findings"]["near_duplicates"]["of_query"] == ["y.png"]
    assert main(["classify", str(copied), "00.png", "--json"]) == 0
    told = capsys.readouterr()
    assert "00.png: left out, as near-duplicates of the query: y.png" in told.err
    assert len(json.loads(told.out)[0]["near_duplicates"]["counted_once"][0]) == 3


@pytest.fixture(scope="module")
def doubled(tmp_path_factory):
    """An index in which each image is there twice, under two patients."""
    return make_index(tmp_path_factory.mktemp("doubled"), {f"z{i:02}.png": i for i in range(N)})


def test_copies_of_every_image_do_not_make_all_else_look_novel(plain, doubled, tmp_path):
    """Beside its copy no image is like another: what is new would be unlike anything, and of another kind."""
    for i in (101, 102):
        assert cv2.imwrite(str(tmp_path / f"{i}.png"), blots(i))
    new = [next(iter(read_pictures(tmp_path / f"{i}.png", str(i)))) for i in (101, 102)]
    with Index.open(plain) as one, Index.open(doubled) as other:
        for query in (*new, "00.png", "07.png", "33.png"):
            alone, found = one.classify(query, k=5), other.classify(query, k=5)
            assert found.unlike == pytest.approx(alone.unlike, abs=0.1)
            # The kinds of an index are told by one of each pair: by the very same images.
            assert found.kind == alone.kind


def test_too_few_images_are_no_sample_however_often_they_are_there(tmp_path):
    lone = make_index(tmp_path, {f"z{i}-{k}.png": i for i in range(15) for k in range(4)})
    with IndexWriter.open(lone) as writer:
        writer.remove([f"{i:02}.png" for i in range(15, N)])
    with Index.open(lone) as index:
        # 75 images are enough, 15 are not.
        found = index.classify("00.png", k=5)
        assert found.unlike is None and found.kind is None


def test_copies_within_a_case_leave_the_sample_as_it_was(tmp_path):
    """Neighbouring slices of one patient are never compared, so that all of them stay."""
    (tmp_path / "scans").mkdir()
    lines = ["path,label,patient"]
    for i in range(32):
        for k in (0, 30):
            slightly = np.clip(blots(i) * 0.8 + k, 0, 255).astype(np.uint8)
            assert cv2.imwrite(str(tmp_path / "scans" / f"{i}-{k}.png"), slightly)
            lines.append(f"{i}-{k}.png,a,p{i}")
    (tmp_path / "labels.csv").write_text("\n".join([*lines, ""]))
    with IndexWriter.create(tmp_path / "i") as writer:
        writer.add_representation(Thumbnail(12))
        writer.update([tmp_path / "scans"], jobs=1, labels=LabelTable.read(tmp_path / "labels.csv"))
    with Index.open(tmp_path / "i") as index:
        # 64 images are enough to know their kinds, 32 would not be.
        assert index.ask(lambda s: kind_percentile(s, ["0-0.png"], QueryOptions(), "patient")) is not None
