"""Damaged and odd slides at the command line: each is read right, or refused with the true reason."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from support.odd_slides import IMAGE, ODD

from cli.main import main
from retrieval.readers import read_pictures
from retrieval.readers.tiling import Tiling, Tissue

TILING = Tiling((1.0,), 128, tissue=Tissue(0.0, None, 0.0))
FLAGS = ["--um-per-px", "1.0", "--tile", "128", "--tissue", "off"]
READ = [name for name, (_, reason) in ODD.items() if not reason]
WHOLE = {"strips.tif", "photograph.svs"}
"""Images that are no slides: they are read whole."""
PARTLY = {"several.ome.tif": "image 0 is left out: only the largest image of a file is read; save it alone"}
ASKED = ("truncated.svs", "huge.tif", "folder.mrxs", "several.ome.tif", "unordered.tif", "unscaled.dcm")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of all of them, its index, and what was said of each."""
    for package in ("openslide", "wsidicom"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("odd")
    (folder / "in").mkdir()
    for name, (write, _) in ODD.items():
        write(folder / "in" / name)
    words = ["--by", "thumbnail", "--jobs", "1", "--quiet"]
    skipped = ["--skipped", str(folder / "skipped.csv")]
    main(["index", str(folder / "in"), "-o", str(folder / "ix"), *FLAGS, *words, *skipped])
    return folder


@pytest.mark.parametrize("name", ODD)
def test_an_odd_slide_is_indexed_or_skipped_with_the_reason(place, name) -> None:
    with (place / "skipped.csv").open(encoding="utf-8") as file:
        said = {row["id"]: row["reason"] for row in csv.DictReader(file)}
    wanted = {**{n: reason for n, (_, reason) in ODD.items() if reason}, **PARTLY}
    assert set(said) == set(wanted)
    assert wanted.get(name, "") in said.get(name, "")


@pytest.mark.parametrize("name", sorted(set(READ) - WHOLE))
def test_an_odd_slide_that_is_read_has_the_right_pixels(place, name) -> None:
    pictures = {p.id: p.pixels for p in read_pictures(place / "in" / name, "s", tiling=TILING)}
    assert len(pictures) == 6
    wanted = IMAGE[:256, 256:512].reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
    assert np.abs(pictures["s#1.0um/1,0"] * 255 - wanted).mean() < 4


@pytest.mark.parametrize("name", ASKED)
def test_points_and_query_say_the_same_of_it(place, name, capsys) -> None:
    path, reason = str(place / "in" / name), ODD[name][1]
    for command in (["points", path, "-o", str(place / "out.png"), *FLAGS],
                    ["query", str(place / "ix"), path, "--region", "100,60,120,120"]):  # fmt: skip
        code = main(command)
        said = capsys.readouterr().err
        assert (code != 0) == bool(reason), said
        assert not reason or (f"{name}: " in said and reason in said)
