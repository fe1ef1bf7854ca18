"""Facts about deletion: nothing in the folder holds what was removed, byte by byte."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from support.drawings import draw_numbered, save_smooth
from support.indexes import counts
from support.stand_ins import Mean, Words

from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable

LOST, KEPT = "patients-own-name.png", "3.png"


def everything(place):
    """Return the bytes of all files below a folder, and of their names."""
    return b"\n".join(
        path.name.encode() + b"\n" + path.read_bytes() for path in place.rglob("*") if path.is_file()
    )


def traces(index, name):
    """Return byte strings that stand for a picture: its name, labels, vectors, evidence, thumbnail."""
    vectors = {by: index.vector(name, by) for by in index.representations}
    found = {"name": name.encode(), "label": b"very-rare-disease", "column": b"ward-of-no-return"}
    found["thumbnail"] = index.thumbnail(name)[-60:-2]
    for by, vector in vectors.items():
        values = vector if isinstance(vector, np.ndarray) else vector.values
        found[f"{by} vector"] = np.ascontiguousarray(values[:16]).tobytes()
        evidence = index.evidence(name, by)
        if evidence is not None and len(evidence) > 1:
            found[f"{by} evidence"] = evidence.tobytes()
    return found


@pytest.fixture
def folder(tmp_path):
    folder = draw_numbered(tmp_path / "pictures", 6)
    save_smooth(folder / LOST, seed=77)
    lines = [f"{i}.png,common,ward-1" for i in range(6)]
    lines += [f"{LOST},very-rare-disease;common,ward-of-no-return"]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label,ward", *lines, ""]))
    return folder


@pytest.fixture
def make(folder, tmp_path, kinds):
    factories = {"words": Words, "mean": Mean}

    def make():
        place = tmp_path / "index"
        is_new = not place.exists()
        index = (
            IndexWriter.create(place, factories=factories)
            if is_new
            else IndexWriter.open(place, factories=factories)
        )
        if is_new:
            index.add_representation(Words())
            index.add_representation(Mean(n_fit_pictures=3))
        report = index.update([folder], jobs=1, labels=LabelTable.read(tmp_path / "labels.csv"))
        return index, report

    return make


def test_after_compact_no_byte_of_a_removed_picture_is_left(make, tmp_path):
    index, _ = make()
    marks, others = traces(index, LOST), traces(index, KEPT)
    before = everything(tmp_path / "index")
    present = {what for what, text in marks.items() if text in before}
    assert {"name", "label", "column", "thumbnail", "mean vector"} <= present
    index.remove([LOST])
    assert index.leftovers() != []
    index.compact()
    index.close()
    after = everything(tmp_path / "index")
    assert {what for what, text in marks.items() if text in after} == set()
    for spelt in (
        json.dumps(LOST).encode(),
        LOST.upper().encode(),
        LOST.encode("utf-16-le"),
        b"patients-own",
    ):
        assert spelt not in after
    kept = {what for what in present & others.keys() if "label" not in what and "column" not in what}
    assert {what for what in kept if others[what] not in after} == set()


def test_names_and_labels_are_gone_before_compact(make, tmp_path):
    index, _ = make()
    index.remove([LOST])
    index.close()
    catalogue = (tmp_path / "index" / "catalogue.sqlite").read_bytes()
    assert not any(text in catalogue for text in (LOST.encode(), b"very-rare-disease", b"ward-of-no-return"))


def test_the_proof_says_what_is_left_and_then_nothing(make):
    index, _ = make()
    assert index.leftovers() == []
    assert index.leftovers([LOST]) == [f"catalogue.sqlite: holds the name {LOST}"]
    index.remove([LOST])
    left = index.leftovers([LOST])
    assert left and all("semblance compact" in line for line in left)
    assert sum("1 removed images" in line for line in left) == 2 * len(index.representations) + 1
    index.compact()
    assert index.leftovers([LOST]) == [] == index.verify()
    index.close()


def test_a_path_is_the_name_below_its_folder(make, folder):
    index, _ = make()
    assert index.leftovers([str(folder / LOST)]) == [f"catalogue.sqlite: holds the name {folder / LOST}"]
    index.remove([LOST])
    index.compact()
    assert index.leftovers([str(folder / LOST)]) == []
    index.close()


def test_what_does_not_belong_is_found(make, tmp_path):
    index, _ = make()
    (tmp_path / "index" / "segments" / "stray").mkdir()
    (tmp_path / "index" / "segments" / "stray" / "x.npy").write_bytes(b"old")
    assert index.leftovers() == ["segments/stray/x.npy: belongs to no commit; run `semblance compact`"]
    index.compact()
    assert index.leftovers() == []
    index.close()


def test_a_removed_picture_stays_away_and_its_label_row_too(make, tmp_path):
    index, _ = make()
    index.remove([LOST])
    index.close()
    index, report = make()
    assert counts(report) == (0, 0, 0, 6)
    assert report.withdrawn == (LOST,)
    index.compact()
    index.close()
    after = everything(tmp_path / "index")
    assert LOST.encode() not in after and b"very-rare-disease" not in after


def test_it_comes_back_with_its_label_when_its_file_changes(make, folder):
    index, _ = make()
    index.remove([LOST])
    index.compact()
    index.close()
    save_smooth(folder / LOST, seed=78)
    index, report = make()
    assert counts(report) == (0, 1, 0, 6)
    assert index.picture(LOST).labels == ("very-rare-disease", "common")
    index.close()
    index, report = make()
    assert counts(report) == (0, 0, 0, 7)
    index.close()


def test_a_removed_file_that_is_gone_is_forgotten(make, folder, tmp_path):
    index, _ = make()
    index.remove([LOST])
    index.close()
    (folder / LOST).unlink()
    index, report = make()
    assert counts(report) == (0, 0, 1, 6)
    index.close()
    with closing(sqlite3.connect(tmp_path / "index" / "catalogue.sqlite")) as catalogue:
        assert catalogue.execute("SELECT count(*) FROM removed").fetchone() == (0,)
        assert catalogue.execute("SELECT count(*) FROM source").fetchone() == (6,)


def test_the_index_can_be_asked_for_the_file_of_a_removed_picture(make, folder):
    index, _ = make()
    index.remove([LOST])
    assert index.names_at(folder / LOST) == []
    (asked,) = index.read_query(folder / LOST)
    assert len(index.query(asked, k=100)) == 6
    index.close()
