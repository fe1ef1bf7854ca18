"""Facts about the flags that limit what a file may take."""

import json

import numpy as np
import pytest
from PIL import Image

from cli.main import main
from retrieval.readers.limits import current_limits


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for n, side in enumerate((16, 20, 60)):
        tones = rng.integers(0, 256, (side, side), dtype=np.uint8)
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.fromarray(tones).save(tmp_path / f"in/{n}.png")
    return tmp_path / "in"


def test_an_image_above_the_limit_is_left_out_named_and_taken_when_it_is_raised(tmp_path, folder, capsys):
    index = ["index", str(folder), "-o", str(tmp_path / "x"), "--by", "thumbnail", "--jobs", "1", "--json"]
    assert main([*index, "--max-pixels", "400"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["pictures"] == 2
    assert "2.png: 60 × 60 pixels are more than the 400 allowed" in err
    assert main(index) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 3
    assert current_limits().max_pixels > 400


def test_a_query_and_its_mask_are_limited(tmp_path, folder, capsys):
    assert main(["index", str(folder), "-o", str(tmp_path / "x"), "--by", "dense", "--words", "8"]) == 0
    query = ["query", str(tmp_path / "x"), str(folder / "2.png")]
    Image.fromarray(np.full((60, 60), 255, np.uint8)).save(tmp_path / "outside.png")
    (folder / "2.png").rename(tmp_path / "query.png")
    query[2] = str(tmp_path / "query.png")
    assert main([*query, "--max-pixels", "400"]) == 1
    assert "60 × 60 pixels are more than the 400 allowed" in capsys.readouterr().err
    assert main([*query, "--mask", str(tmp_path / "outside.png")]) == 0


@pytest.mark.parametrize("flag", ["--max-seconds", "--max-memory", "--max-pixels", "--max-frames"])
def test_a_limit_is_a_number_above_zero(tmp_path, capsys, flag):
    assert main(["query", str(tmp_path), "x", flag, "0"]) == 2
    assert "is no whole number above 0" in capsys.readouterr().err
