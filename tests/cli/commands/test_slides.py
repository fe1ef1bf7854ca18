"""Slides at the command line: index, mark a field, and get the answer back as GeoJSON."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from support.slides import tissue_image, write_slide

from cli.main import main

IMAGES = {name: tissue_image(1200, 1400, seed) for seed, name in enumerate(("a.tif", "b.ome.tif"))}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two slides, and an index of them at two scales by their SIFT words."""
    folder = tmp_path_factory.mktemp("slides")
    (folder / "in").mkdir()
    for name, image in IMAGES.items():
        write_slide(folder / "in" / name, image, is_ome="ome" in name)
    scales = ["--um-per-px", "0.5", "--um-per-px", "2.0", "--tile", "256"]
    words = ["--by", "sift", "--by", "colour", "--words", "100", "--points", "200"]
    assert main(["index", str(folder / "in"), "-o", str(folder / "ix"), *scales, *words, "--jobs", "1"]) == 0
    return folder


def ask(place, capsys, image, *more):
    code = main(["query", str(place / "ix"), image, *more, "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    return [[hit["id"] for hit in answer["hits"]] for answer in json.loads(out)]


def test_a_field_finds_the_tile_that_it_is(place, capsys) -> None:
    (pixels,) = ask(place, capsys, "a.tif", "--region", "512,512,256,256", "--by", "sift")
    (um,) = ask(place, capsys, "a.tif", "--region", "256,256,128,128", "--um", "--by", "sift")
    (named,) = ask(place, capsys, f"{place}/in/a.tif#0.5um/512,512,256,256", "--by", "sift")
    assert pixels == um
    assert pixels[0] == named[0] == "a.tif#0.5um/2,2"
    assert all("#0.5um/" in id for id in pixels)


def test_a_field_of_an_indexed_slide_is_a_name_wherever_one_is(place, capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "a.tif#0.5um/512,512,256,256"
    (ids,) = ask(place, capsys, name, "--by", "sift")
    (marked,) = ask(place, capsys, "a.tif", "--region", "512,512,256,256", "--by", "sift")
    assert ids[0] == marked[0] == "a.tif#0.5um/2,2"
    (ids,) = ask(place, capsys, name, "--by", "colour", "--not-same", "slide")
    assert {id.partition("#")[0] for id in ids} == {"b.ome.tif"}
    line = ["explain", str(place / "ix"), name, "a.tif#0.5um/2,2", "-o", "why.png", "--by", "sift"]
    assert main(line) == 0
    for none in ("c.tif#0.5um/512,512,256,256", "a.tif#0.5um/x", "a.tif#0.5um/9000,0,256,256"):
        assert main(["query", str(place / "ix"), none]) == 1
        assert "internal error" not in capsys.readouterr().err


def test_the_field_that_is_proposed_for_a_whole_slide_can_be_typed(place, capsys, tmp_path) -> None:
    write_slide(tmp_path / "new.tif", IMAGES["a.tif"])
    assert main(["query", str(place / "ix"), str(tmp_path / "new.tif")]) == 1
    proposed = capsys.readouterr().err.partition("such as '")[2].partition("'")[0]
    assert proposed.startswith(f"{tmp_path}/new.tif#")
    assert ask(place, capsys, proposed, "--by", "colour")


def test_a_field_is_asked_at_the_scale_that_is_named(place, capsys) -> None:
    (ids,) = ask(place, capsys, "a.tif", "--region", "512,512,256,256", "--um-per-px", "2", "--by", "colour")
    assert ids and all("#2.0um/" in id for id in ids)


def test_a_condition_that_leaves_out_the_scale_of_a_field_is_named(place, capsys) -> None:
    mark = ["--region", "512,512,256,256", "--by", "colour", "--where", "um_per_px = 2"]
    assert main(["query", str(place / "ix"), "a.tif", *mark]) == 0
    told = capsys.readouterr()
    assert "no image to rank" in told.out
    assert "asked at 0.5 µm a pixel, which tiles of that scale answer; --um-per-px asks" in told.err
    assert "(2)" in told.err


def test_the_slide_of_a_field_is_left_out(place, capsys) -> None:
    mark = ["--region", "512,512,256,256", "--by", "colour"]
    (ids,) = ask(place, capsys, str(place / "in" / "a.tif"), *mark, "--not-same", "slide")
    assert {id.partition("#")[0] for id in ids} == {"b.ome.tif"}
    (ids,) = ask(place, capsys, "a.tif", *mark, "--group-by", "slide")
    assert len(ids) == 2


def test_a_photograph_is_brought_to_the_scale_of_the_index(place, capsys, tmp_path) -> None:
    part = IMAGES["b.ome.tif"][256:768, 512:1024]
    photo = cv2.resize(part, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(tmp_path / "photo.png"), np.ascontiguousarray(photo[..., ::-1]))
    (ids,) = ask(place, capsys, str(tmp_path / "photo.png"), "--um-per-px", "0.25", "--by", "sift")
    assert ids[0] in {f"b.ome.tif#0.5um/{col},{row}" for col in (2, 3) for row in (1, 2)}


def test_answers_come_back_in_the_right_place(place, capsys, tmp_path) -> None:
    corners = [[520, 530.25], [760, 520], [750, 700], [600, 765], [520, 530.25]]
    annotation = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [corners]},
                  "properties": {"name": "tumour"}}  # fmt: skip
    (tmp_path / "mark.geojson").write_text(json.dumps(annotation), "utf-8")
    out = tmp_path / "answers"
    more = ["--region", str(tmp_path / "mark.geojson"), "--geojson", str(out), "--by", "sift", "-k", "3"]
    (ids,) = ask(place, capsys, "a.tif", *more)
    assert ids[0] == "a.tif#0.5um/2,2"
    query, first, *_ = json.loads((out / "a.tif.geojson").read_text("utf-8"))["features"]
    assert query["geometry"]["coordinates"] == [corners]
    assert query["properties"]["name"] == "tumour"
    assert first["properties"]["measurements"]["rank"] == 1
    # The field is in the index at the very same scale: it is found where it is, to a few pixels.
    assert np.abs(np.array(first["geometry"]["coordinates"][0]) - corners).max() < 6


@pytest.mark.parametrize("corner", [[60, 10], [10, 60]])
def test_an_annotation_without_area_is_refused(place, capsys, tmp_path, corner) -> None:
    line = {"type": "Polygon", "coordinates": [[[10, 10], [(10 + n) / 2 for n in corner], corner, [10, 10]]]}
    (tmp_path / "line.geojson").write_text(json.dumps(line), "utf-8")
    assert main(["query", str(place / "ix"), "a.tif", "--region", str(tmp_path / "line.geojson")]) == 2
    assert "--region: annotation 1 has no area; mark a field" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.tif"], "a whole slide of"),
        (["a.tif", "--region", "9000,0,10,10"], "outside the slide, which has 1400 × 1200 pixels"),
        (
            ["a.tif", "--region", "5,5,900,900", "--um-per-px", "0.1"],
            "no tiles at 0.1 µm a pixel; ask at 0.5, 2",
        ),
        (
            ["a.tif#1.0um/512,512,256,256"],
            "--um-per-px: the index has no tiles at 1 µm a pixel; ask at 0.5, 2",
        ),
        (["a.tif", "--point", "5,5"], "--point: marks no field of a slide"),
        (
            ["a.tif", "--region", "5,5,90,90", "--mm"],
            "--mm: does not go with a slide; leave it out, and give",
        ),
        (["a.tif", "--region", "5,5,90,90", "--um", "--mm"], "--mm: does not go with a slide"),
        (["a.tif", "--polygon", "5,5,90,90,5,90", "--margin", "9"], "--margin: does not go with a slide"),
        (["a.tif#0.5um/2,2", "--region", "nothing.geojson"], "is for whole slides"),
        (["a.tif", "--region", "nothing.geojson"], "nothing.geojson: cannot be read"),
        (["a.tif#0.5um/2,2", "--um"], "--um: there is no field that it belongs to"),
        (
            ["a.tif#0.5um/2,2", "--um-per-px", "2"],
            "--um-per-px: a.tif#0.5um/2,2 is in the index, and asks as",
        ),
        (
            ["a.tif#0.5um/500,512,256,256", "--um-per-px", "2"],
            "--um-per-px: a.tif#0.5um/500,512,256,256 asks at its own scale, 0.5 µm a pixel",
        ),
        (["a.tif#0.5um/2,2", "--volume", "--um-per-px", "2"], "--um-per-px and --volume: is of one field"),
    ],
)
def test_what_makes_no_sense_is_refused(place, capsys, arguments, message) -> None:
    assert main(["query", str(place / "ix"), *arguments]) != 0
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("more", [{"mm": True}, {"mm": True, "um": True}, {"margin": 3}])
def test_a_line_about_a_slide_is_refused_as_the_command_is(place, capsys, monkeypatch, more) -> None:
    line = json.dumps({"image": "a.tif", "region": [5, 5, 90, 90], **more}).encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(line)))
    assert main(["query", str(place / "ix"), "--stdin"]) == 1
    assert f"--{next(iter(more))}: does not go with a slide" in json.loads(capsys.readouterr().out)["error"]


def test_words_about_tiles_need_a_scale(place, capsys, tmp_path) -> None:
    assert main(["index", str(place / "in"), "-o", str(tmp_path / "x"), "--tile", "128"]) == 2
    assert "--tile: is about tiles of slides; give their scale as well" in capsys.readouterr().err


def test_a_heat_map_shows_where_a_field_is(place, capsys, tmp_path) -> None:
    mark = ["--region", "512,512,256,256", "--by", "colour", "--heat-map", str(tmp_path / "heat.png")]
    ask(place, capsys, "a.tif", *mark)
    drawn = cv2.imread(str(tmp_path / "heat.png"))[..., ::-1].astype(int)
    # Viridis: yellow, which neither glass nor tissue is, are the tiles that look like it.
    yellow = (drawn[..., 0] > drawn[..., 2] + 40) & (drawn[..., 1] > drawn[..., 2] + 40)
    assert yellow.sum() > 5000


def test_heat_maps_and_tissue_are_of_slides(place, capsys, tmp_path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), IMAGES["a.tif"][:100, :100])
    assert main(["index", str(tmp_path), "-o", str(tmp_path / "ix"), "--by", "colour", "--jobs", "1"]) == 0
    tissue = ["points", str(tmp_path / "a.png"), "--um-per-px", "1", "-o", str(tmp_path / "t.png")]
    assert main(tissue) == 2
    assert "--um-per-px: draws one whole slide; name a slide" in capsys.readouterr().err
    heat = ["--heat-map", str(tmp_path / "h.png")]
    assert main(["query", str(tmp_path / "ix"), "a.png", *heat]) == 2
    assert "--heat-map: the first hit is of no slide" in capsys.readouterr().err
