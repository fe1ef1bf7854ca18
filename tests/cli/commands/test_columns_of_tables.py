"""Columns of label tables that are called as tags of Semblance are, and hold anything."""

from __future__ import annotations

import pytest
from support.drawings import draw_numbered
from support.indexes import index_thumbnails

from cli.main import main


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Return an index of thumbnails of images with labels, and with a scale that is none."""
    place = tmp_path_factory.mktemp("columns")
    folder, index = draw_numbered(place / "in", 4), place / "ix"
    rows = [f"{n}.png,{'ab'[n % 2]},p{n},40x objective" for n in range(4)]
    (place / "t.csv").write_text("\n".join(["path,label,patient,um_per_px", *rows, ""]))
    index_thumbnails(index, folder)
    assert main(["index", str(folder), "-o", str(index), "--labels", str(place / "t.csv"), "--quiet"]) == 0
    return index


def test_a_scale_that_is_no_number_costs_no_page(labelled, tmp_path, capsys) -> None:
    page, sheet = tmp_path / "a.html", tmp_path / "a.png"
    words = ["query", str(labelled), "1.png", "--report", str(page), "--sheet", str(sheet)]
    assert main(words) == 0, capsys.readouterr().err
    assert page.stat().st_size
    assert sheet.stat().st_size


def test_an_evaluation_without_baselines_says_that_nothing_else_is_there(labelled, capsys) -> None:
    assert main(["evaluate", str(labelled), "--no-baselines", "--quiet"]) == 2
    assert "by: baselines are left out, and the index has no other than thumbnail" in capsys.readouterr().err
    assert main(["evaluate", str(labelled), "--no-baselines", "--by", "thumbnail", "--quiet"]) == 0
