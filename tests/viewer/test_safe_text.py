"""Text of others is safe where it is shown."""

import csv
import io

import pytest
from support.structure import PRODUCT, modules

from viewer.safe_text import csv_text, escape, first_few, printable


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " ="])
def test_no_cell_is_a_formula(start):
    text = csv_text([(f"{start}cmd|' /C calc'!A0", 1)])
    cell, number = next(csv.reader(io.StringIO(text)))
    assert cell.startswith("'")
    assert "cmd|" in cell
    assert number == "1"


@pytest.mark.parametrize("number", [-0.5, "-0.5", "+3", "-1e-3"])
def test_negative_numbers_stay_numbers(number):
    assert csv_text([(number,)]) == f"{number}\n"


def test_of_many_names_the_first_are_shown():
    assert first_few([]) == ""
    assert first_few(["a", "b\x1b[31m", "c"]) == "a, b\\x1b[31m, c"
    assert first_few(["a", "b", "c"], 2) == "a, b, …"


def test_quotes_and_commas_come_back():
    rows = [["a,b", 'c"d', "é"]]
    assert list(csv.reader(io.StringIO(csv_text(rows)))) == rows


@pytest.mark.parametrize("show", [printable, escape, lambda text: csv_text([(text,)])])
def test_no_escape_sequence_gets_through(show):
    assert not {"\x1b", "\x07", "\x9b"} & set(show("\x1b[31mred\x07\x9b1m\udce9"))


def test_pages_read_nothing_as_html():
    assert escape("<b>'") == "&lt;b&gt;&#x27;"


def test_every_table_is_written_by_the_one_function():
    writers = [
        p.name for p in modules(*PRODUCT) if "csv.writer" in p.read_text() or "DictWriter" in p.read_text()
    ]
    assert writers == ["safe_text.py"]
