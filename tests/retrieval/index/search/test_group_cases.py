"""Facts about an index that answers with cases."""

import itertools

import numpy as np
import pytest
from support.references import plain_cases, plain_collapse
from support.series import UP, look, write_series, write_slice

from retrieval.answers.grouping import CaseRule
from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.errors import SettingError
from retrieval.index import Index
from retrieval.index.search import group_cases, query
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.readers.slice_stacks import Slice, find_stacks

N_PATIENTS, N = 7, 12
SLANTED = ((0.8, 0.0, 0.6), (0.0, 1.0, 0.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    lines = ["path,label,site"]
    for patient in range(N_PATIENTS):
        axes = SLANTED if patient == 3 else UP
        write_series(folder / f"p{patient}", patient, N, shuffle=patient, axes=axes, first=patient * 7.0)
        lines += [f"p{patient}/{i:03d}.dcm,lung,{'ab'[patient % 2]}" for i in range(3, 9)]
    (folder / "labels.csv").write_text("\n".join([*lines, ""]))
    return folder


@pytest.fixture(scope="module")
def index(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("index") / "index"
    with IndexWriter.create(place) as made:
        made.add_representation(Thumbnail())
        made.add_representation(ColourHistogram())
        made.update([folder], jobs=1, labels=LabelTable.read(folder / "labels.csv"))
    with Index.open(place) as opened:
        yield opened


def patient(name):
    return name.partition("/")[0]


BY = ["thumbnail"]
RULES = ["best", "mean-3", "rank-weighted"]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("column", ["patient", "study", "series"])
@pytest.mark.parametrize("by", [BY, []])
def test_no_answer_holds_two_rows_of_one_case(index, rule, column, by):
    for name in index.names[::11]:
        hits = index.query(name, by=by, k=100, group_by=column, case_by=rule)
        assert len({patient(hit.id) for hit in hits}) == len(hits) == N_PATIENTS
        assert [hit.rank for hit in hits] == list(range(1, N_PATIENTS + 1))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("within", [0.0, 6.0, 11.0])
def test_every_rule_agrees_with_a_plain_reference(index, rule, within):
    stacks = np.array([int(patient(name)[1:]) for name in index.names])
    places = np.array([float(index.picture(name).metadata["position"]) for name in index.names])
    for name in index.names[::17]:
        ranked = index.query(name, by=BY, k=1000)
        positions = [index.names.index(hit.id) for hit in ranked]
        scores = {position: hit.score for position, hit in zip(positions, ranked, strict=True)}
        kept = sorted(plain_collapse(positions, stacks, places, within))
        expected = plain_cases([scores[i] for i in kept], [int(stacks[i]) for i in kept], rule)
        hits = index.query(name, by=BY, k=100, group_by="patient", case_by=rule, collapse=within)
        assert [int(patient(hit.id)[1:]) for hit in hits] == [case for case, _ in expected]
        assert [hit.score for hit in hits] == pytest.approx([score for _, score in expected], abs=1e-6)


def test_a_case_says_what_it_is_made_of(index):
    best = index.query("p2/006.dcm", by=BY, k=3, group_by="patient")[0]
    assert best.id == "p2/006.dcm" and best.case.pictures[0] == ("p2/006.dcm", best.score)
    assert best.case.value == index.picture("p2/000.dcm").groups["patient"]
    assert (best.case.column, best.case.n, len(best.case.pictures)) == ("patient", N, 5)
    assert index.query("p2/006.dcm", by=BY)[0].case is None


def test_neighbours_collapse_without_cases_too(index):
    hits = index.query("p1/005.dcm", by=BY, k=1000, collapse=9.0)
    at = {}
    for hit in hits:
        at.setdefault(patient(hit.id), []).append(float(index.picture(hit.id).metadata["position"]))
    assert max(map(len, at.values())) > 1
    for places in at.values():
        assert all(abs(a - b) > 9 for a, b in itertools.combinations(places, 2))


@pytest.mark.parametrize("by", [BY, ["thumbnail", "colour"]])
def test_no_more_images_are_ranked_than_collapse_to_the_best(index, by, monkeypatch):
    whole = index.query("p1/005.dcm", by=by, k=1000, collapse=20.0)
    monkeypatch.setattr(group_cases, "_SLICES", 1)
    monkeypatch.setattr(query, "_DEEPER", 2)
    for k in (1, 4, 9, len(whole)):
        assert index.query("p1/005.dcm", by=by, k=k, collapse=20.0) == whole[:k]


def test_the_own_patient_can_be_left_out(index):
    hits = index.query("p4/004.dcm", by=BY, k=100, group_by="patient", not_same="patient")
    assert len(hits) == N_PATIENTS - 1 and "p4" not in {patient(hit.id) for hit in hits}


@pytest.mark.parametrize("how", ["maxsim", "votes"])
@pytest.mark.parametrize("by", [BY, []])
def test_a_volume_finds_itself_slice_by_slice(index, how, by):
    slices = [name for name in index.names if name.startswith("p5/")]
    hits = index.query_volume(slices, by=by, volume_by=how)
    assert patient(hits[0].id) == "p5" and len(hits) == N_PATIENTS
    assert [(a, b) for a, b, _ in hits[0].case.aligned] == [(name, name) for name in slices]
    others = index.query_volume(slices, by=by, volume_by=how, not_same="patient")
    assert len(others) == N_PATIENTS - 1 and patient(others[0].id) != "p5"


def test_late_interaction_agrees_with_a_plain_reference(index):
    slices = [name for name in index.names if name.startswith("p3/")]
    totals = dict.fromkeys((f"p{i}" for i in range(N_PATIENTS)), 0.0)
    for name in slices:
        best = {}
        for hit in index.query(name, by=BY, k=1000):
            best.setdefault(patient(hit.id), hit.score)
        for case, score in best.items():
            totals[case] += score / len(slices)
    hits = index.query_volume(slices, by=BY, group_by="patient")
    assert {patient(hit.id): hit.score for hit in hits} == pytest.approx(totals, abs=1e-5)


def test_slices_that_are_read_answer_like_those_that_are_stored(index, folder):
    names = [name for name in index.names if name.startswith("p6/")]
    stored = index.query_volume(names, by=BY)
    again = index.query_volume([index.read(name) for name in names], by=BY)
    assert [hit.id for hit in stored] == [hit.id for hit in again]
    assert [hit.score for hit in stored] == pytest.approx([hit.score for hit in again], abs=1e-5)


def test_slices_are_ordered_along_the_normal(index):
    slices = [
        Slice.of(e.name, e.groups, e.metadata, e.shape)
        for e in sorted(index.pictures(), key=lambda e: int(e.metadata["instance_number"]))
    ]
    stacks = find_stacks(slices)
    assert len(stacks) == N_PATIENTS
    for stack in stacks:
        names = [slices[i].name for i in stack]
        assert names == sorted(names) and len(names) == N


def test_two_stacks_in_a_series_are_told_apart(tmp_path):
    front = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0))
    for i in range(6):
        write_slice(tmp_path / f"a{i}.dcm", look(0, i / 5), patient="P", series="1", corner=(0, 0, 5 * i))
        write_slice(
            tmp_path / f"c{i}.dcm", look(1, i / 5), patient="P", series="1", corner=(0, 5 * i, 0), axes=front
        )
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([tmp_path], jobs=1)
        slices = [Slice.of(e.name, e.groups, e.metadata, e.shape) for e in index.pictures()]
        found = {tuple(slices[i].name for i in stack) for stack in find_stacks(slices)}
        coronal = tuple(f"c{i}.dcm" for i in reversed(range(6)))  # from back to front
        assert found == {tuple(f"a{i}.dcm" for i in range(6)), coronal}
        near = index.query("a2.dcm", k=100, collapse=5.5)
        assert {hit.id[0] for hit in near} == {"a", "c"}


def test_feedback_moves_the_answer_and_hides_what_was_not_liked(index):
    before = index.query("p0/002.dcm", by=BY, k=1000)
    after = index.query("p0/002.dcm", by=BY, k=1000, like=["p1/009.dcm"], unlike=["p0/003.dcm"])
    rank = {hit.id: hit.rank for hit in before}
    assert "p0/003.dcm" not in {hit.id for hit in after}
    assert {hit.id: hit.rank for hit in after}["p1/009.dcm"] < rank["p1/009.dcm"]


def test_the_first_hits_are_the_same_whether_the_query_is_among_them(index):
    # One of the first two hits is liked already: the third is no first hit, with the query or without.
    name = "p0/002.dcm"
    liked = [index.query(name, by=BY, k=1, include_self=False)[0].id]
    whole, others = (
        index.query(name, by=BY, k=1000, like=liked, blind=2, include_self=own) for own in (True, False)
    )
    assert {hit.id: hit.score for hit in others} == {hit.id: hit.score for hit in whole if hit.id != name}


def test_findings_count_cases_and_never_the_own_one(index, folder):
    table = LabelTable.read(folder / "labels.csv")
    found = index.find_labels("p0/005.dcm", by=BY, k=4, labels=table)
    assert (found.column, found.drawn, found.total) == ("patient", 4, N_PATIENTS - 1)
    (lung,) = found.labels
    assert (lung.found, lung.drawn, lung.labelled, lung.p) == (4, 4, 6, 1.0)
    assert found.verdict == "not enough evidence"
    of_pictures = index.find_labels("p0/005.dcm", by=BY, k=4, group_by="id")
    assert of_pictures.total == 6 * N_PATIENTS - 1
    whole = index.find_labels([name for name in index.names if name.startswith("p0/")], by=BY, k=3)
    assert (whole.drawn, whole.total, whole.unlike) == (3, N_PATIENTS - 1, None)


def test_findings_without_a_label_are_refused(index):
    with pytest.raises(SettingError, match="no image that may be found has a label"):
        index.find_labels("p0/005.dcm", by=BY, where="label is null", group_by="id")


def test_a_query_unlike_anything_is_noticed(index):
    noise = np.random.default_rng(0).random((32, 32), dtype=np.float32)
    from retrieval.picture import Picture

    found = index.find_labels(Picture(noise, "noise"), by=BY, k=3)
    assert found.unlike == pytest.approx(1 / (N_PATIENTS * N + 1)) and found.is_unlike
    assert index.find_labels("p2/005.dcm", by=BY, k=3).unlike > 0.02


def test_a_range_is_located_by_other_volumes(index):
    for number in range(N_PATIENTS):
        names = [name for name in index.names if name.startswith(f"p{number}/")]
        heights = [number * 7.0 + 5.0 * i for i in range(N)]
        found = index.locate_range(names, heights, "lung", by=BY)
        assert found.range.bottom == pytest.approx(heights[3], abs=5)
        assert found.range.top == pytest.approx(heights[8], abs=5)
        assert found.n_volumes == N_PATIENTS - 1
        assert abs(found.bottom - 3) <= 1 and abs(found.top - 8) <= 1


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda i: i.query("p0/001.dcm", case_by="mean-3"), "needs cases"),
        (lambda i: i.query("p0/001.dcm", group_by="patient", case_by="worst"), "give best, mean-3"),
        (lambda i: i.query("p0/001.dcm", collapse=-1.0), "collapse: -1.0 mm"),
        (lambda i: i.query("p0/001.dcm", like=["none"]), "none: no such image"),
        (lambda i: i.query("p0/001.dcm", like=["p0/002.dcm"], unlike=["p0/002.dcm"]), "is in unlike too"),
        (lambda i: i.query_volume([]), "slices: there is none"),
        (lambda i: i.query_volume(["p0/001.dcm"], volume_by="sum"), "maxsim, votes"),
        (lambda i: i.query_volume(["p0/001.dcm"], group_by="flavour"), "no column 'flavour'"),
        (lambda i: i.locate_range(["p0/001.dcm"], [1.0], "lung"), "one slice has no range"),
        (lambda i: i.locate_range(i.names[:2], [0.0, 5.0], "heart"), "its labels are lung"),
    ],
)
def test_what_makes_no_sense_is_refused(index, ask, message):
    with pytest.raises(SettingError, match=message):
        ask(index)


def test_rules_are_named_as_they_are_typed():
    assert [CaseRule(rule).name for rule in RULES] == RULES
