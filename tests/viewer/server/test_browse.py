"""Browsing: lists of images and groups, columns, stacks, the map, and what the server says of itself."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from support.served import INDEX, PATIENTS, graphql, run, write_collection, write_ct
from support.server_process import serving

PAGE = """query($where: String, $first: Int!, $after: String) {
  images(index: "scans.index", where: $where, first: $first, after: $after) {
    __typename
    ... on ImagePage { total next items { id key rows cols labels groups { name } fields { name value } } }
    ... on Problem { kind message argument } } }"""


def page(client, **variables):
    return graphql(client, PAGE, **{"first": 50, **variables})["images"]


def test_images_are_listed_page_by_page(client):
    names, after = [], None
    while True:
        found = page(client, first=7, after=after)
        assert found["total"] == 20
        names += [one["id"] for one in found["items"]]
        after = found["next"]
        if after is None:
            break
    assert names == sorted(names) and len(set(names)) == 20


def test_a_list_that_ends_with_a_page_has_no_next_one(client):
    assert page(client, first=20)["next"] is None


def test_images_are_those_that_meet_a_condition(client):
    found = page(client, where="label = 'normal'")
    assert [one["id"] for one in found["items"]] == [f"ct1/{n:03d}.dcm" for n in range(6)]
    assert {field["name"] for field in found["items"][0]["groups"]} == {"series", "study", "patient"}
    assert {"name": "modality", "value": "CT"} in found["items"][0]["fields"]


@pytest.mark.parametrize(
    "variables", [{"where": "colour ="}, {"where": "colour = 'red'"}, {"first": 0}, {"first": 201}]
)
def test_a_list_that_makes_no_sense_is_a_problem(variables, client):
    assert page(client, **variables)["__typename"] == "Problem"


def test_the_cover_of_a_volume_is_its_middle_slice(tmp_path):
    volume = np.random.default_rng(0).integers(0, 255, (16, 16, 21)).astype(np.int16)
    (tmp_path / "images").mkdir()
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / "images" / "a.nii")
    made = ["index", tmp_path / "images", "-o", tmp_path / INDEX, "--by", "thumbnail"]
    assert run([*made, "--jobs", "1", "--quiet"])[0] == 0
    document = """{ groups(index: "scans.index", by: "series", first: 2) { ... on GroupPage {
      items { count cover { id } } } } }"""
    with serving(tmp_path / INDEX) as client:
        # In the order of names frame 10 is the third, and 18 in the middle.
        assert graphql(client, document)["groups"]["items"] == [{"count": 21, "cover": {"id": "a.nii#10"}}]


def test_groups_are_counted_and_labelled(client):
    document = """{ groups(index: "scans.index", by: "patient", first: 2) { ... on GroupPage {
      total next items { value count cover { id } labels { value count } } } } }"""
    found = graphql(client, document)["groups"]
    assert found["total"] == 3 and found["next"] == found["items"][1]["value"]
    for group in found["items"]:
        series = group["cover"]["id"].split("/")[0]
        assert group["count"] == 6
        assert group["labels"] == [{"value": PATIENTS[series], "count": 6}]


def test_columns_have_their_commonest_values(client):
    document = """{ columns(index: "scans.index") { ... on ColumnList { columns {
      name distinct values { value count } } } } }"""
    columns = {one["name"]: one for one in graphql(client, document)["columns"]["columns"]}
    assert columns["label"]["values"] == [{"value": "fibrosis", "count": 12}, {"value": "normal", "count": 6}]
    assert columns["patient"]["distinct"] == 3
    assert "id" not in columns


def stack(client, image):
    document = """query($image: ID!) { stack(index: "scans.index", image: $image) { ... on Stack {
      at slices { positionMm image { id } } } ... on Problem { kind } } }"""
    return graphql(client, document, image=image)["stack"]


def test_a_stack_is_in_the_order_of_its_positions(client):
    found = stack(client, "ct0/001.dcm")
    assert [one["image"]["id"] for one in found["slices"]] == [f"ct0/{n:03d}.dcm" for n in (5, 4, 3, 2, 1, 0)]
    assert [one["positionMm"] for one in found["slices"]] == [0, 5, 10, 15, 20, 25]
    assert found["at"] == 4


def test_an_image_alone_is_a_stack_of_one(client):
    assert [one["image"]["id"] for one in stack(client, "grey.png")["slices"]] == ["grey.png"]


def test_the_map_has_all_images_that_meet_a_condition(client):
    document = """query($where: String, $limit: Int!) {
      map(index: "scans.index", by: "thumbnail", where: $where, limit: $limit) {
        ... on Map { by isSample caution places { id x y label } } ... on Problem { argument } } }"""
    found = graphql(client, document, where="patient is not null", limit=100)["map"]
    assert len(found["places"]) == 18 and not found["isSample"] and found["caution"]
    assert all(0 <= one["x"] <= 1 and 0 <= one["y"] <= 1 for one in found["places"])
    assert graphql(client, document, where=None, limit=10)["map"]["isSample"]
    assert graphql(client, document, where=None, limit=2)["map"] == {"argument": "limit"}


def test_the_server_says_what_it_serves(client):
    document = """{ indexes { id name images window columns groups labels { value count }
      hasReferences defaults
      representations { name family isDefault locates explains meaning } } }"""
    (found,) = graphql(client, document)["indexes"]
    assert (found["id"], found["images"], found["window"]) == ("scans.index", 20, "auto")
    assert found["groups"] == ["patient", "study", "series"]
    names = {one["name"]: one["family"] for one in found["representations"]}
    assert names == {"superpixel": "words", "thumbnail": "baseline"}
    assert found["hasReferences"] is False


LOCATE = """query($study: String, $series: String, $z: Float) {
  locate(study: $study, series: $series, zMm: $z) {
    __typename ... on Located { index image } ... on Problem { kind message argument } } }"""


@pytest.mark.parametrize(
    ("asked", "image"),
    [
        ({"study": "1.2.4.2"}, "ct1/002.dcm"),
        ({"series": "1.2.5.3", "z": 0}, "ct2/005.dcm"),
        ({"study": "1.2.4.1", "series": "1.2.5.1", "z": 23.5}, "ct0/000.dcm"),
    ],
)
def test_a_study_is_found_by_its_uid(asked, image, client):
    """Slices are 5 mm apart, the higher the lower their number; without a place it is the middle one."""
    found = graphql(client, LOCATE, **asked)["locate"]
    assert (found["__typename"], found["index"], found["image"]) == ("Located", "scans.index", image)


def test_a_place_is_found_in_whichever_stack_reaches_there(tmp_path):
    """A study begins with a localizer, and a series has two slabs."""
    values = np.zeros((16, 16), np.int16)
    write_ct(tmp_path / "scans" / "a.dcm", values, "P", "1", 200)
    for number in (0, 1, 2, 40, 41, 42, 43):
        write_ct(tmp_path / "scans" / f"s{number}.dcm", values, "P", "2", number, StudyInstanceUID="1.2.4.1")
    quick = ["--by", "thumbnail", "--jobs", "1", "--quiet", "--find-text", "off"]
    assert run(["index", tmp_path / "scans", "-o", tmp_path / INDEX, *quick])[0] == 0
    with serving(tmp_path / INDEX) as client:

        def located(**asked):
            return graphql(client, LOCATE, study="1.2.4.1", **asked)["locate"].get("image")

        assert [located(z=z) for z in (6, 211, 1000)] == ["s1.dcm", "s42.dcm", "a.dcm"]
        assert located() == "s42.dcm"


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({}, "BAD_ASK"),
        ({"study": "1.2.4.9"}, "NOT_FOUND"),
        ({"study": "1.2.4.1", "series": "1.2.5.2"}, "NOT_FOUND"),
    ],
)
def test_a_study_that_is_not_there_is_a_problem(asked, kind, client):
    assert graphql(client, LOCATE, **asked)["locate"]["kind"] == kind


def test_no_study_is_found_without_the_key(index, monkeypatch):
    monkeypatch.setattr("retrieval.readers.pseudonym.Key.is_known", False)
    with serving(index) as client:
        found = graphql(client, LOCATE, study="1.2.4.1")["locate"]
    assert found["kind"] == "NOT_FOUND" and "the key of scans.index is not at hand" in found["message"]


def test_every_value_that_is_listed_can_be_filtered_by(tmp_path):
    folder = write_collection(tmp_path / "images")
    # Thicknesses are numbers of headers, and the columns of a table may be called anything.
    table = 'path,label,my note,not,"a ""b"""\ncolour.png,,it\'s,1.50,x\ngrey.png,,,2.0,y\n'
    (tmp_path / "table.csv").write_text(table)
    arguments = ["--by", "thumbnail", "--labels", tmp_path / "table.csv", "--jobs", "1", "--quiet"]
    assert run(["index", folder, "-o", tmp_path / INDEX, *arguments])[0] == 0
    document = "{ columns(index: %r) { ... on ColumnList { columns { name values { value count } } } } }"
    with serving(tmp_path / INDEX) as client:
        listed = graphql(client, (document % INDEX).replace("'", '"'))["columns"]["columns"]
        assert {"slice_thickness", "my note", "not", 'a "b"'} <= {one["name"] for one in listed}
        for column in listed:
            # As the page writes it.
            name = column["name"].replace('"', '""')
            for value in column["values"]:
                text = value["value"].replace("'", "''")
                found = page(client, where=f"\"{name}\" = '{text}'")
                assert found["total"] == value["count"], (column["name"], value)
