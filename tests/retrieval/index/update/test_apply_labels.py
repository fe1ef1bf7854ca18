"""Facts about label tables: which pictures of an index they reach, and when."""

import os

import pytest
from support.drawings import draw_colour as draw
from support.drawings import draw_nested
from support.indexes import counts

from retrieval.baselines import Thumbnail
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def folder(tmp_path):
    return draw_nested(tmp_path / "pictures")


@pytest.fixture
def index(tmp_path, folder):
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([folder], jobs=1)
        yield index


def test_labels_reach_pictures_that_are_indexed_already(index, folder, tmp_path):
    (tmp_path / "l.csv").write_text(
        "path,label,patient,age\na/0.png,x;y,7,50\nb/3.png,x,7,60\nnone.png,z,,\n"
    )
    report = index.update([folder], jobs=1, labels=LabelTable.read(tmp_path / "l.csv"))
    assert report.pictures == 0
    assert report.labels.n_rows == 3
    assert report.labels.unmatched == ("none.png",)
    assert report.labels.n_unlabelled == 4
    entry = index.picture("a/0.png")
    assert entry.labels == ("x", "y")
    assert entry.metadata["age"] == "50"
    assert entry.groups["patient"] == "7"


def test_labels_wait_for_pictures_that_come_later_and_survive_a_touch(index, folder, tmp_path):
    (tmp_path / "l.csv").write_text("path,label\nlater.png,x\na/0.png,y\n")
    index.update([folder], jobs=1, labels=LabelTable.read(tmp_path / "l.csv"))
    draw(folder / "later.png", 1)
    os.utime(folder / "a" / "0.png", ns=(5, 5))
    assert counts(index.update([folder], jobs=1)) == (1, 0, 0, 6)
    assert index.picture("later.png").labels == ("x",)
    assert index.picture("a/0.png").labels == ("y",)


def test_label_paths_are_those_of_the_folder_that_was_given(tmp_path):
    for place, seed in (("x", 0), ("y", 1)):
        draw(tmp_path / place / "1.png", seed)
    (tmp_path / "l.csv").write_text("path,label\n1.png,of y\n")
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([tmp_path / "x"], jobs=1)
        index.update([tmp_path / "y"], jobs=1, labels=LabelTable.read(tmp_path / "l.csv"))
        assert index.picture("1.png").labels == ()
        assert index.picture("y/1.png").labels == ("of y",)


def test_labels_of_the_folder_above_reach_a_folder_that_is_indexed_already(index, folder):
    index.remove(["a/1.png"])
    table = LabelTable.of({f"pictures/{name}": "x" for name in ("a/0.png", "b/3.png", "a/1.png", "none.png")})
    report = index.update([folder.parent], jobs=1, labels=table)
    assert report.labels.unmatched == ("pictures/a/1.png", "pictures/none.png")
    assert index.picture("a/0.png").labels == index.picture("b/3.png").labels == ("x",)
    # The name of what was removed is kept nowhere, nor waits for it.
    rows = index._store.catalogue.rows("SELECT name FROM label")
    assert sorted(name for (name,) in rows) == ["a/0.png", "b/3.png", "pictures/none.png"]


def test_labels_wait_for_files_that_cannot_be_read_yet_in_a_folder_inside(index, folder, tmp_path):
    for name in ("a/9.png", "twin.png"):
        (folder / name).write_bytes(b"\x89PNG\r\n\x1a\n")
    draw(tmp_path / "other" / "twin.png", 7)
    index.update([tmp_path / "other", folder], jobs=1)
    rows = {"pictures/a/9.png": "x", "pictures/twin.png": "y"}
    report = index.update([folder.parent], jobs=1, labels=LabelTable.of(rows))
    assert report.labels.unmatched == tuple(rows)
    index.update([folder], jobs=1, labels=LabelTable.of({"twin.png": "z"}))
    draw(folder / "a" / "9.png", 8)
    draw(folder / "twin.png", 9)
    index.update([folder], jobs=1)
    assert index.picture("a/9.png").labels == ("x",)
    assert index.picture("twin.png").labels == ()
    assert index.picture("pictures/twin.png").labels == ("z",)


def test_columns_that_a_new_row_lacks_are_named(index, folder, tmp_path):
    (tmp_path / "l.csv").write_text("path,label,patient,age\na/0.png,x,7,50\nb/3.png,x,7,\n")
    assert index.update([folder], jobs=1, labels=LabelTable.read(tmp_path / "l.csv")).notes == ()
    report = index.update([folder], jobs=1, labels=LabelTable.of({"a/0.png": "y", "b/3.png": "y"}))
    assert report.labels.dropped == {"age": 1, "patient": 2}
    assert report.notes[-1].startswith("the column patient of 2 rows is dropped, for a row takes the place")
    assert index.picture("a/0.png").groups.get("patient") is None
