"""Facts about slides on the page: what is asked and drawn is in pixels of the slide's finest level."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image
from support.served import asked, graphql
from support.server_process import serving
from support.slide_index import SIZE, make_slide_index
from support.slides import tissue_image

BOX = [520, 524, 240, 230]
STACK = """query($image: ID!) { stack(index: "slides.index", image: $image) { __typename
  ... on Problem { kind message }
  ... on Stack { at slideLevels slices { image { id key rows cols spacingMm } } } } }"""
SEARCH = """query($ask: Ask!) { search(index: "slides.index", ask: $ask) { __typename
  ... on Problem { kind message argument }
  ... on Answer { outline hits { score transform quad image { id } onSlide { slide outline } } } } }"""
HEAT = """query($ask: Ask!, $slide: ID!) { heat(index: "slides.index", ask: $ask, slide: $slide) { __typename
  ... on Problem { kind message } ... on Heat { address tiles low high } } }"""
REGION = """query($ask: Ask!) { region(index: "slides.index", ask: $ask) {
  ... on Problem { message } ... on Outline { polygons areaMm2 } } }"""


@pytest.fixture(scope="module")
def slide_index(tmp_path_factory):
    return make_slide_index(tmp_path_factory.mktemp("slides"))


@pytest.fixture(scope="module")
def client(slide_index):
    with serving(slide_index) as client:
        yield client


def ask(box=BOX, **more):
    return {"image": "a.tif", "region": {"box": box}, "by": ["superpixel"], **more}


@pytest.fixture(scope="module")
def slide(client):
    (found,) = graphql(client, STACK, image="a.tif")["stack"]["slices"]
    return found["image"]


def square(client, slide, place: str):
    return client.get(f"/slides/slides.index/{slide['key']}/{place}")


def test_a_slide_is_one_image_with_levels(client, slide) -> None:
    assert (slide["id"], slide["cols"], slide["rows"]) == ("a.tif", *SIZE)
    assert slide["spacingMm"] == pytest.approx([0.0005, 0.0005])
    stack = graphql(client, STACK, image="a.tif")["stack"]
    assert (stack["at"], stack["slideLevels"]) == (0, 4)


def test_a_tile_is_in_no_stack_with_its_neighbours(client) -> None:
    stack = graphql(client, STACK, image="a.tif#1.0um/2,1")["stack"]
    assert ([one["image"]["id"] for one in stack["slices"]], stack["slideLevels"]) == (["a.tif#1.0um/2,1"], 0)


def test_indexes_of_slides_are_browsed_by_slide(client) -> None:
    (index,) = graphql(client, "{ indexes { groups } }")["indexes"]
    assert index["groups"][0] == "slide"


def test_squares_are_the_slide_and_are_kept_for_ever(client, slide) -> None:
    answer = square(client, slide, "0/1/1")
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    found = np.asarray(Image.open(io.BytesIO(answer.content))).astype(int)
    wanted = tissue_image(SIZE[1], SIZE[0], 0, cells=2)[256:512, 256:512]
    assert np.abs(found - wanted).mean() < 6


@pytest.mark.parametrize(("place", "status"), [("0/99/0", 410), ("9/0/0", 410), ("0/0/x", 404)])
def test_a_square_that_is_not_there_is_refused(client, slide, place, status) -> None:
    assert square(client, slide, place).status_code == status


def test_a_key_of_nothing_is_refused(client) -> None:
    assert client.get("/slides/slides.index/123/0/0/0").status_code == 404


def test_the_hits_are_those_of_the_command_line(client, slide_index) -> None:
    answer = graphql(client, SEARCH, ask=ask(k=5))["search"]
    words = ["a.tif", "--region", ",".join(map(str, BOX)), "--by", "superpixel", "-k", "5"]
    expected = asked(slide_index, *words)["hits"]
    assert [hit["image"]["id"] for hit in answer["hits"]] == [hit["id"] for hit in expected]
    assert [hit["score"] for hit in answer["hits"]] == pytest.approx([hit["score"] for hit in expected])


def test_hits_are_outlined_on_their_slides(client) -> None:
    x, y, width, height = BOX
    answer = graphql(client, SEARCH, ask=ask(k=30))["search"]
    assert answer["outline"] == [[[x, y], [x + width, y], [x + width, y + height], [x, y + height]]]
    assert {hit["onSlide"]["slide"] for hit in answer["hits"]} == {"a.tif", "b.tif"}
    own = [hit for hit in answer["hits"] if hit["onSlide"]["slide"] == "a.tif" and hit["transform"]]
    # A verified match of a field with its own slide lies where the field was marked.
    assert own
    middle = np.mean(own[0]["onSlide"]["outline"], axis=0)
    assert np.hypot(*(middle - (x + width / 2, y + height / 2))) < 12


def test_a_transform_is_of_pixels_of_the_slide(client) -> None:
    hits = graphql(client, SEARCH, ask=ask(k=30))["search"]["hits"]
    hit = next(hit for hit in hits if hit["transform"])
    a, b, c, d, e, f = hit["transform"]
    x, y, width, height = BOX
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    moved = [(a * u + b * v + c, d * u + e * v + f) for u, v in corners]
    assert np.abs(np.array(moved) - hit["quad"]).max() < 1.5


def test_the_mark_is_shown_where_it_was_made(client) -> None:
    polygon = [[500, 400], [800, 420], [640, 700]]
    found = graphql(client, REGION, ask={"image": "a.tif", "region": {"polygon": polygon}})["region"]
    assert found["polygons"] == [polygon]
    area = 0.5 * abs(300 * 300 - 20 * 140) * 0.0005**2
    assert found["areaMm2"] == pytest.approx(area, rel=0.05)


@pytest.mark.parametrize(
    ("region", "says"),
    [
        (None, "mark a box or a polygon"),
        ({"point": [5, 5]}, "marks no field"),
        ({"box": BOX, "marginPx": 3}, "marks no field"),
        ({"box": [5, 5, 0, 9]}, "mark more of it"),
        ({"box": [5000, 5, 9, 9]}, "outside the slide"),
        ({"box": [5, 5, 9]}, "x, y, width and height"),
        ({"polygon": [[5, 5], [9, 9]]}, "three corners"),
        ({"box": BOX, "polygon": [[1, 1], [9, 9], [1, 9]]}, "give one of them"),
    ],
)
def test_what_marks_no_field_is_refused(client, region, says) -> None:
    answer = graphql(client, SEARCH, ask={"image": "a.tif", "region": region})["search"]
    assert answer["__typename"] == "Problem"
    assert says in answer["message"]


def test_the_heat_lies_over_the_tiles(client) -> None:
    heat = graphql(client, HEAT, ask=ask(), slide="a.tif")["heat"]
    layer = np.asarray(Image.open(io.BytesIO(client.get(heat["address"]).content)))
    assert layer.shape == (768, 1024, 4)
    # Glass in the corner has no tile; the middle has one.
    assert (layer[0, 0, 3], layer[384, 512, 3]) == (0, 255)
    assert heat["tiles"] > 10
    assert heat["low"] < heat["high"]


def test_the_heat_of_what_is_no_slide_is_refused(client) -> None:
    assert "no slide" in graphql(client, HEAT, ask=ask(), slide="c.tif")["heat"]["message"]


def test_a_slide_is_logged_once(slide_index, slide, tmp_path) -> None:
    log = tmp_path / "access.log"
    with serving(slide_index, access_log=log) as client:
        for place in ("0/0/0", "0/1/0", "1/0/0"):
            assert square(client, slide, place).status_code == 200
    lines = [line for line in log.read_text().splitlines() if "serve slide" in line]
    assert len(lines) == 1
    assert len(json.loads(lines[0])["shown"]) == 1


def test_a_slide_that_is_no_file_of_the_server_is_refused_with_the_remedy(client, slide_index) -> None:
    file = slide_index.parent / "slides" / "b.tif"
    away = file.rename(file.with_name("away"))
    try:
        said = graphql(client, STACK, image="b.tif")["stack"]["message"]
    finally:
        away.rename(file)
    assert said.startswith("b.tif: the page zooms into slides that are files")
    assert "tiles" in said
