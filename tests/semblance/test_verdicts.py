"""Classifications, findings and evaluations as tables: the figures of the command line, and HTML."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from support.drawings import draw_colour

import retrieval.answers.enrichment
import retrieval.answers.knn
import retrieval.evaluation
import semblance
from cli.main import main

N = 24


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[semblance.Index]:
    folder = tmp_path_factory.mktemp("verdicts") / "scans"
    for number in range(N):
        draw_colour(folder / f"{number}.png", number)
    labels = {f"{number}.png": "<odd>" if number % 2 else "even" for number in range(N)}
    with semblance.index(folder, by="thumbnail", labels=labels, jobs=1) as made:
        yield made


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(list(words)) == 0
    return capsys.readouterr().out


def text(value: Any, digits: int) -> str:
    """Return a value as the command line's CSV has it."""
    if value is None or value != value:
        return ""
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def test_they_are_what_the_packages_below_return(index: semblance.Index) -> None:
    found = index.classify("0.png")
    assert isinstance(found, semblance.Classification | retrieval.answers.knn.Classification)
    assert found.query == index.findings("0.png").query == "0.png"
    assert isinstance(index.findings("0.png"), retrieval.answers.enrichment.Findings)
    assert isinstance(index.evaluate(by="thumbnail", baselines=False), retrieval.evaluation.Evaluation)


def test_a_classification_is_a_row_of_the_csv(
    index: semblance.Index, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = printed(capsys, "classify", str(index.path), "0.png", "3.png", "--csv")
    lines = list(csv.DictReader(io.StringIO(shown)))
    assert len(lines) == 2
    for line in lines:
        (row,) = index.classify(line["query"]).rows()
        assert {key: text(value, 4) for key, value in row.items()} == line


def test_findings_are_rows_of_the_json(index: semblance.Index, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("query", str(index.path), "0.png", "-k", "5", "--findings", "--json")
    (answer,) = json.loads(printed(capsys, *words))
    rows = index.findings("0.png", k=5).rows()
    assert len(rows) == len(answer["findings"]["labels"]) > 0
    for row, told in zip(rows, answer["findings"]["labels"], strict=True):
        low, high = told.pop("share_interval")
        assert row == {"query": "0.png", **told, "low": low, "high": high}


def test_an_evaluation_is_the_lines_of_the_csv(
    index: semblance.Index, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = list(csv.DictReader(io.StringIO(printed(capsys, "evaluate", str(index.path), "--csv"))))
    rows = index.evaluate().rows()
    assert [{key: text(value, 6) for key, value in row.items()} for row in rows] == lines
    assert {row["class"] for row in rows} == {"", "even", "<odd>"}


def tables(index: semblance.Index) -> list[Any]:
    return [
        index.query("0.png"),
        index.classify("0.png"),
        index.findings("0.png"),
        index.evaluate(by="thumbnail", baselines=False),
    ]


def test_without_pandas_the_remedy_is_named(index: semblance.Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for table in tables(index):
        with pytest.raises(semblance.NotInstalledError, match=r"pip install pandas`, or take rows\(\)"):
            table.to_dataframe()


def test_with_pandas_they_are_data_frames(index: semblance.Index) -> None:
    pandas = pytest.importorskip("pandas")
    for table in tables(index):
        frame, rows = table.to_dataframe(), table.rows()
        assert isinstance(frame, pandas.DataFrame)
        assert list(frame.columns) == list(rows[0]) and len(frame) == len(rows)
    frame = index.evaluate(by="thumbnail", baselines=False).to_dataframe()
    assert frame["mean"].dtype == "float64" and frame.query("`class` == ''")["low"].notna().all()


def test_in_a_notebook_they_are_tables_with_everything_escaped(index: semblance.Index) -> None:
    said, found, measured = (table._repr_html_() for table in tables(index)[1:])
    assert "0.png: " in said and "<th scope=row>even</th>" in said
    assert "findings: " in found and "by chance" in found
    assert f"{N} queries, {N} images to find" in measured and "<th scope=row>thumbnail</th>" in measured
    for html in (said, found, measured):
        assert html.count("<table") == 1 and "<odd>" not in html


def test_a_classification_says_why_it_has_no_label(index: semblance.Index) -> None:
    unsure = index.classify("0.png", unsure=1.0)
    assert unsure.label is None and f"don&#x27;t know ({unsure.doubt})" in unsure._repr_html_()
