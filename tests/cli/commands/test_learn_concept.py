"""Concepts at the command line: learnt of tables and annotations; asked with; listed and forgotten."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.served import asked, run
from support.slides import GLASS, PINK, PURPLE, write_slide

BLUE = (110, 140, 215)
SIDE, TILE = 768, 128


def slide_image(seed: int) -> np.ndarray:
    """Return a slide whose left half is pink and whose right half is purple, with blue fields in both."""
    random = np.random.default_rng(seed)
    image = np.full((SIDE, SIDE, 3), PINK, np.float64)
    image[:, SIDE // 2 :] = PURPLE
    for row in range(0, SIDE, TILE):
        left = TILE * int(random.integers(6))
        image[row : row + TILE // 2, left : left + TILE] = BLUE
    image[:8] = GLASS
    return np.clip(image + random.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("concepts")
    (folder / "in").mkdir()
    for seed, name in enumerate("abc"):
        write_slide(folder / "in" / f"{name}.tif", slide_image(seed), um_per_px=1.0, levels=2)
    tiles = ["--um-per-px", "1.0", "--tile", str(TILE), "--tissue", "off", "--jobs", "1", "--quiet"]
    assert (
        run(["index", folder / "in", "-o", folder / "ix", *tiles, "--by", "colour", "--by", "thumbnail"])[0]
        == 0
    )
    return folder


def names(side: str, slides: str = "ab") -> list[str]:
    cols = range(3) if side == "pink" else range(3, 6)
    return [f"{s}.tif#1.0um/{col},{row}" for s in slides for row in range(6) for col in cols]


@pytest.fixture(scope="module")
def purple(place):
    """A concept of the index, learnt from a table of fields of two of its slides."""
    table = place / "fields.csv"
    rows = [f'"{name}",{label}' for label in ("pink", "purple") for name in names(label)]
    table.write_text("\n".join(["path,label", *rows]) + "\n")
    code, printed = run(["learn-concept", place / "ix", "purple", table, "--by", "colour", "--json"])
    assert code == 0
    return json.loads(printed)[0]


def first(place, *more: str) -> list[str]:
    words = ["c.tif#1.0um/0,2", "--by", "colour", "--where", "slide = 'c.tif'", "-k", "10", *more]
    return [hit["id"] for hit in asked(place / "ix", *words)["hits"]]


def share(ids: list[str]) -> float:
    return float(np.mean([int(name.split("/")[1].split(",")[0]) >= 3 for name in ids]))


def test_a_concept_moves_the_answer(place, purple) -> None:
    assert (purple["like"], purple["unlike"]) == (36, 36)
    assert purple["auc"]["colour"] > 0.9
    plain, towards, away = (
        first(place),
        first(place, "--concept", "purple=3"),
        first(place, "--concept", "purple=-3"),
    )
    assert share(plain) < 0.5 < share(towards)
    assert share(away) <= share(plain)
    assert first(place, "--concept", "purple=0") == plain


def test_annotations_of_qupath_are_examples(place, capsys) -> None:
    features = [
        {
            "type": "Feature",
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[x, y], [x + 90, y], [x + 90, y + 90], [x, y + 90], [x, y]]],
            },
            "properties": {"classification": {"name": label}},
        }
        for label, x in (("stroma", 20), ("nest", 500))
        for y in range(20, 640, 110)
    ]
    file = place / "a.tif.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    code, printed = run(["learn-concept", place / "ix", "nest", file, "--by", "colour"])
    assert code == 0
    assert printed.startswith("nest: 6 fields like it, 6 unlike; told apart in held-out cases: colour")
    assert share(first(place, "--concept", "nest=3")) > 0.5
    (place / "x.geojson").write_text(file.read_text())
    assert run(["learn-concept", place / "ix", "nest", place / "x.geojson"])[0] == 2
    assert "x is no slide of this index" in capsys.readouterr().err


def test_named_fields_are_examples_and_others_stand_for_what_it_is_not(place) -> None:
    table = place / "like.csv"
    rows = [f'"a.tif#1.0um/{x},{y},128,128",like' for x in (420, 500) for y in (30, 160, 300)]
    table.write_text("\n".join(["path,label", *rows]) + "\n")
    code, printed = run(["learn-concept", place / "ix", "right", table, "--by", "colour", "--json"])
    assert code == 0
    assert json.loads(printed)[0]["like"] == 6
    assert json.loads(printed)[0]["unlike"] == 108


def test_concepts_are_listed_and_forgotten(place, purple, capsys) -> None:
    assert (
        run(["learn-concept", place / "ix", "again", place / "fields.csv"])[0] == 2
    )  # no label of that name
    assert "nothing is labelled 'again', or 'like'" in capsys.readouterr().err
    code, printed = run(["learn-concept", place / "ix", "--list", "--json"])
    assert code == 0
    assert "purple" in {one["name"] for one in json.loads(printed)}
    assert run(["learn-concept", place / "ix", "nothing", "--drop"])[0] != 0
    table = place / "brief.csv"
    rows = [f'"a.tif#1.0um/{x},{y},128,128",like' for x in (420, 500) for y in (30, 160, 300)]
    table.write_text("\n".join(["path,label", *rows]) + "\n")
    assert run(["learn-concept", place / "ix", "brief", table, "--by", "colour"])[0] == 0
    code, printed = run(["learn-concept", place / "ix", "brief", "--drop", "--json"])
    assert (code, json.loads(printed)) == (0, {"dropped": ["brief"]})
    # What is kept names no slide, which may be called as a patient.
    assert ".tif" not in (place / "ix.concepts.json").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--concept", "purpel"], "did you mean purple?"),
        (["--concept", "purple=much"], "has no weight"),
        (["--concept", "purple=nan"], "has no weight"),
        (["--concept", "purple", "--by", "thumbnail"], "was not learnt on thumbnail"),
    ],
)
def test_what_makes_no_sense_is_said(place, purple, capsys, words, says) -> None:
    assert run(["query", place / "ix", "c.tif#1.0um/0,0", "--by", "colour", *words])[0] != 0
    assert says in capsys.readouterr().err


def test_a_damaged_file_of_concepts_is_named(place, purple, capsys) -> None:
    file = place / "ix.concepts.json"
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2])
    assert run(["query", place / "ix", "c.tif#1.0um/0,0", "--by", "colour", "--concept", "purple"])[0] == 1
    assert "ix.concepts.json: damaged" in capsys.readouterr().err
    file.write_text(whole)
