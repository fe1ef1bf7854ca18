"""Columns of label tables that are called as what Semblance itself knows of images, and hold anything."""

from __future__ import annotations

import pytest
from support.drawings import draw_numbered
from support.indexes import index_thumbnails

from cli.main import main


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return an index of thumbnails, its images, and the text of a table with their labels."""
    place = tmp_path_factory.mktemp("columns")
    folder, index = draw_numbered(place / "in", 4), place / "ix"
    index_thumbnails(index, folder)
    rows = [f"{n}.png,{'ab'[n % 2]},p{n},40x objective" for n in range(4)]
    return index, folder, "\n".join(["path,label,patient,{}", *rows, ""])


def labels(drawn, table, column):
    index, folder, text = drawn
    table.write_text(text.format(column))
    return main(["index", str(folder), "-o", str(index), "--labels", str(table), "--quiet"])


def test_a_scale_is_refused_and_changes_nothing(drawn, tmp_path, capsys) -> None:
    assert labels(drawn, tmp_path / "t.csv", "um_per_px") == 2
    assert "labels: column um_per_px: an index fills such a column itself" in capsys.readouterr().err
    assert main(["info", str(drawn[0])]) == 0
    assert "40x" not in capsys.readouterr().out


def test_sides_that_are_no_numbers_cost_no_page(drawn, tmp_path, capsys) -> None:
    assert labels(drawn, tmp_path / "t.csv", "width") == 0
    page, sheet = tmp_path / "a.html", tmp_path / "a.png"
    words = ["query", str(drawn[0]), "1.png", "--report", str(page), "--sheet", str(sheet)]
    assert main(words) == 0, capsys.readouterr().err
    assert page.stat().st_size
    assert sheet.stat().st_size


def test_an_evaluation_without_baselines_says_that_nothing_else_is_there(drawn, tmp_path, capsys) -> None:
    assert labels(drawn, tmp_path / "t.csv", "lens") == 0
    index = str(drawn[0])
    assert main(["evaluate", index, "--no-baselines", "--quiet"]) == 2
    assert "by: baselines are left out, and the index has no other than thumbnail" in capsys.readouterr().err
    assert main(["evaluate", index, "--no-baselines", "--by", "thumbnail", "--quiet"]) == 0
