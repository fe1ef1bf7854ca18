"""The forms of an answer: table, JSON, CSV, TREC."""

from __future__ import annotations

import csv
import io
import json

import pytest

from cli.output.formats import FORMATS, as_csv, as_json, as_table, as_trec, columns
from viewer.answer import Answer, Caption, Row, labels
from viewer.safe_text import printable

HIT = Row(Caption("b/2 x.png", "cyst;mass", {"patient": "p7", "series": "s1"}), 1, 0.75, (3, 4, 5, 6))
OTHER = Row(Caption("c.png", "", {}), 2, 0.5)
ANSWER = Answer(Caption("a.png", "mass"), "superpixel", (HIT, OTHER))
EMPTY = Answer(Caption("a.png"), "superpixel", ())


def test_json_has_the_promised_schema() -> None:
    assert json.loads(as_json([ANSWER])) == [
        {
            "query": "a.png",
            "hits": [
                {
                    "id": "b/2 x.png",
                    "score": 0.75,
                    "rank": 1,
                    "box": [3, 4, 5, 6],
                    "group": {"patient": "p7", "series": "s1"},
                },
                {"id": "c.png", "score": 0.5, "rank": 2, "box": None, "group": {}},
            ],
        }
    ]


def test_json_of_no_hits_is_an_empty_list_of_hits() -> None:
    assert json.loads(as_json([EMPTY])) == [{"query": "a.png", "hits": []}]


def test_csv_has_a_line_a_hit_and_a_column_a_group() -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv([ANSWER]))))
    assert lines[0] == {
        "query": "a.png",
        "rank": "1",
        "id": "b/2 x.png",
        "score": "0.75",
        "x": "3",
        "y": "4",
        "w": "5",
        "h": "6",
        "label": "cyst;mass",
        "patient": "p7",
        "series": "s1",
    }
    assert lines[1]["x"] == lines[1]["patient"] == ""


def test_csv_survives_commas_quotes_and_line_breaks_in_ids() -> None:
    odd = 'a,"b"\nc'
    answer = Answer(Caption(odd), "sift", (Row(Caption(odd), 1, 1.0),))
    assert next(csv.DictReader(io.StringIO(as_csv([answer]))))["id"] == odd


def test_trec_lines_keep_six_columns() -> None:
    assert as_trec([ANSWER]) == ("a.png Q0 b/2%20x.png 1 0.75 semblance\na.png Q0 c.png 2 0.5 semblance\n")
    odd = Answer(Caption("50%\t a.png"), "sift", (Row(Caption("d\u00a0e"), 1, 1.0),))
    assert as_trec([odd]) == "50%25%09%20a.png Q0 d%C2%A0e 1 1 semblance\n"


def test_table_shows_rank_score_id_label_and_patient() -> None:
    lines = as_table([ANSWER]).splitlines()
    assert lines[0] == "a.png  by superpixel  label mass"
    assert lines[1].split() == ["rank", "score", "id", "label", "patient"]
    assert lines[2].split() == ["1", "0.7500", "b/2", "x.png", "cyst;mass", "p7"]
    assert "s1" not in as_table([ANSWER])


def test_table_leaves_out_columns_without_content() -> None:
    bare = Answer(Caption("a.png"), "sift", (OTHER,))
    assert as_table([bare]).splitlines()[1].split() == ["rank", "score", "id"]


def test_table_of_no_hits_says_so() -> None:
    assert "no image to rank" in as_table([EMPTY])


@pytest.mark.parametrize("form", FORMATS)
def test_no_answers_are_no_error(form: str) -> None:
    assert isinstance(FORMATS[form]([]), str)


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert printable("a\x1b[31mb\nc") == "a\\x1b[31mb\\nc"
    assert printable("bad\udcff") == "bad\\udcff"
    assert "\x1b" not in as_table([Answer(Caption("\x1b]0;x"), "sift", ())])


def test_columns_are_aligned() -> None:
    assert columns(["a", "n"], [["long", "1"], ["b", "22"]], right=[1]) == "a      n\nlong   1\nb     22"


def test_labels_are_split_at_semicolons() -> None:
    assert labels("a; b;;") == {"a", "b"}
    assert ANSWER.same_label(HIT) is True
    assert ANSWER.same_label(OTHER) is None
    assert Answer(Caption("q", "cyst2"), "sift", (HIT,)).same_label(HIT) is False


def test_only_the_widest_usual_group_is_shown() -> None:
    group = {"series": "s", "study": "t", "patient": "p", "site": "x"}
    assert Caption("a", group=group).closest == {"patient": "p", "site": "x"}
    assert Caption("a", group={"series": "s", "study": "t"}).closest == {"study": "t"}
