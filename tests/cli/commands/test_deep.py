"""``--by deep`` at the command line: from a folder with all sorts of files to an answer."""

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from pydicom.data import get_testdata_file
from support.embedders import blobs, write_tiny

from cli.main import main

pytestmark = pytest.mark.skipif(
    not entry_points(group="semblance.representations", name="deep"), reason="deep is not installed"
)


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture
def weights(tmp_path):
    return write_tiny(tmp_path / "tiny.safetensors")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "scans"
    place.mkdir()
    grey = blobs(1).pixels
    pictures = {
        "grey.png": (grey * 255).astype(np.uint8),
        "deep.png": (grey[::-1] * 65535).astype(np.uint16),
        "colour.png": (np.stack([grey, grey**2, 1 - grey], axis=2) * 255).astype(np.uint8),
        "constant.png": np.full((40, 50), 90, np.uint8),
        "black.png": np.zeros((40, 50), np.uint8),
        "pixel.png": np.full((1, 1), 200, np.uint8),
        "line.png": np.arange(256, dtype=np.uint8)[None],
    }
    for name, pixels in pictures.items():
        assert cv2.imwrite(str(place / name), pixels)
    ct = Path(get_testdata_file("CT_small.dcm", download=False))
    (place / "ct.dcm").write_bytes(ct.read_bytes())
    (place / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n junk")
    return place


def test_all_sorts_of_pictures_are_indexed_and_found(folder, weights, tmp_path, capsys):
    place = tmp_path / "i"
    assert run("index", folder, "-o", place, "--by", "deep", "--weights", weights, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["pictures"] == 8
    assert [skipped["id"] for skipped in report["skipped"]] == ["broken.png"]
    for name in ("ct.dcm", "pixel.png", "constant.png", "deep.png"):
        assert run("query", place, folder / name, "-k", "8", "--json") == 0
        hits = json.loads(capsys.readouterr().out)[0]["hits"]
        assert len(hits) == 8
        scores = {hit["id"]: hit["score"] for hit in hits}
        assert scores[name] == pytest.approx(1, abs=1e-4)
        assert scores[name] >= max(scores.values()) - 1e-6
        assert all(np.isfinite(score) for score in scores.values())


def test_the_bundled_weights_are_the_default(folder, tmp_path, capsys):
    for name in ("colour.png", "ct.dcm", "line.png", "broken.png", "pixel.png"):
        (folder / name).unlink()
    assert run("index", folder, "-o", tmp_path / "i", "--by", "deep", "--jobs", "1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["representations"] == ["deep"]
    assert run("query", tmp_path / "i", folder / "grey.png", "--json") == 0
    best = json.loads(capsys.readouterr().out)[0]["hits"][0]
    assert (best["id"], best["score"]) == ("grey.png", pytest.approx(1, abs=1e-4))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--weights", "missing.safetensors"], "missing.safetensors: no such file"),
        (["--side", "8"], "side: 8"),
        (["--model", "resnet18"], "timm/NAME"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(folder, tmp_path, capsys, flags, said):
    assert run("index", folder, "-o", tmp_path / "i", "--by", "deep", *flags) in (1, 2)
    assert said in capsys.readouterr().err
    assert not (tmp_path / "i").exists()


def test_other_weights_are_refused_with_the_remedy(folder, weights, tmp_path, capsys):
    command = ["index", folder, "-o", tmp_path / "i", "--by", "deep", "--jobs", "1", "--weights"]
    assert run(*command, weights) == 0
    assert run(*command, weights) == 0
    capsys.readouterr()
    assert run(*command, write_tiny(tmp_path / "other", seed=8)) == 1
    said = capsys.readouterr().err
    assert "weights is" in said
    assert "index" in said


def test_the_weights_of_this_version_replace_those_of_an_index(folder, weights, tmp_path, capsys):
    settings = ["--by", "deep", "--jobs", "1"]
    assert run("index", folder, "-o", tmp_path / "old", *settings, "--weights", weights) == 0
    # As it was, the index keeps its own, and refuses others.
    assert run("index", folder, "-o", tmp_path / "old", *settings) == 0
    assert run("index", folder, "-o", tmp_path / "old", *settings, "--weights", "bundled") == 1
    assert "deep: weights is" in capsys.readouterr().err
    assert run("index", folder, "-o", tmp_path / "old", *settings, "--weights", "bundled", "--remake") == 0
    assert run("index", folder, "-o", tmp_path / "new", *settings) == 0
    capsys.readouterr()
    answers = []
    for name in ("old", "new"):
        assert run("query", tmp_path / name, folder / "grey.png", "--json") == 0
        answers.append(json.loads(capsys.readouterr().out)[0]["hits"])
    ids, scores = ([[hit[of] for hit in hits] for hits in answers] for of in ("id", "score"))
    assert ids[0] == ids[1]
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


def test_an_index_without_images_can_take_the_weights_of_this_version(folder, weights, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    settings = ["-o", tmp_path / "i", "--by", "deep", "--jobs", "1"]
    assert run("index", tmp_path / "empty", *settings, "--weights", weights) == 1
    capsys.readouterr()
    assert run("index", folder, *settings) == 2
    assert "take these with --by deep --weights bundled" in capsys.readouterr().err
    assert run("index", folder, *settings, "--weights", "bundled") == 0


def run_apart(code):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )


def test_help_loads_no_torch():
    done = run_apart(
        "import sys\nfrom cli.main import main\n"
        "try:\n    main(['index', '--by', 'deep', '--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "assert 'torch' not in sys.modules"
    )
    assert done.returncode == 0, done.stderr
    assert "--weights" in done.stdout


def test_without_torch_one_line_names_the_remedy(folder, tmp_path):
    arguments = ["index", str(folder), "-o", str(tmp_path / "i"), "--by", "deep", "--jobs", "1"]
    arguments += ["--precision", "bfloat16"]  # which numpy has not
    done = run_apart(
        "import sys\n"
        "class Nowhere:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'torch':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}')\n"
        "sys.meta_path.insert(0, Nowhere())\n"
        "from cli.main import main\n"
        f"sys.exit(main({arguments!r}))"
    )
    assert done.returncode in (1, 2)
    (line,) = [line for line in done.stderr.splitlines() if "semblance[deep]" in line]
    assert "pip install" in line
    assert "Traceback" not in done.stderr


@pytest.fixture
def smooth(tmp_path, weights):
    """Index three smooth pictures, with cells and by words; return the folder of the indexes."""
    place = tmp_path / "smooth"
    place.mkdir()
    for seed in range(3):
        pixels = (blobs(seed, (96, 128)).pixels * 255).astype(np.uint8)
        assert cv2.imwrite(str(place / f"{seed}.png"), pixels)
    deep = ["--by", "deep", "--weights", weights, "--jobs", "1"]
    assert run("index", place, "-o", tmp_path / "cells", *deep, "--cells", "2") == 0
    assert run("index", place, "-o", tmp_path / "bare", *deep, "--cells", "0", "--by", "thumbnail") == 0
    return tmp_path


def test_deep_explains_by_its_cells_and_regions_by_theirs(smooth, capsys):
    capsys.readouterr()
    for more in ([], ["--region", "10,10,40,40"]):
        arguments = ["1.png", "2.png", "--by", "deep", *more, "-o", smooth / "why.png", "--json"]
        assert run("explain", smooth / "cells", *arguments) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["by"], told["pairs"]) == ("deep", [])
        assert len(told["deletion"]["random"]) == 40
        assert (told["box"] is None) == (not more)
        assert (smooth / "why.png").stat().st_size > 0


def test_deep_explains_no_region_without_a_pixel(smooth, capsys):
    empty = ["--polygon", "30.1,30.1,30.3,30.1,30.3,30.2"]
    asked = ["1.png", "2.png", "--by", "deep", "-o", smooth / "w.png"]
    assert run("explain", smooth / "cells", *asked, *empty) == 2
    assert "no pixel" in capsys.readouterr().err
    assert not (smooth / "w.png").exists()


def test_without_cells_deep_is_explained_by_covering_parts(smooth, capsys):
    asked = ["1.png", "2.png", "--by", "deep", "-o", smooth / "w.png"]
    assert run("explain", smooth / "bare", *asked) == 0
    assert "covering" in capsys.readouterr().out
    assert (smooth / "w.png").exists()


@pytest.mark.parametrize(
    ("place", "by", "said"),
    [
        (
            "bare",
            ["--by", "deep"],
            "deep keeps no window embeddings in this index; make another index with --cells 5",
        ),
        ("bare", ["--by", "thumbnail"], "thumbnail cannot tell; index with --by superpixel or --by deep"),
        ("bare", [], "deep keeps no window embeddings"),
        ("cells", [], None),
    ],
)
def test_a_region_whose_hits_have_no_boxes_says_why(smooth, capsys, place, by, said):
    capsys.readouterr()
    assert run("query", smooth / place, "0.png", "--region", "5,5,40,40", *by, "--json") == 0
    printed = capsys.readouterr()
    boxes = [hit["box"] for hit in json.loads(printed.out)[0]["hits"]]
    assert all((box is None) == (said is not None) for box in boxes)
    assert said in printed.err if said else "note" not in printed.err
    assert run("query", smooth / place, "0.png", *by) == 0
    assert "note" not in capsys.readouterr().err
