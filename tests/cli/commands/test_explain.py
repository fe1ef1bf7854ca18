"""``semblance explain``: it points to what the two pictures share, draws it, and tests itself."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from cli.main import main
from retrieval.index import Index


def run(*arguments):
    return main([str(argument) for argument in arguments])


def texture(seed, shape=(60, 60)):
    coarse = np.random.default_rng(seed).random((20, 20), dtype=np.float32)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC).clip(0, 1)


def scene(seed, spot):
    """Make a faintly noisy picture that holds one texture of 60 × 60 pixels at (row, col)."""
    random = np.random.default_rng(seed)
    pixels = 0.5 + 0.1 * cv2.GaussianBlur(random.normal(size=(180, 220)).astype(np.float32), (0, 0), 2)
    pixels[spot[0] : spot[0] + 60, spot[1] : spot[1] + 60] = texture(7)
    return (pixels.clip(0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain")
    (folder / "scenes").mkdir()
    for i, spot in enumerate([(10, 20), (110, 140), (60, 80), (100, 20)]):
        assert cv2.imwrite(str(folder / "scenes" / f"{i}.png"), scene(i, spot))
    settings = ["--words", "40", "--points", "200", "--fit-pictures", "4", "--jobs", "1"]
    assert run("index", folder / "scenes", "-o", folder / "i", "--by", "sift", *settings) == 0
    return folder / "i"


def test_words_point_to_what_both_pictures_hold(index, tmp_path, capsys):
    assert run("explain", index, "0.png", "2.png", "-o", tmp_path / "why.png", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["deletion"]["faithful"]
    agreeing = [pair for pair in told["pairs"] if pair["agrees"]]
    assert len(agreeing) >= 5
    moved = [np.subtract(pair["hit"], pair["query"]) for pair in agreeing]
    np.testing.assert_allclose(np.median(moved, axis=0), (80 - 20, 60 - 10), atol=2)
    assert np.asarray(Image.open(tmp_path / "why.png")).std() > 5


def test_a_region_is_explained_with_its_box(index, tmp_path, capsys):
    assert (
        run("explain", index, "0.png", "2.png", "--region", "20,10,60,60", "-o", tmp_path / "w.png", "--json")
        == 0
    )
    x, y, width, height = json.loads(capsys.readouterr().out)["box"]
    assert (x, y) == pytest.approx((80, 60), abs=8)
    assert (width, height) == pytest.approx((60, 60), abs=12)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["0.png", "9.png"], "9.png: no such image"),
        (["0.png", "1.png", "--by", "nothing"], "no representation 'nothing'"),
        (["0.png", "1.png", "--region", "900,1,5,5"], "is outside the image"),
        (["0.png", "1.png", "--polygon", "30.1,30.1,30.3,30.1,30.3,30.2"], "no pixel"),
    ],
)
def test_what_cannot_be_explained_is_refused(index, tmp_path, capsys, arguments, said):
    assert run("explain", index, *arguments, "-o", tmp_path / "w.png") in (1, 2)
    assert said in capsys.readouterr().err
    assert not (tmp_path / "w.png").exists()


def test_a_baseline_is_explained_by_covering_parts_of_the_hit(index, tmp_path, capsys):
    folder = index.parent / "scenes"
    assert run("index", folder, "-o", tmp_path / "t", "--by", "thumbnail", "--jobs", "1") == 0
    capsys.readouterr()
    for by in ([], ["--by", "thumbnail"]):
        assert run("explain", tmp_path / "t", "0.png", "1.png", *by, "-o", tmp_path / "w.png", "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["by"], told["pairs"], told["box"]) == ("thumbnail", [], None)
    assert (tmp_path / "w.png").is_file()


@pytest.mark.parametrize("names", ["plain", "hash"])
def test_a_file_that_is_gone_is_named_as_the_index_names_it(names, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    for i in range(3):
        cv2.imwrite(str(tmp_path / "in" / f"{i}.png"), np.full((16, 16), 40 * i, np.uint8))
    words = [
        "index",
        tmp_path / "in",
        "-o",
        tmp_path / "ix",
        "--names",
        names,
        "--by",
        "thumbnail",
        "--quiet",
    ]
    assert main([*map(str, words), "--jobs", "1"]) == 0
    with Index.open(tmp_path / "ix") as opened:
        name, hit, _ = opened.names
    (tmp_path / "in").rename(tmp_path / "away")
    for command in (["query", name, "--region", "1,1,9,9"], ["explain", name, hit, "-o", "x.png"]):
        capsys.readouterr()
        assert main([command[0], str(tmp_path / "ix"), *command[1:]]) == 1
        said = capsys.readouterr().err
        assert f"{name}: its file is not there; bring it back, or run `semblance index FOLDER`" in said
        assert names == "plain" or ".png" not in said.replace(name, "")
