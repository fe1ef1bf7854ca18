"""Facts about tables of terms and of reports."""

import os
from pathlib import Path

import pytest

from retrieval.errors import SettingError
from retrieval.metadata.reports import read_reports, read_terms
from retrieval.metadata.reports.report_table import HAS_REPORT


@pytest.fixture
def terms(tmp_path):
    (tmp_path / "terms.csv").write_text("term,pattern\ncyst,cysts?\nstone,stones?\nstone,Steine?\n")
    return read_terms(tmp_path / "terms.csv")


def write(tmp_path, text):
    (tmp_path / "reports.csv").write_text(text)
    return tmp_path / "reports.csv"


def test_lines_of_one_term_are_joined(terms):
    assert [term.name for term in terms] == ["cyst", "stone"]
    assert terms[1].found.search("zwei Steine") and not terms[1].found.search("Steinen")


def test_reports_become_labels_and_keep_the_other_columns_but_no_text(tmp_path, terms):
    path = write(tmp_path, "file,case,findings,diagnosis\na.png,7,A cyst.,Stone\nb.png,8,No cyst.,\n")
    rows = read_reports(path, terms).rows
    assert rows["a.png"].labels == ("cyst", "stone") and rows["b.png"].labels == ()
    assert rows["a.png"].columns == {"case": "7", "patient": "7", HAS_REPORT: "yes"}
    assert read_reports(path, terms, ["diagnosis"]).rows["a.png"].labels == ("stone",)


def test_reports_may_come_through_a_pipe(terms):
    ours, theirs = os.pipe()
    os.write(theirs, b"path,findings\na.png,A cyst.\n")
    os.close(theirs)
    assert read_reports(Path(f"/dev/fd/{ours}"), terms).rows["a.png"].labels == ("cyst",)
    os.close(ours)


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("name,findings\na,b\n", (), "no column of paths"),
        ("path,words\na,b\n", (), "no column of text"),
        ("path,findings\na,b\n", ("text",), "no column 'text'"),
        ("", (), "is empty"),
        ("path,findings\na,b\na,c\n", (), "reports: .*line 3"),
        ("path,findings\na,b,c\n", (), "reports: .*line 2"),
        ("path,findings\n", (), "holds no report"),
    ],
)
def test_a_table_that_is_none_of_reports_is_refused(tmp_path, terms, text, columns, message):
    with pytest.raises(SettingError, match=message):
        read_reports(write(tmp_path, text), terms, columns)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,pattern\na,b\n", "term,pattern"),
        ("term,pattern\na,(b\n", "line 2: a: .*no pattern"),
        ("term,pattern\na,b*\n", "matches nothing at all"),
        ("term,pattern\na;b,c\n", "no name"),
        ("term,pattern\n", "0 terms"),
    ],
)
def test_a_table_that_is_none_of_terms_is_refused(tmp_path, text, message):
    (tmp_path / "terms.csv").write_text(text)
    with pytest.raises(SettingError, match=message):
        read_terms(tmp_path / "terms.csv")
