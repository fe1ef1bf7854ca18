"""Facts about what an index knows of files: they are found by their paths, and the rest is gone."""

import os

import pytest

from retrieval.index.catalogue import known_sources
from retrieval.index.catalogue.database import Catalogue
from retrieval.index.catalogue.files import Stat, State, add_sources
from retrieval.index.catalogue.known_sources import Recognised
from retrieval.index.catalogue.roots import add_root
from retrieval.index.catalogue.tombstones import add_tombstone

STAT = Stat(1, 2, 3, 4)


@pytest.fixture
def catalogue(tmp_path):
    made = Catalogue.create(tmp_path, {})
    yield made
    made.close()


@pytest.fixture
def root(catalogue, tmp_path, monkeypatch):
    monkeypatch.setattr(known_sources, "_PAGE", 2)
    number = add_root(catalogue, tmp_path / "images")
    paths = [os.fsencode(f"{n}.png") for n in range(5)]
    add_sources(catalogue, number, [(path, os.fsdecode(path), STAT) for path in paths])
    return number


def test_files_are_found_in_the_order_of_the_paths_and_the_rest_is_left(catalogue, root):
    known = Recognised(catalogue, root, b"salt")
    found = known.find([b"4.png", b"new.png", b"1.png"])
    assert [one and one.name for one in found] == ["4.png", None, "1.png"]
    assert (found[0].stat, found[0].state) == (STAT, State.PENDING)
    for one in found:
        if one is not None:
            known.keep(one.id)
    assert [path for path, _ in known.rest()] == [b"0.png", b"2.png", b"3.png"]


def test_a_removed_file_is_found_by_its_path_though_only_a_hash_of_it_is_kept(catalogue, root):
    with catalogue.transaction():
        add_tombstone(catalogue, 2, "was removed")
    (found,) = Recognised(catalogue, root, catalogue.key).find([b"1.png"])
    assert (found.id, found.state) == (2, State.REMOVED)
    assert Recognised(catalogue, root, b"another").find([b"1.png"]) == [None]


def test_what_takes_the_place_of_a_file_that_was_found_is_not_gone(catalogue, root):
    known = Recognised(catalogue, root, b"salt")
    assert None not in known.find([b"0.png", b"1.png", b"2.png", b"3.png"])
    catalogue.run("DELETE FROM source WHERE id = 1")
    (again,) = add_sources(catalogue, root, [(b"0.png", "0.png", STAT)])
    for id in (again, 2, 3, 4):
        known.keep(id)
    assert [path for path, _ in known.rest()] == [b"4.png"]


def test_a_new_folder_has_nothing(catalogue, tmp_path):
    known = Recognised(catalogue, add_root(catalogue, tmp_path / "other"), b"salt")
    assert (known.n, known.find([b"0.png"]), list(known.rest())) == (0, [None], [])


def test_no_file_is_called_as_an_image_of_another_may_be(catalogue, root):
    for name in ("2.png#0", "2.png#0.png", "2.png#x", "9.png#1", "9.png"):
        add_sources(catalogue, root, [(os.fsencode(name), name, STAT)])
    names = [name for (name,) in catalogue.rows("SELECT name FROM source WHERE id > 5 ORDER BY id")]
    assert names == ["images/2.png#0", "2.png#0.png", "2.png#x", "9.png#1", "images/9.png"]
