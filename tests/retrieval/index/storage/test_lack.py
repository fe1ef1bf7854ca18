"""Facts about what the machine lacks: said as what it is, with a remedy, and never taken for damage."""

import errno
import os
import sqlite3
import subprocess
import sys

import pytest
from support.drawings import draw_numbered
from support.indexes import index_thumbnails

from retrieval.errors import LACKS, REPAIR, IndexFolderError, LackError, lack
from retrieval.index import Index
from retrieval.index.catalogue.connection import explained
from retrieval.index.writer import IndexWriter

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def place(tmp_path):
    return index_thumbnails(tmp_path / "index", draw_numbered(tmp_path / "images", 4))


@pytest.mark.parametrize("number", LACKS)
def test_each_lack_has_a_sentence_and_a_remedy_and_none_is_damage(number):
    text = str(lack(OSError(number, os.strerror(number)), "x.index"))
    assert text.startswith("x.index: ")
    assert ";" in text
    assert "repair" not in text and "restore" not in text


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("database or disk is full", "no space is left on the disk"),
        ("disk I/O error", "the disk refuses to read or write"),
        ("database is locked", "another process holds it"),
        ("out of memory", "no memory is left"),
        ("attempt to write a readonly database", "no permission"),
    ],
)
def test_what_sqlite_lacks_is_no_damage(tmp_path, error, said):
    with pytest.raises(LackError, match=said) as caught, explained(tmp_path):
        raise sqlite3.OperationalError(error)
    assert REPAIR not in str(caught.value)


def test_what_sqlite_finds_damaged_is_damage(tmp_path):
    with pytest.raises(IndexFolderError, match="malformed; `semblance repair`"), explained(tmp_path):
        raise sqlite3.DatabaseError("database disk image is malformed")


SCRIPT = """
import os, resource, signal, sys
from pathlib import Path

import numpy
import retrieval.index.index
import retrieval.rankers.dense
from retrieval.errors import SemblanceError
from retrieval.index import Index

place, spare = Path(sys.argv[1]), int(sys.argv[2])
with Index.open(place) as index:
    index.query("1.png")  # what is imported when it is needed is imported now
kept = [os.open("/dev/null", os.O_RDONLY) for _ in range(3)]
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (max(kept) + 1 + spare, most))
try:
    with Index.open(place) as index:
        index.query("1.png")
        print(index.verify())
except (SemblanceError, OSError) as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("spare", [0, 1, 2, 3])
def test_too_many_open_files_are_no_damage(place, spare):
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(place), str(spare)], capture_output=True, text=True, check=True
    )
    assert found.stdout == "[]\n" or "too many files are open; raise the limit" in found.stdout
    assert "repair" not in found.stdout and "restore" not in found.stdout
    if spare == 0:
        assert found.stdout != "[]\n"


def test_a_segment_that_cannot_be_read_is_neither_called_damaged_nor_made_again(place, monkeypatch):
    segments = sorted(path.name for path in (place / "segments").iterdir())

    def refuse(folder, *args, **options):
        raise lack(PermissionError(errno.EACCES, "Permission denied"), folder)

    monkeypatch.setattr("retrieval.index.storage.verify.load_arrays", refuse)
    with Index.open(place) as index, pytest.raises(LackError, match="no permission"):
        index.verify()
    with pytest.raises(LackError, match="no permission"):
        IndexWriter.repair(place, jobs=1)
    assert sorted(path.name for path in (place / "segments").iterdir()) == segments


LIMITED = """
import resource, signal, sys
from pathlib import Path

from retrieval.errors import SemblanceError, lack
from retrieval.index.writer import IndexWriter

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), most))
try:
    with IndexWriter.open(Path(sys.argv[1])) as index:
        index.update([Path(sys.argv[2])], jobs=1)
    print("done")
except SemblanceError as error:
    print(error)
except OSError as error:
    print(lack(error, error.filename))
"""


@pytest.mark.parametrize("limit", [200, 2_000, 20_000, 60_000])
def test_a_quota_loses_nothing_and_is_said(place, tmp_path, limit):
    more = draw_numbered(tmp_path / "more", 40)
    command = [sys.executable, "-c", LIMITED, str(place), str(more), str(limit)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "run the same command again" in said, said
    assert "repair" not in said and "restore" not in said
    with Index.open(place) as index:
        assert [line for line in index.verify() if "not encoded yet" not in line] == []
        assert len(index) >= 4
    with IndexWriter.open(place) as index:
        index.update([more], jobs=1)
        assert (len(index), index.verify()) == (44, [])
