"""What users leave beside an index: searches and tags."""

from __future__ import annotations

import json
import time

import pytest
from support.served import graphql, run

SAVE = """mutation($name: String!, $state: String!) {
  saveSearch(index: "scans.index", name: $name, state: $state) {
  __typename ... on SavedSearch { id name state saved } ... on Problem { kind argument } } }"""
SEARCHES = '{ searches(index: "scans.index") { id name state } }'
DELETE = 'mutation($id: ID!) { deleteSearch(index: "scans.index", id: $id) }'
TAG = """mutation($image: ID!, $label: String!) { tag(index: "scans.index", image: $image, label: $label) {
  __typename ... on Tag { image label } ... on Problem { kind argument } } }"""
UNTAG = 'mutation($image: ID!, $label: String!) { untag(index: "scans.index", image: $image, label: $label) }'
TAGS = '{ tags(index: "scans.index") { image label } }'


def test_searches_are_kept_in_a_file_beside_the_index(copied_client, copied_index):
    first = graphql(copied_client, SAVE, name="ground  glass", state='{"a": 1}')["saveSearch"]
    graphql(copied_client, SAVE, name="two", state="[]")
    assert first["name"] == "ground glass"
    assert [one["name"] for one in graphql(copied_client, SEARCHES)["searches"]] == ["two", "ground glass"]
    kept = json.loads((copied_index.parent / "scans.index.searches.json").read_text())
    assert [one["state"] for one in kept] == ["[]", '{"a": 1}']
    assert graphql(copied_client, DELETE, id=first["id"])["deleteSearch"] is True
    assert graphql(copied_client, DELETE, id=first["id"])["deleteSearch"] is False
    assert [one["name"] for one in graphql(copied_client, SEARCHES)["searches"]] == ["two"]


@pytest.mark.parametrize(
    ("name", "state", "argument"),
    [
        ("", "{}", "name"),
        ("x" * 121, "{}", "name"),
        ("a", "{", "state"),
        ("a", '"' + "x" * 16_384 + '"', "state"),
    ],
)
def test_a_search_that_makes_no_sense_is_a_problem(name, state, argument, copied_client):
    assert graphql(copied_client, SAVE, name=name, state=state)["saveSearch"]["argument"] == argument


def test_tags_are_a_table_that_index_takes(own_client, own_index):
    graphql(own_client, TAG, image="grey.png", label="texture")
    graphql(own_client, TAG, image="ct1/000.dcm", label="nodule")
    graphql(own_client, TAG, image="ct1/000.dcm", label="nodule")
    table = own_index.parent / "scans.index.labels.csv"
    # A table replaces the labels of an image: those that it had stand in it, too.
    assert table.read_text() == "path,label\nct1/000.dcm,normal;nodule\ngrey.png,texture\n"
    folder = own_index.parent / "images"
    assert run(["index", folder, "-o", own_index, "--labels", table, "--jobs", "1", "--quiet"])[0] == 0
    _, printed = run(["query", own_index, "grey.png", "--where", "label = 'nodule'", "--json", "--quiet"])
    assert [hit["id"] for hit in json.loads(printed)[0]["hits"]] == ["ct1/000.dcm"]


def test_a_tag_adds_to_what_label_tables_said_before(own_client, own_index, tmp_path):
    """The patient, the age and all labels of a table stay with an image that is tagged."""
    table = tmp_path / "earlier.csv"
    table.write_text("path,label,age,report\nct0/000.dcm,fibrosis;old,61,reticular pattern\n")
    folder = own_index.parent / "images"
    update = ["index", folder, "-o", own_index, "--jobs", "1", "--quiet", "--labels"]
    assert run([*update, table])[0] == 0
    wait_for(own_client, "ct0/000.dcm", "age = '61'")
    graphql(own_client, TAG, image="ct0/000.dcm", label="nodule")
    tags = own_index.parent / "scans.index.labels.csv"
    assert tags.read_text() == (
        "path,label,age,report\nct0/000.dcm,fibrosis;old;nodule,61,reticular pattern\n"
    )
    document = (
        '{ image(index: "scans.index", image: "ct0/000.dcm") { ... on Image { table { name value } } } }'
    )
    assert graphql(own_client, document)["image"]["table"] == [
        {"name": "age", "value": "61"},
        {"name": "report", "value": "reticular pattern"},
    ]
    # A later table is joined to the tag; a label that was taken away does not come back with the next one.
    table.write_text("path,label,side\nct0/000.dcm,late,left\n")
    assert run([*update, table])[0] == 0
    wait_for(own_client, "ct0/000.dcm", "side = 'left'")
    graphql(own_client, UNTAG, image="ct0/000.dcm", label="old")
    graphql(own_client, TAG, image="ct0/000.dcm", label="seen")
    assert tags.read_text() == (
        "path,label,age,report,side\nct0/000.dcm,late;fibrosis;nodule;seen,61,reticular pattern,left\n"
    )


def wait_for(client, image, where):
    """Wait until the server has taken up a commit by which an image meets a condition."""
    document = """query($where: String) { images(index: "scans.index", where: $where) {
      ... on ImagePage { items { id } } } }"""
    until = time.monotonic() + 60
    while {"id": image} not in (graphql(client, document, where=where)["images"].get("items") or []):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_tag_can_be_taken_back(copied_client):
    graphql(copied_client, TAG, image="grey.png", label="one")
    graphql(copied_client, TAG, image="grey.png", label="two")
    assert graphql(copied_client, UNTAG, image="grey.png", label="one")["untag"] is True
    assert graphql(copied_client, UNTAG, image="grey.png", label="one")["untag"] is False
    assert graphql(copied_client, TAGS)["tags"] == [{"image": "grey.png", "label": "two"}]


@pytest.mark.parametrize(
    ("image", "label"),
    [("grey.png", ""), ("grey.png", "a;b"), ("grey.png", "=1+1"), ("grey.png", "x" * 65), ("no.png", "a")],
)
def test_a_tag_that_makes_no_sense_is_a_problem(image, label, copied_client, copied_index):
    assert graphql(copied_client, TAG, image=image, label=label)["tag"]["__typename"] == "Problem"
    assert not (copied_index.parent / "scans.index.labels.csv").exists()


def test_columns_that_somebody_added_to_the_table_stay(copied_client, copied_index):
    table = copied_index.parent / "scans.index.labels.csv"
    table.write_text("path,label,reader\ngrey.png,one,AB\n")
    graphql(copied_client, TAG, image="colour.png", label="two")
    assert table.read_text() == "path,label,reader\ncolour.png,two,\ngrey.png,one,AB\n"


def test_a_file_that_is_damaged_is_named(copied_client, copied_index):
    (copied_index.parent / "scans.index.searches.json").write_text("{")
    answer = copied_client.post("/graphql", json={"query": SEARCHES}).json()
    assert "scans.index.searches.json is damaged" in answer["errors"][0]["message"]
