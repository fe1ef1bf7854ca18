"""Facts about the sample by which scores are scaled: fixed by names and key alone, in every format."""

import sqlite3

import pytest
from support.drawings import draw_numbered
from support.indexes import change, index_thumbnails, seal

from retrieval.index.catalogue.page_sums import NAMES
from retrieval.index.catalogue.sample import draw_of, sampled
from retrieval.index.storage.store import Store
from retrieval.index.writer import IndexWriter

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def place(tmp_path):
    return index_thumbnails(tmp_path / "index", draw_numbered(tmp_path / "images", 8))


def drawn(place, size):
    """Return the names of the sample and their places, and the key of the index."""
    store = Store.open(place, False, {})
    names = dict(store.catalogue.rows("SELECT id, name FROM picture"))
    ids, draws = sampled(store.catalogue, size)
    key = bytes(store.salt)
    store.close()
    return [names[id] for id in ids.tolist()], draws.tolist(), key


def test_the_smallest_hashes_are_drawn(place):
    names, draws, key = drawn(place, 5)
    everyone = sorted((draw_of(key, f"{i}.png"), f"{i}.png") for i in range(8))
    assert list(zip(draws, names, strict=True)) == everyone[:5]
    assert drawn(place, 1000)[0] == [name for _, name in everyone]


def test_what_is_removed_makes_room_for_the_next(place):
    before = drawn(place, 4)[0]
    with IndexWriter.open(place) as index:
        index.remove([before[1]])
    after = drawn(place, 4)[0]
    assert after[:3] == [before[0], *before[2:]]


def test_an_older_index_draws_the_same_as_it_is_and_migrated(place):
    wanted = drawn(place, 5)
    change(place, "DROP TABLE archive")
    change(place, "DROP INDEX picture_draw")
    change(place, "ALTER TABLE picture DROP COLUMN draw")
    with sqlite3.connect(place / "catalogue.sqlite") as catalogue:
        catalogue.execute("PRAGMA user_version = 3")
    catalogue.close()
    seal(place)
    assert drawn(place, 5) == wanted
    IndexWriter.open(place).close()
    assert (place / NAMES[0]).exists()
    assert drawn(place, 5) == wanted


def test_without_the_key_an_older_index_draws_the_same_each_time(place, tmp_path, monkeypatch):
    change(place, "PRAGMA user_version = 3")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "empty"))
    first = drawn(place, 5)[:2]
    assert first == drawn(place, 5)[:2]
    assert len(first[0]) == 5
