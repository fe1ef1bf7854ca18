"""Indexes of all kinds are served: empty ones, and those that keep less than others."""

from __future__ import annotations

import pytest
from support.served import SEARCH, graphql, run, search, write_collection
from support.server_process import serving

from retrieval.index.writer import IndexWriter


def test_an_empty_index_is_served_and_says_that_it_is(tmp_path):
    IndexWriter.create(tmp_path / "empty.index").close()
    with serving(tmp_path / "empty.index") as client:
        document = '{ images(index: "empty.index") { ... on ImagePage { total items { id } next } } }'
        assert graphql(client, document)["images"] == {"total": 0, "items": [], "next": None}
        assert graphql(client, "{ indexes { images representations { name } labels { value } groups } }") == {
            "indexes": [{"images": 0, "representations": [], "labels": [], "groups": []}]
        }
        found = graphql(client, SEARCH, index="empty.index", ask={"image": "a.png"})["search"]
        assert found["__typename"] == "Problem"


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_collection(tmp_path_factory.mktemp("kinds") / "images")


def make(images, place, *flags):
    arguments = ["index", images, "-o", place, "--by", "thumbnail", "--jobs", "1", "--quiet", *flags]
    assert run(arguments)[0] == 0
    return place


def test_an_index_without_thumbnails_shows_images_from_their_files(images, tmp_path):
    with serving(make(images, tmp_path / "scans.index", "--thumbnails", "off")) as client:
        (hit,) = search(client, image="ct0/002.dcm", k=1)["hits"]
        for form in ("thumbnail", "picture"):
            found = client.get(f"/images/scans.index/{hit['image']['key']}/{form}")
            assert found.content.startswith(b"\xff\xd8")


def test_an_index_with_hidden_names_is_browsed_and_asked_by_them(images, tmp_path):
    with serving(make(images, tmp_path / "scans.index", "--names", "hash")) as client:
        document = '{ images(index: "scans.index", first: 200) { ... on ImagePage { items { id key } } } }'
        items = graphql(client, document)["images"]["items"]
        assert len(items) == len({one["id"] for one in items}) == 20
        answer = search(client, image=items[3]["id"], k=3)
        assert len(answer["hits"]) == 3
        key = answer["hits"][0]["image"]["key"]
        assert client.get(f"/images/scans.index/{key}/pixels").status_code == 200


def test_several_indexes_of_one_name_have_addresses_of_their_own(images, tmp_path):
    first = make(images, tmp_path / "a" / "scans.index")
    IndexWriter.create(tmp_path / "b" / "scans.index").close()
    with serving(first, tmp_path / "b" / "scans.index") as client:
        found = graphql(client, "{ indexes { id name images } }")["indexes"]
        assert found == [
            {"id": "scans.index", "name": "scans.index", "images": 20},
            {"id": "scans.index-2", "name": "scans.index", "images": 0},
        ]
