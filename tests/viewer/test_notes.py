"""Notes: what is said of regions found nowhere, of blind feedback, and of a metric in another modality."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from support.dicom_files import write_dicom
from support.served import run

from retrieval.baselines import Thumbnail
from retrieval.index import QueryOptions
from retrieval.index.writer import IndexWriter, MetricOptions
from retrieval.metadata.label_table import LabelRow, LabelTable
from retrieval.metric_learning import MetricLearner
from retrieval.registry import make
from viewer.answer_notes import note_on_cases, note_on_condition
from viewer.answering import ask
from viewer.notes import Notes, note_on_blind, note_on_metrics, note_on_modality
from viewer.queries.query import Query
from viewer.queries.volume import find_volumes

N = 8


def pixels(seed):
    levels = np.random.default_rng(seed).integers(0, 255, (16, 16))
    levels[: 4 + 6 * (seed % 2)] //= 4
    return levels.astype(np.uint8)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    for i in range(N):
        write_dicom(folder / f"{i}.dcm", pixels(i), uid=f"1.2.{i}", Modality="CT")
    rows = {f"{i}.dcm": LabelRow((("a", "b")[i % 2],), {}, i + 2) for i in range(N)}
    with IndexWriter.create(tmp_path_factory.mktemp("index") / "i") as made:
        made.add_representation(Thumbnail())
        made.update([folder], jobs=1, labels=LabelTable(rows))
        options = MetricOptions("thumbnail", MetricLearner("lda"), has_trial=False)
        assert made.learn_metric(options).modalities == ("CT",)
        yield made


def asked(index, path, modality):
    write_dicom(path, pixels(20), uid="1.2.99", Modality=modality)
    (picture,) = index.read_query(path)
    return Query(str(path), picture)


def test_a_metric_that_meets_another_modality_is_said(index, tmp_path):
    said = note_on_modality(index, asked(index, tmp_path / "mr.dcm", "MR"), ["thumbnail+lda"])
    assert str(said).startswith(
        "note: thumbnail+lda learnt from CT and may mislead on MR; --by thumbnail asks"
    )
    assert note_on_modality(index, asked(index, tmp_path / "mr.dcm", "MR"), ["thumbnail"]) is None


def test_its_own_modality_and_one_that_is_not_known_are_not_said(index, tmp_path):
    assert note_on_modality(index, asked(index, tmp_path / "ct.dcm", "CT"), ["thumbnail+lda"]) is None
    assert note_on_modality(index, Query("0.dcm", known_as="0.dcm"), ["thumbnail+lda"]) is None
    no_modality = index.read("0.dcm").with_metadata(modality=None)
    assert note_on_modality(index, Query("x", no_modality), ["thumbnail+lda"]) is None


@pytest.mark.parametrize(
    ("answering", "said"),
    [
        (["a+nca"], "a+nca, learnt from labels, answers in place of a; --by a asks that"),
        (
            ["a+nca", "b+nca", "c"],
            "a+nca and b+nca, learnt from labels, answer in place of a and b; --by a --by b asks those",
        ),
        (["a", "a+nca"], "a+nca, learnt from labels, is fused with a; --by a asks without it"),
    ],
)
def test_metrics_that_answer_are_named_with_all_flags_of_their_bases(answering, said):
    index = SimpleNamespace(default_representations=answering)
    assert note_on_metrics(index) == f"note: without --by, {said}"


def test_blind_feedback_says_what_it_costs():
    assert note_on_blind(0) is None
    assert "first hits are right less often" in str(note_on_blind(10))


def test_a_region_that_is_nowhere_names_what_looks_at_other_points(tmp_path, capsys):
    (tmp_path / "scans").mkdir()
    for i in range(4):
        noise = np.random.default_rng(i).integers(0, 256, (64, 64), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / ("other.png" if i == 3 else f"scans/{i}.png")), noise)
    with IndexWriter.create(tmp_path / "i") as made:
        for name in ("sift", "dense"):
            made.add_representation(make(name, {"points": 60, "words": 16, "tone_words": 0}))
        made.add_representation(Thumbnail())
        made.update([tmp_path / "scans"], jobs=1)
    ask = ["query", tmp_path / "i", tmp_path / "other.png", "--region", "20,20,16,16", "--by"]
    assert run([*ask, "sift"])[0] == 0
    assert "are what is most like it; ask by other points with --by dense\n" in capsys.readouterr().err
    # Nothing is left to be named.
    assert run([*ask, "sift", "--by", "dense"])[0] == 0
    assert "are what is most like it\n" in capsys.readouterr().err


@pytest.mark.parametrize(("n", "more", "is_said"), [(1, [], False), (1, ["-k", "1"], False), (2, [], True)])
def test_scores_of_nothing_are_said_where_there_is_an_order(n, more, is_said, tmp_path, capsys):
    (tmp_path / "scans").mkdir()
    for i in range(n):
        cv2.imwrite(str(tmp_path / "scans" / f"{i}.png"), pixels(3))
    index = ["index", tmp_path / "scans", "-o", tmp_path / "i", "--jobs", "1", "--quiet"]
    assert run([*index, "--by", "thumbnail", "--by", "colour"])[0] == 0
    capsys.readouterr()
    assert run(["query", tmp_path / "i", "0.png", *more])[0] == 0
    assert ("every score is 0" in capsys.readouterr().err) == is_said


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("modality = 'ct'", "modality = 'ct'; modality is never 'ct'; did you mean CT?"),
        ("label in ('c')", "label in ('c'); label is never 'c'"),
        ("patient = 'P1'", "patient is never 'P1'; those of files are pseudonyms, as hits show them"),
        ("rows > 99", "note: no image meets the condition rows > 99"),
        ("rows < 99", None),
    ],
)
def test_a_condition_that_no_image_meets_is_said(index, where, said):
    query, options = Query("0.dcm", known_as="0.dcm"), QueryOptions(by=["thumbnail"], where=where)
    note = note_on_condition(index, options, ask(index, query, options))
    assert note is None if said is None else said in note


def test_hits_without_a_case_are_said(index):
    query = Query("0.dcm", known_as="0.dcm")
    options = QueryOptions(by=["thumbnail"], group_by="patient")
    said = note_on_cases(query, options, ask(index, query, options))
    assert said == "note: --group-by patient: no hit has one; each is a case of its own"
    options = QueryOptions(by=["thumbnail"], group_by="label")
    assert note_on_cases(query, options, ask(index, query, options)) is None


def test_a_slice_that_asks_alone_for_its_volume_is_said(index, tmp_path):
    path = write_dicom(tmp_path / "s.dcm", pixels(20), uid="1.2.99", Modality="CT")
    said = f"note: {path}: one slice asks alone; if its volume has others, give them too"
    options = QueryOptions(by=["thumbnail"], k=2)
    # Named alone; in a folder, which may hold more stacks; and of the index, which knows its stack.
    for image, is_said in ((str(path), True), (str(tmp_path), False), ("3.dcm", False)):
        (volume,) = find_volumes(index, [image])
        query = volume.query(index)
        notes = Notes(index).add(query, options, ask(index, query, options))
        assert (said in notes) is is_said
