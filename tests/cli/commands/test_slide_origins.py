"""QuPath counts from the corner of what was scanned, which is not always that of the slide."""

from __future__ import annotations

import json

import pytest
from support.slides import tissue_image, write_leica

from cli.main import main
from retrieval.readers.slides.opening import open_slide
from viewer.queries.geojson import Shape, read_shapes, write_shapes

pytest.importorskip("openslide")
ORIGIN = (640, 384)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a slide of Leica's, and an index of it."""
    folder = tmp_path_factory.mktemp("origins")
    write_leica(folder / "s.scn", tissue_image(600, 800, 1), ORIGIN, (2000, 1500))
    line = ["index", folder / "s.scn", "-o", folder / "i", "--um-per-px", "1.0", "--assume-um-per-px", "0.5"]
    line += ["--tile", "64", "--by", "colour", "--jobs", "1"]
    assert main([str(word) for word in line]) == 0
    return folder


def query(place, *more):
    """Ask, and return what is written for QuPath, as the file has it."""
    line = ["query", place / "i", "s.scn", *more, "-k", "3", "--geojson", place / "out"]
    assert main([str(word) for word in line]) == 0
    return json.loads((place / "out" / "s.scn.geojson").read_text())["features"]


def test_the_origin_is_that_of_what_was_scanned(place) -> None:
    with open_slide(place / "s.scn") as slide:
        assert slide.about.origin == ORIGIN


def test_an_annotation_asks_where_qupath_shows_it_and_comes_back_to_the_last_bit(place, capsys) -> None:
    # In the middle of the scanned part, which is tissue; on the glass that is at (1040, 684).
    ring = [(400.1, 300 + 1 / 3), (500.7, 300.2), (450.3, 399.9)]
    (place / "field.geojson").write_text(write_shapes([Shape(((tuple(ring),),), "mine")]))
    found = query(place, "--region", place / "field.geojson")
    assert "s.scn#1.0um/1040.1,684" in capsys.readouterr().out
    assert found[0]["geometry"]["coordinates"] == [[list(corner) for corner in (*ring, ring[0])]]
    corners = [corner for one in found[1:] for corner in one["geometry"]["coordinates"][0]]
    assert all(-128 < x < 800 + 128 and -128 < y < 600 + 128 for x, y in corners)


def test_a_box_is_in_pixels_of_the_slide_and_is_written_as_qupath_counts(place) -> None:
    box = query(place, "--region", "1040,684,128,128")[0]
    assert box["geometry"]["coordinates"][0][0] == [1040 - ORIGIN[0], 684 - ORIGIN[1]]
    # A hit is the tile that it is, on the glass in steps of 128.
    (first,) = read_shapes(place / "out" / "s.scn.geojson")[1:2]
    x, y, _, _ = first.bounds
    assert (x + ORIGIN[0]) % 128 == (y + ORIGIN[1]) % 128 == 0


def test_without_the_file_nobody_knows_where_it_begins(place, tmp_path, capsys) -> None:
    line = ["query", place / "i", "s.scn#1.0um/8,5", "--geojson", tmp_path / "out"]
    (place / "s.scn").rename(place / "away.scn")
    try:
        assert main([str(word) for word in line]) == 1
    finally:
        (place / "away.scn").rename(place / "s.scn")
    assert "s.scn: its file is not there, which alone says where QuPath" in capsys.readouterr().err
