"""Examples: labelled files become squares, frames and patients are kept apart, and the rest is reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from support.dicom_files import texture, write_dicom

import deep.training.dataset
import deep.training.square_file
from deep.training.dataset import Examples, read_examples
from deep.training.labelled_files import labelled_files
from retrieval.errors import FitError, SettingError
from retrieval.metadata.label_table import LabelTable


def write_grey(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((6, 8), level, dtype=np.uint8) + np.arange(8, dtype=np.uint8))


def read(folder: Path, *rows: str, report: list[str] | None = None, **options: Any) -> Examples:
    """Read the examples that the rows of a table name; the first is the header."""
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    said = (report if report is not None else []).append
    files = labelled_files(folder, LabelTable.read(folder / "labels.csv"), said)
    return read_examples(files, 4, **{"jobs": 1, **options})


def test_pictures_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for i, name in enumerate(["b/1.png", "a.png", "b/0.png"]):
        write_grey(tmp_path / name, 60 * i)
    found = read(tmp_path, "path,label,patient", "b/1.png,x,p1", "a.png,y,p2", "b/0.png,x,p1")
    assert found.names == ("a.png", "b/0.png", "b/1.png")
    assert found.labels == ("y", "x", "x")
    assert found.groups == ("patient p2", "patient p1", "patient p1")
    assert found.splits is None
    assert found.squares.shape == (3, 3, 4, 4) and found.squares.dtype == np.uint8
    assert len({square.tobytes() for square in found.squares}) == 3


def test_studies_of_a_table_do_not_part_the_images_of_a_patient(tmp_path: Path) -> None:
    for i in range(2):
        write_dicom(tmp_path / f"{i}.dcm", texture(i, (8, 8)), uid=f"1.2.{i}", PatientID="p")
    write_grey(tmp_path / "2.png", 60)
    found = read(tmp_path, "path,label,study", "0.dcm,x,s0", "1.dcm,y,s1", "2.png,x,s2")
    assert found.groups[0] == found.groups[1] and found.groups[0].startswith("patient ")
    assert found.groups[2] == "study s2"


def test_several_labels_are_a_class_of_their_own_in_any_order(tmp_path: Path) -> None:
    for i in range(3):
        write_grey(tmp_path / f"{i}.png", 60 * i)
    found = read(tmp_path, "path,label", "0.png,x;y", "1.png,y;x", "2.png,x")
    assert found.labels == ("x;y", "x;y", "x")
    assert found.groups == ("file 0.png", "file 1.png", "file 2.png")


def test_frames_of_a_file_are_one_group_and_may_be_named_one_by_one(tmp_path: Path) -> None:
    pages = np.random.default_rng(0).integers(0, 255, (3, 6, 8), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "stack.tif", pages, photometric="minisblack")
    write_grey(tmp_path / "0.png", 60)
    found = read(tmp_path, "path,label", "stack.tif,x", "stack.tif#1,y", "0.png,y")
    assert dict(zip(found.names, found.labels, strict=True)) == {
        **{"0.png": "y", "stack.tif#0": "x"},
        **{"stack.tif#1": "y", "stack.tif#2": "x"},
    }
    assert set(found.groups) == {"file 0.png", "file stack.tif"}
    only = read(tmp_path, "path,label", "stack.tif#1,y", "stack.tif#9,y", "0.png,x")
    assert only.names == ("0.png", "stack.tif#1")
    assert only.notes == ("skipped stack.tif#9: there is no such frame",)


def test_pictures_of_the_test_and_without_a_label_are_not_wanted(tmp_path: Path) -> None:
    for i in range(5):
        write_grey(tmp_path / f"{i}.png", 40 * i)
    said: list[str] = []
    found = read(
        tmp_path,
        "path,label,split,group",
        *("0.png,x,train,g0", "1.png,y,VAL,g1", "2.png,x,test,g0", "3.png,,train,g3"),
        report=said,
    )
    assert found.names == ("0.png", "1.png") and found.splits == ("train", "VAL")
    assert found.groups == ("group g0", "group g1")
    # 2.png to 4.png, and the table itself
    assert said == [
        "4 files have no label to learn from",
        "1 patients or groups of the test stand outside it, too: its figures will flatter",
    ]


def test_processes_read_as_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{i}.png,{'xy'[i % 2]}" for i in range(9)]
    for i in range(9):
        write_grey(tmp_path / f"{i}.png", 20 * i)
    one = read(tmp_path, "path,label", *rows)
    monkeypatch.setattr(deep.training.dataset, "FEW", 0)
    two = read(tmp_path, "path,label", *rows, jobs=2)
    assert one.names == two.names
    np.testing.assert_array_equal(one.squares, two.squares)


def test_many_squares_are_mapped_instead_of_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(2):
        write_grey(tmp_path / f"{i}.png", 20 * i)
    rows = ("path,label", "0.png,x", "1.png,y")
    held = read(tmp_path, *rows)
    monkeypatch.setattr(deep.training.square_file, "IN_MEMORY", 0)
    mapped = read(tmp_path, *rows)
    assert isinstance(mapped.squares, np.memmap) and not isinstance(held.squares, np.memmap)
    np.testing.assert_array_equal(held.squares, mapped.squares)


def test_a_table_of_unreadable_files_alone_is_refused(tmp_path: Path) -> None:
    for i in range(2):
        (tmp_path / f"{i}.png").write_bytes(b"no picture")
    with pytest.raises(FitError, match=r"none of 2 labelled files can be read; skipped 0\.png"):
        read(tmp_path, "path,label", "0.png,x", "1.png,y")


def test_an_unknown_split_is_named_with_its_line(tmp_path: Path) -> None:
    write_grey(tmp_path / "0.png", 0)
    with pytest.raises(SettingError, match=r"line 2: split 'tset' is unknown; write train, val or test"):
        read(tmp_path, "path,label,split", "0.png,x,tset")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no such folder"):
        labelled_files(tmp_path / "gone", LabelTable({}), print)
