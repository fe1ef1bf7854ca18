"""The command map: every method, samples, conditions and columns, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pages import PageReader

from cli.main import main


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("map")
    (place / "scans").mkdir()
    for i in range(9):
        levels = np.random.default_rng(i).integers(0, 256, (12, 16), dtype=np.uint8)
        Image.fromarray(levels).resize((64, 48)).save(place / "scans" / f"{i}.png")
    lines = [f"{i}.png,{'a;b' if i % 2 else 'c'},{i % 3}" for i in range(8)]
    (place / "labels.csv").write_text("\n".join(["path,label,site", *lines, ""]))
    arguments = ("index", place / "scans", "-o", place / "i", "--by", "thumbnail", "--jobs", 1)
    assert run(*arguments, "--labels", place / "labels.csv") == 0
    return place / "i"


@pytest.mark.parametrize("method", ["pca", "kernel-pca", "tsne"])
def test_every_method_draws_every_picture(
    index: Path, tmp_path: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    out = tmp_path / "map.html"
    assert run("map", index, "--by", "thumbnail", "--method", method, "-o", out) == 0
    assert capsys.readouterr().out == f"{out}: 9 images by {method} of thumbnail\n"
    page = PageReader(out.read_text("utf-8"))
    assert [spot["id"] for spot in page.data["spots"]] == [f"{i}.png" for i in range(9)]
    assert [kind["name"] for kind in page.data["kinds"]] == ["a;b", "c", "none"]
    places = np.array([(spot["x"], spot["y"]) for spot in page.data["spots"]])
    assert np.abs(places).max() == pytest.approx(1)
    assert "recipe of thumbnail" in page.texts["dt"]


def test_where_there_are_many_a_sample_is_drawn_and_said(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = []
    for seed in (0, 0, 1):
        out = tmp_path / "map.html"
        run("map", index, "--by", "thumbnail", "--method", "pca", "-o", out, "--limit", 4, "--seed", seed)
        page = PageReader(out.read_text("utf-8"))
        assert any("4 of 9 images, chosen at random" in text for text in page.texts["p"])
        assert "4 of 9 images are drawn at random" in capsys.readouterr().err
        drawn.append([spot["id"] for spot in page.data["spots"]])
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 4


def test_a_condition_and_another_column_are_taken(index: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.html"
    options = ("--where", "label = 'c'", "--colour-by", "site", "--method", "pca")
    assert run("map", index, "--by", "thumbnail", "-o", out, *options) == 0
    page = PageReader(out.read_text("utf-8"))
    assert [spot["id"] for spot in page.data["spots"]] == ["0.png", "2.png", "4.png", "6.png"]
    assert sorted(kind["name"] for kind in page.data["kinds"]) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--by", "sift"], "no representation 'sift'"),
        (["--by", "thumbnail", "--colour-by", "sex"], "no image has a column 'sex'"),
        (["--by", "thumbnail", "--where", "label = 'none'"], "0 images make no map"),
        (["--by", "thumbnail", "--where", "label"], "where: the end"),
        (["--by", "thumbnail", "--limit", "0"], "no whole number above 0"),
        (["--by", "thumbnail", "--method", "umap"], "invalid choice: 'umap'"),
        (["--by", "thumbnail", "--seed", "-1"], "--seed: -1 is below 0"),
    ],
)
def test_what_is_refused_is_said_in_one_line_and_writes_nothing(
    index: Path, tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("map", index, *arguments, "-o", tmp_path / "map.html") == 2
    told = capsys.readouterr()
    assert message in told.err
    assert len(told.err.splitlines()) == 1
    assert not (tmp_path / "map.html").exists()


def test_a_place_that_cannot_be_written_is_named(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "nowhere" / "map.html"
    assert run("map", index, "--by", "thumbnail", "--method", "pca", "-o", out) == 1
    assert f"{out}: cannot be written" in capsys.readouterr().err


def test_without_by_the_first_representation_is_drawn(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("map", index, "--method", "pca", "-o", tmp_path / "map.html") == 0
    assert capsys.readouterr().out.endswith("by pca of thumbnail\n")


def test_principal_components_need_no_scikit_learn(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert run("map", index, "--method", "pca", "-o", tmp_path / "map.html") == 0
