"""Facts about tables of any size: each is read within limits, and what is wrong is said with its line."""

import os
import threading
from pathlib import Path

import pytest

from retrieval.errors import SettingError
from retrieval.metadata import table_rows
from retrieval.metadata.label_table import LabelTable
from retrieval.metadata.reference_table import References


def rows(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(table_rows.table_rows(path, "labels"))


def test_rows_come_with_their_lines_and_empty_lines_are_passed_over(tmp_path):
    found = rows(tmp_path, '\ufeffa,b\r\n\r\n1,"x\ny"\n2,"3"\n')
    assert found == [(1, ["a", "b"]), (4, ["1", "x\ny"]), (5, ["2", "3"])]


def test_lines_of_an_old_mac_end_too(tmp_path):
    assert rows(tmp_path, "a,b\r1,2\r") == [(1, ["a", "b"]), (2, ["1", "2"])]


@pytest.mark.parametrize(
    ("name", "most", "text", "message"),
    [
        ("MAX_ROWS", 2, "a\n1\n2\n3\n", "line 4: more than 2 rows; leave out rows and columns"),
        ("MAX_COLUMNS", 2, "a,b,c\n", "line 1: 3 columns, more than 2"),
        ("MAX_SIZE", 9, "a\n12345\n678\n", "line 3: more than 9 characters"),
        ("_MAX_LINE", 9, "a\n1234567890\n", "line 2: longer than 9 characters"),
    ],
)
def test_a_table_has_limits(tmp_path, monkeypatch, name, most, text, message):
    monkeypatch.setattr(table_rows, name, most)
    with pytest.raises(SettingError, match=message):
        rows(tmp_path, text)


@pytest.mark.parametrize(("sign", "called"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_table_whose_columns_stand_apart_otherwise_is_refused(tmp_path, sign, called):
    with pytest.raises(SettingError, match=f"line 1: columns stand apart by {called}; save it with commas"):
        rows(tmp_path, f"label{sign}title\na{sign}b, c\n")


def test_a_long_cell_is_refused(tmp_path):
    with pytest.raises(SettingError, match=r"line 2: field larger than field limit .*; write plain CSV"):
        rows(tmp_path, "a\n" + "x" * 200_000 + "\n")


def test_the_line_that_is_not_utf_8_is_named_far_behind_the_beginning(tmp_path):
    with pytest.raises(SettingError, match="not UTF-8 near line 5001"):
        rows(tmp_path, b"abcdefghi\n" * 5000 + b"\xff\n")


@pytest.mark.parametrize("read", [LabelTable.read, References.read])
@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="the system has none")
def test_a_file_without_an_end_is_refused(read):
    with pytest.raises(SettingError, match="/dev/zero, line 1: longer than 1,000,000 characters"):
        read(Path("/dev/zero"))


def test_a_table_may_come_through_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "t")
    writer = threading.Thread(target=(tmp_path / "t").write_text, args=("path,label\na.png,b\n",))
    writer.start()
    assert LabelTable.read(tmp_path / "t").rows["a.png"].labels == ("b",)
    writer.join()
