"""Facts about label tables."""

from pathlib import PurePosixPath

import numpy as np
import pytest

from retrieval.errors import SettingError
from retrieval.metadata.label_table import LabelTable
from viewer.safe_text import csv_text


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return LabelTable.read(path).rows


def test_labels_columns_and_lines_are_read(tmp_path):
    text = "path,label,patient,age,split\na/1.png,lung; heart,p1,61,train\nb.png,brain,p2,7.5,\n"
    rows = read(tmp_path, text)
    assert list(rows) == ["a/1.png", "b.png"]
    assert rows["a/1.png"].labels == ("lung", "heart")
    assert rows["a/1.png"].columns == {"patient": "p1", "age": "61", "split": "train"}
    assert rows["b.png"].columns == {"patient": "p2", "age": "7.5"}
    assert rows["b.png"].line == 3


@pytest.mark.parametrize("text", ["12", "-3.5", "1e3", "007", "1.10", "2.0", "9" * 20, "nan", "-"])
def test_every_field_stays_the_text_that_it_is(tmp_path, text):
    rows = read(tmp_path, f"path,label,x\na.png,l,{text}\n")
    assert rows["a.png"].columns["x"] == text


def test_an_empty_label_is_no_label_and_a_repeated_one_stands_once(tmp_path):
    rows = read(tmp_path, "path,label\na.png,\nb.png,x;;x ; y\n")
    assert rows["a.png"].labels == ()
    assert rows["b.png"].labels == ("x", "y")


def test_byte_order_mark_blank_lines_backslashes_and_crlf_are_taken(tmp_path):
    rows = read(tmp_path, "path,label\r\n\r\n.\\a\\b.png,x\r\n", "utf-8-sig")
    assert list(rows) == ["a/b.png"]


def test_quoted_fields_may_hold_commas_and_lines(tmp_path):
    rows = read(tmp_path, 'path,label,note\n"a,b.png",x,"two\nlines"\nc.png,y,z\n')
    assert rows["a,b.png"].columns["note"] == "two\nlines"
    assert rows["c.png"].line == 4


def test_a_table_without_rows_is_empty(tmp_path):
    assert read(tmp_path, "path,label\n") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: no column 'path'"),
        ("path;label\na;b\n", "line 1: columns stand apart by semicolons; save it with commas"),
        ("path\tlabel\na\tb\n", "line 1: columns stand apart by tabs; save it with commas"),
        ("path,class\na,b\n", "line 1: no column 'label'"),
        ("path,label,path\n", "column 'path' stands twice"),
        ("path,label\na.png,x\na.png,y\n", "line 3: 'a.png' stands on line 2 already"),
        ("path,label\n,x\n", "line 2: the path is empty"),
        ("path,label\na.png,x,y\n", "line 2: 3 fields, but the header has 2"),
        ("path,label\na.png\n", "line 2: 1 fields, but the header has 2"),
        (b"path,label\na.png,x\nb.png,\xff\xfe\n", "not UTF-8 near line 3"),
        ('path,label\na.png,"x\n', "line 2: unexpected end of data"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(SettingError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingError, match=r"missing\.csv: No such file or directory"):
        LabelTable.read(tmp_path / "missing.csv")
    with pytest.raises(SettingError, match="Is a directory"):
        LabelTable.read(tmp_path)


def test_columns_may_be_called_otherwise(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_text("file,cls,label,age\na.png,x;y,old,5\n")
    rows = LabelTable.read(path, "file", "cls").rows
    assert rows["a.png"].labels == ("x", "y")
    assert rows["a.png"].columns == {"age": "5"}
    with pytest.raises(SettingError, match="no column 'path'"):
        LabelTable.read(path)


def test_folders_label_what_is_in_them():
    rows = LabelTable.by_folder(["cat/1.png", "pets/dog/2.png", "3.png"]).rows
    assert {name: row.labels for name, row in rows.items()} == {
        "cat/1.png": ("cat",),
        "pets/dog/2.png": ("dog",),
        "3.png": (),
    }


def test_what_a_table_of_ours_guards_against_spreadsheets_is_read_as_it_was(tmp_path):
    text = csv_text([("path", "label"), ("=1.png", "-x"), ("-2.png", "'quoted'"), ("a.png", "+")])
    (tmp_path / "l.csv").write_text(text)
    assert "'=1.png" in text
    rows = LabelTable.read(tmp_path / "l.csv").rows
    assert {name: row.labels for name, row in rows.items()} == {
        "=1.png": ("-x",),
        "-2.png": ("'quoted'",),
        "a.png": ("+",),
    }


def test_labels_of_a_program_are_the_texts_that_a_table_would_have():
    given = {
        "a.png": 1,
        "./b.png": [np.int64(2), "x", " x "],
        PurePosixPath("c/d.png"): np.array(["y", "z"]),
        "e.png": None,
        "f.png": "",
    }
    rows = LabelTable.of(given).rows
    assert {path: row.labels for path, row in rows.items()} == {
        "a.png": ("1",),
        "b.png": ("2", "x"),
        "c/d.png": ("y", "z"),
        "e.png": (),
        "f.png": (),
    }
    assert [row.line for row in rows.values()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("label", [0.5, float("nan"), b"x", ["x", 1.0], {"x": [1]}.values()])
def test_what_is_no_label_in_a_program_is_named_with_its_row(label):
    with pytest.raises(SettingError, match=r"^labels: row 2 \(b\.png\): .* is no label; give text"):
        LabelTable.of({"a.png": "x", "b.png": label})


@pytest.mark.parametrize("path", [3, None, "", b"a.png"])
def test_what_is_no_path_in_a_program_is_named_with_its_row(path):
    with pytest.raises(SettingError, match=r"^labels: row 1: .* is no path"):
        LabelTable.of({path: "x"})


def test_a_path_that_a_program_spells_in_two_ways_is_refused():
    with pytest.raises(SettingError, match=r"row 2: 'a\.png' is in row 1; name it once"):
        LabelTable.of({"a.png": "x", "./a.png": "y"})
