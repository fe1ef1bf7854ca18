"""Facts about an index that says what a picture is called."""

import numpy as np
import pytest
from PIL import Image

from retrieval.answers.knn import calibrate, vote
from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.errors import SettingError
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}
N_PATIENTS = 17
BY = ["colour"]


def draw(path, colour, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(-30, 30, (24, 24, 3))
    levels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(levels).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write pictures of three colours for 17 patients; some colours have a wrong label."""
    folder = tmp_path_factory.mktemp("colours")
    lines = ["path,label,patient,size"]
    for i, (name, colour) in enumerate(COLOURS.items()):
        for patient in range(N_PATIENTS):
            path = f"{name}/p{patient}.png"
            draw(folder / path, colour, 100 * i + patient)
            label = "red" if (name, patient) == ("green", 0) else name
            lines.append(f"{path},{label},p{patient},{3 + i}")
    draw(folder / "nameless.png", COLOURS["blue"], 999)
    (folder / "labels.csv").write_text("\n".join([*lines, ""]))
    return folder


@pytest.fixture(scope="module")
def place(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("index") / "index"
    with IndexWriter.create(place) as made:
        made.add_representation(ColourHistogram())
        made.add_representation(Thumbnail())
        made.update([folder], jobs=1, labels=LabelTable.read(folder / "labels.csv"))
    return place


@pytest.fixture
def index(place):
    with Index.open(place) as opened:
        yield opened


def test_a_picture_is_called_as_those_that_look_like_it(index):
    found = index.classify("nameless.png", by=BY, k=5)
    assert found.label == found.best == "blue"
    assert found.votes == {"blue": 1.0}
    assert found.confidence > 0.8 and found.doubt is None
    assert found.calibrated_on == 3 * N_PATIENTS


def test_the_votes_are_those_of_the_nearest_labelled_pictures(index):
    found = index.classify("green/p3.png", by=BY, k=6)
    hits = index.query("green/p3.png", by=BY, k=6, include_self=False, where="label is not null")
    assert [(n.id, n.rank, n.score) for n in found.neighbours] == [(h.id, h.rank, h.score) for h in hits]
    labels = [index.picture(hit.id).labels for hit in hits]
    assert [n.labels for n in found.neighbours] == labels
    assert found.votes == vote(labels, [hit.score for hit in hits], 6)


@pytest.mark.parametrize("by", [BY, ["colour", "thumbnail"]])
@pytest.mark.parametrize("column", ["patient", "id"])
def test_the_confidence_is_learnt_from_pictures_without_their_own_group(index, by, column):
    shares, right = [], []
    for name in index.names:
        labels = index.picture(name).labels
        if labels:
            hits = index.query(name, by=by, k=4, not_same=column, where="label is not null")
            votes = vote([index.picture(hit.id).labels for hit in hits], [hit.score for hit in hits], 4)
            best = next(iter(votes))
            shares.append(votes[best])
            right.append(best in labels)
    asked = None if column == "patient" else column  # the patient is what is left out unasked
    found = index.classify("nameless.png", by=by, k=4, not_same=asked)
    known = calibrate(shares, right)
    assert found.calibrated_on == len(right)
    assert found.confidence == pytest.approx(float(known.confidence(found.votes[found.best])), abs=1e-6)


def test_no_own_patient_and_never_the_picture_itself_votes(index):
    for options in ({}, {"not_same": "patient"}):
        names = [n.id for n in index.classify("red/p1.png", by=BY, k=100, **options).neighbours]
        assert "red/p1.png" not in names and "nameless.png" not in names
        assert any(name.endswith("p1.png") for name in names) is (not options)


def test_a_picture_that_was_read_is_classified(index, folder):
    (picture,) = index.read_query(folder / "blue" / "p2.png")
    found = index.classify(picture, by=BY, k=3)
    assert found.label == "blue" and found.neighbours[0].id == "blue/p2.png"
    others = [name for name in index.names if name != "blue/p2.png"]
    assert index.classify(picture, by=BY, k=3, among=others).neighbours[0].id != "blue/p2.png"


def test_another_column_holds_the_labels(index):
    assert index.classify("red/p2.png", by=BY, label_of="size").label == "3"
    with pytest.raises(SettingError, match="no column 'dose' in this index; it has"):
        index.classify("red/p2.png", by=BY, label_of="dose")


def test_only_what_meets_the_condition_votes(index):
    found = index.classify("red/p2.png", by=BY, where="label != 'red'", unsure=0)
    assert "red" not in found.votes
    assert found.calibrated_on == 2 * N_PATIENTS - 1


def test_there_is_no_label_below_the_confidence_that_is_asked_for(index):
    found = index.classify("nameless.png", by=BY, unsure=1.0)
    assert (found.label, found.best, found.doubt) == (None, "blue", "unsure")


def test_what_is_unlike_anything_has_no_label(index, tmp_path):
    levels = np.full((24, 24, 3), (250, 250, 120), np.uint8)
    for doubt in ("nothing alike", "unlike anything"):
        Image.fromarray(levels).save(tmp_path / "odd.png")
        (picture,) = index.read_query(tmp_path / "odd.png")
        found = index.classify(picture, by=BY)
        assert (found.label, found.doubt) == (None, doubt) and found.unlike <= 0.02
        levels[:6] = COLOURS["red"]
    assert found.best == "red"


def test_too_few_labels_tell_no_confidence(folder, tmp_path):
    (tmp_path / "few.csv").write_text("path,label\nred/p0.png,red\nred/p1.png,red\nblue/p0.png,blue\n")
    with IndexWriter.create(tmp_path / "i") as index:
        index.add_representation(ColourHistogram())
        index.update([folder], jobs=1, labels=LabelTable.read(tmp_path / "few.csv"))
        found = index.classify("nameless.png")
        assert (found.best, found.label, found.confidence) == ("blue", None, None)
        assert found.doubt == "too few labels" and found.calibrated_on == 2
        assert index.classify("nameless.png", unsure=0).label == "blue"
        with pytest.raises(SettingError, match="no image that may vote has a value of 'patient'; index with"):
            index.classify("nameless.png", label_of="patient")


def test_the_confidence_is_learnt_once(index):
    first = index.classify("red/p1.png", by=BY)
    kept = index.ask(lambda snapshot: dict(snapshot.kept))
    assert index.classify("red/p1.png", by=BY) == first
    assert index.ask(lambda snapshot: dict(snapshot.kept)) == kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unsure": 1.5}, "unsure: 1.5; give a probability, from 0 to 1"),
        ({"unsure": float("nan")}, "unsure: nan; give a probability"),
        ({"group_by": "patient"}, "group_by: whole images are classified, as they are; leave it out"),
        ({"like": ("red/p1.png",)}, "like: whole images are classified"),
        ({"by": ["deep"]}, "by: no representation 'deep' in this index"),
        ({"k": 0}, "k: 0 is below 1"),
        ({"fusion": "mean"}, "fusion: 'mean' is unknown"),
        ({"not_same": "dose"}, "no column 'dose'"),
    ],
)
def test_options_that_make_no_sense_are_refused(index, options, message):
    with pytest.raises(SettingError, match=message):
        index.classify("red/p1.png", **options)


@pytest.mark.parametrize("turned", [False, True])
def test_names_of_files_do_not_decide_who_votes(tmp_path, turned):
    """Twelve images of one colour histogram and no other likeness: four of one label, eight of another."""
    random, lines = np.random.default_rng(3), ["path,label"]
    levels = random.integers(0, 256, (24 * 24, 3)).astype(np.uint8)
    for i in range(13):
        # Shuffled pixels: the same colours, and no near-duplicates.
        image = random.permutation(levels).reshape(24, 24, 3)
        name = f"{11 - i if turned and i < 12 else i:02}.png"
        Image.fromarray(image).save(tmp_path / name)
        lines += [f"{name},{'a' if i < 4 else 'b'}"] if i < 12 else []
    (tmp_path / "labels.csv").write_text("\n".join([*lines, ""]))
    with IndexWriter.create(tmp_path / "index") as made:
        made.add_representation(ColourHistogram())
        made.update([tmp_path], jobs=1, labels=LabelTable.read(tmp_path / "labels.csv"))
    with Index.open(tmp_path / "index") as opened:
        found = opened.classify("12.png", by=BY, k=4)
    assert found.votes == pytest.approx({"b": 2 / 3, "a": 1 / 3})
