"""A collection that is closed while it looks for commits: SQLite must not be closed under it."""

import asyncio
import gc
import shutil
import sqlite3
import threading
import time

import pytest
from support.indexes import catalogue_of

from retrieval.errors import SemblanceError
from retrieval.index import Index
from retrieval.index.catalogue.database import Catalogue
from viewer.access_log import VARIABLE
from viewer.server.api.schema import SCHEMA
from viewer.server.asking.archiving import link_of
from viewer.server.asking.series import find_series
from viewer.server.collection import Collection
from viewer.server.desk import Desk


def test_it_is_closed_only_when_nobody_looks_for_a_commit(copied_index):
    collection = Collection("it", copied_index)
    begun, may_end, order = threading.Event(), threading.Event(), []

    def looks() -> bool:
        begun.set()
        may_end.wait(10)
        order.append("looked")
        return False

    collection._take_up = looks
    looking = threading.Thread(target=collection.take_up)
    looking.start()
    assert begun.wait(10)
    closing = threading.Thread(target=lambda: (collection.close(), order.append("closed")))
    closing.start()
    closing.join(0.2)
    assert closing.is_alive()
    may_end.set()
    looking.join(10)
    closing.join(10)
    assert order == ["looked", "closed"]
    # Whoever comes later asks nothing of what is closed.
    del collection._take_up
    assert collection.take_up() is False


@pytest.mark.parametrize("damage", ["catalogue.sqlite", "segments"])
def test_an_index_that_is_put_back_is_looked_at_again(copied_index, tmp_path, damage):
    collection = Collection("it", copied_index)
    other, aside = tmp_path / "other", tmp_path / "aside"
    shutil.copytree(copied_index, other)
    if damage == "segments":
        shutil.rmtree(other / damage)
    else:
        (other / damage).write_bytes(b"nothing" * 999)
    copied_index.rename(aside)
    other.rename(copied_index)
    collection.take_up()
    copied_index.rename(other)
    aside.rename(copied_index)
    collection.take_up()
    with catalogue_of(copied_index, write=True) as catalogue:
        commit = catalogue.generation
    assert collection.take_up()
    assert collection.now.commit == commit
    assert not collection.take_up()
    collection.close()


def tagged(desk):
    question = """mutation { tag(index: "scans.index", image: "grey.png", label: "new") {
      ... on Tag { label } ... on Problem { message } } }"""
    return asyncio.run(SCHEMA.execute(question, context_value={"desk": desk})).data


QUESTIONS = {
    "series": lambda desk: find_series(desk, series="1.2.5.1")[1],
    "link": lambda desk: link_of(desk, "scans.index", "ct0/000.dcm"),
    "tag": tagged,
}


@pytest.mark.parametrize("kind", QUESTIONS)
def test_no_index_is_closed_under_a_question_when_a_commit_is_taken_up(copied_index, monkeypatch, kind):
    desk = Desk.of([copied_index], viewer_link="http://viewer/{study}", access_log=None)
    (collection,) = desk.collections
    # Its files say no study, without which there is no link.
    link = "viewer.server.asking.archiving.viewer_link"
    monkeypatch.setattr(link, lambda index, image, template: index.picture(image).shape)
    expected, asking, commits = QUESTIONS[kind](desk), Index.ask, []

    def ask(self, question):
        if not commits:
            commits.append(1)
            with catalogue_of(copied_index, write=True):
                pass
            assert collection.take_up()
        return asking(self, question)

    monkeypatch.setattr(Index, "ask", ask)
    assert QUESTIONS[kind](desk) == expected
    assert commits
    collection.close()


@pytest.mark.parametrize("lacks", ["log", "index", "names"])
def test_no_catalogue_stays_open_of_what_cannot_be_served(copied_index, tmp_path, monkeypatch, lacks):
    opened, opening = [], Catalogue.__init__

    def noted(self, *about):
        opening(self, *about)
        opened.append(self)

    def fails(*_):
        raise SemblanceError("nothing can be read")

    monkeypatch.setattr(Catalogue, "__init__", noted)
    if lacks == "log":
        monkeypatch.setenv(VARIABLE, str(tmp_path / "gone" / "access.log"))
    elif lacks == "names":
        monkeypatch.setattr(Index, "ask", fails)
    with pytest.raises(SemblanceError):
        Desk.of([copied_index, *([tmp_path / "none"] if lacks == "index" else [])])
    gc.collect()
    assert opened
    deadline = time.monotonic() + 20  # by a thread of its own
    while any(map(is_open, opened)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_open, opened))


def is_open(catalogue):
    try:
        with catalogue._turn:  # which closing takes
            catalogue._connection.execute("SELECT 1")
    except sqlite3.ProgrammingError as error:
        assert "closed" in str(error)
        return False
    return True
