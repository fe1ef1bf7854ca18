"""Facts about the names of new files: many at once get those that they would get one by one."""

import os

import pytest

from retrieval.index.catalogue.database import Catalogue
from retrieval.index.catalogue.files import Stat, add_source, add_sources
from retrieval.index.catalogue.roots import add_root

STAT = Stat(1, 2, 3, 4)


def new(*names):
    return [(os.fsencode(name), name, STAT) for name in names]


@pytest.fixture
def catalogue(tmp_path):
    made = Catalogue.create(tmp_path, {})
    yield made
    made.close()


def names_of(catalogue, ids):
    return [catalogue.rows("SELECT name FROM source WHERE id = ?", id)[0][0] for id in ids]


def test_free_names_are_kept_and_taken_ones_get_their_folder(catalogue, tmp_path):
    one, other = (add_root(catalogue, tmp_path / name) for name in ("one", "other"))
    first = add_sources(catalogue, one, new("a.png", "b.png"))
    assert names_of(catalogue, first) == ["a.png", "b.png"]
    second = add_sources(catalogue, other, new("c.png", "b.png", "d.png"))
    assert names_of(catalogue, second) == ["c.png", "other/b.png", "d.png"]
    assert add_sources(catalogue, one, []) == []


def test_a_name_under_which_a_label_of_other_folders_waits_is_taken(catalogue, tmp_path):
    one, other = (add_root(catalogue, tmp_path / name) for name in ("one", "other"))
    catalogue.run(
        "INSERT INTO label (name, labels, columns, roots) VALUES ('e.png', '[]', '{}', ?)", f"[{one}]"
    )
    assert names_of(catalogue, add_sources(catalogue, other, new("e.png"))) == ["other/e.png"]
    assert names_of(catalogue, add_sources(catalogue, one, new("e.png"))) == ["e.png"]


def test_numbers_rise_also_after_the_last_was_deleted(catalogue, tmp_path):
    one = add_root(catalogue, tmp_path / "one")
    last = add_source(catalogue, one, *new("z.png")[0])
    catalogue.run("DELETE FROM source WHERE id = ?", last)
    assert add_sources(catalogue, one, new("y.png", "x.png")) == [last + 1, last + 2]
