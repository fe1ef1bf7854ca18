"""Names that are looked up when they are asked for, while a writer changes the index."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.speed.cold_query import name_of, write_index
from retrieval.index import Index
from retrieval.index.storage import image_names
from retrieval.index.storage.snapshot import Snapshot
from retrieval.index.storage.snapshot_rankers import MovedOnError
from retrieval.index.storage.store import Store
from retrieval.index.writer import IndexWriter

N = 12
NAMES = [name_of(id) for id in range(1, N + 1)]


@pytest.fixture
def place(tmp_path: Path, quick: None) -> Path:
    write_index(tmp_path / "index", N)
    return tmp_path / "index"


@pytest.fixture
def snapshot(place: Path):
    store = Store.open(place, False, {})
    yield Snapshot(store)
    store.close()


def remove(place: Path, name: str) -> None:
    with IndexWriter.open(place) as index:
        index.remove([name])


def test_a_few_are_found_without_reading_all(snapshot, monkeypatch) -> None:
    monkeypatch.setattr(image_names, "all_names", lambda catalogue: pytest.fail("all were read"))
    assert [snapshot.names[at] for at in (0, 5, -1)] == [NAMES[0], NAMES[5], NAMES[-1]]
    assert [snapshot.names.find(name) for name in (*NAMES[::5], "other")] == [0, 5, 10, None]
    assert snapshot.names.find("\udcff\udcfe.png") is None
    assert NAMES[3] in snapshot.names
    assert 3 not in snapshot.names
    for at in (N, -N - 1):
        with pytest.raises(IndexError):
            snapshot.names[at]
    assert len(snapshot.names) == N


@pytest.mark.parametrize("few", [0, 100])
def test_they_are_read_as_a_list_is(snapshot, monkeypatch, few) -> None:
    monkeypatch.setattr(image_names, "_FEW", few)
    assert [snapshot.names[at] for at in range(N)] == NAMES
    assert snapshot.names[2:5] == NAMES[2:5]
    assert list(snapshot.names) == NAMES
    assert [snapshot.names.find(name) for name in (*NAMES, "other")] == [*range(N), None]


def test_what_a_later_commit_took_away_is_said(place, snapshot) -> None:
    remove(place, NAMES[4])
    assert snapshot.names[5] == NAMES[5]
    assert snapshot.names.find(NAMES[5]) == 5
    for ask in (lambda: snapshot.names[4], lambda: NAMES[4] in snapshot.names, snapshot.names.all):
        with pytest.raises(MovedOnError):
            ask()


def test_names_that_were_read_before_stay(place, snapshot) -> None:
    kept = snapshot.names.all()
    remove(place, NAMES[4])
    assert list(kept) == list(snapshot.names) == NAMES
    assert snapshot.names[4] == NAMES[4]


def test_an_open_index_answers_by_the_newer_commit(place) -> None:
    with Index.open(place) as index:
        assert index.query(NAMES[3], k=3)[0].id == NAMES[3]
        remove(place, NAMES[4])
        assert len(index.query(NAMES[3], k=N)) == N - 1
        assert list(index.names) == [*NAMES[:4], *NAMES[5:]]
        assert NAMES[4] not in index
