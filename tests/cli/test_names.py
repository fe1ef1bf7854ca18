"""Odd file names: they come back whole, and harm neither a terminal nor a page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.main import main


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    return folder


def save_indexed(path: Path, index: Path) -> None:
    """Write a picture under a name, and index its folder."""
    levels = np.random.default_rng(1).integers(0, 255, (48, 64), dtype=np.uint8)
    Image.fromarray(levels).save(path)
    assert main(["index", str(path.parent), "-o", str(index), "--by", "thumbnail", "--jobs", "1"]) == 0


@pytest.mark.parametrize("name", ["<script>.png", "50% a,b.png", 'quote".png', "片.png", "a#1.png"])
def test_odd_names_come_back_whole(
    name: str, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index, page = tmp_path / "i", tmp_path / "page.html"
    save_indexed(scans / name, index)
    capsys.readouterr()
    for image in (name, str(scans / name)):
        assert main(["query", str(index), image, "--json", "--report", str(page)]) == 0
        (answer,) = json.loads(capsys.readouterr().out)
        assert [hit["id"] for hit in answer["hits"]] == [name]
        assert "<script" not in page.read_text(encoding="utf-8")


def test_control_characters_in_names_do_not_reach_the_terminal(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, index = scans / "\x1b[31m.png", str(tmp_path / "i")
    save_indexed(path, Path(index))
    assert main(["query", index, str(path)]) == 0
    assert main(["query", index, "\x1b[31"]) == 1
    shown = capsys.readouterr()
    assert "31m.png" in shown.out
    assert "\x1b" not in shown.out + shown.err


@pytest.mark.parametrize("form", ["table", "--csv", "--trec", "--json"])
def test_a_name_that_is_not_utf_8_is_printed_all_the_same(
    form: str, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index, path = str(tmp_path / "i"), str(scans / "bad\udcff.png")
    save_indexed(Path(path), Path(index))
    more = [] if form == "table" else [form]
    assert main(["query", index, path, *more]) == 0
    assert "bad" in capsys.readouterr().out
