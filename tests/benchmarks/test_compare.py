"""The comparison, end to end on a small generated folder of one's own."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

from benchmarks import compare
from benchmarks.comparison import dataset, kept, tables
from benchmarks.shared import plain_pipeline

FEW = {"points": 60, "words": 40}
SMALL = {
    "equal": {name: {**FEW, "tone_words": 0} for name in ("sift", "dense", "superpixel")},
    "own": {
        "superpixel": {**FEW, "tone_words": 12},
        "dense": {**FEW, "tone_words": 12, "foreground_only": True},
        "sift": {**FEW, "tone_words": 12, "descriptor": "opponentsift"},
        "vlad": {"points": 60, "words": 8},
        "asmk": FEW,
        "deep": {},
    },
}
"""The two recipes with far fewer points and words: the way is the same, and the figures mean nothing here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "scans"
    folder.mkdir()
    lines = ["path,label,patient"]
    for i in range(18):
        rng = np.random.default_rng(i)
        rows, cols = np.indices((96, 96))
        wave = np.sin((rows, cols, rows + cols)[i % 3] * 0.5 + rng.uniform(0, 6))
        noise = cv2.GaussianBlur(rng.normal(size=(96, 96)), (0, 0), 1)
        assert cv2.imwrite(str(folder / f"{i:02}.png"), np.clip(128 + 40 * wave + 60 * noise, 0, 255))
        lines.append(f"{i:02}.png,{'abc'[i % 3]},p{i // 2}")
    (folder / "labels.csv").write_text("\n".join([*lines, ""]))
    return folder


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> Path:
    out = folder.parent / "out"
    monkeypatch.setattr(dataset, "RECIPES", SMALL)
    monkeypatch.setattr(plain_pipeline, "WORDS", 30)
    monkeypatch.setattr(plain_pipeline, "POINTS", 50)
    monkeypatch.setattr("sys.argv", ["compare", str(folder), "-o", str(out), "--jobs", "1", *more])
    assert compare.main() == 0
    return out


def test_one_command_writes_tables_plots_and_a_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = folder.parent / "README.md"
    readme.write_text("before\n<!-- compare -->\nold\n<!-- /compare -->\nafter\n")
    out = run(folder, monkeypatch, "--readme", str(readme), "--results", str(folder.parent / "results.md"))
    printed = capsys.readouterr().out
    assert "| words & deep, learnt |" in printed
    assert "| words & deep, smooth | 100.0" in printed
    text = readme.read_text()
    assert text.startswith("before\n<!-- compare -->\nmAP in percent") and text.endswith("after\n")
    assert "| ranked by | scans |" in text
    assert "old" not in text
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert not re.search(r'(src|href)="(?!data:)', page)
    report = (out / "report.md").read_text()
    assert report == (folder.parent / "results.md").read_text()
    for part in ("seed: 0", "recipes of scans", "date: ", "Holm", "machine: "):
        assert part in report
    assert str(folder.parent) not in report.replace(f"compare {folder}", "")
    with (out / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["set"] for row in rows} == {"scans"}
    assert {"random", "words", "deep", "vlad", "asmk"} <= {row["ranked by"] for row in rows}
    assert (out / "plot1.png").read_bytes().startswith(b"\x89PNG")

    def never(*_: object) -> None:
        raise AssertionError("what is kept is not measured again")

    monkeypatch.setattr(compare, "run", never)
    before = (out / "table.csv").read_text()
    run(folder, monkeypatch)
    assert (out / "table.csv").read_text() == before


def test_a_changed_label_is_measured_again(folder: Path) -> None:
    place = folder.parent / "out" / "cache" / "scans.result.npz"
    assert kept.load(place, "another key") is None
    assert kept.load(folder / "nothing.npz", "key") is None


def test_a_document_without_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing")
    with pytest.raises(SystemExit, match="compare"):
        compare.put("table", tmp_path / "README.md")


def test_markdown_tables() -> None:
    assert tables.markdown(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --: |\n| 1 | 2 |"
    assert tables.percent(float("nan")) == "" and tables.percent(0.1234) == "12.3"
