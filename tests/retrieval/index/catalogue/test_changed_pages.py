"""Facts about the checksums of a commit, which follow from the pages that it changes."""

import random
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing

import pytest
from support.drawings import draw_numbered
from support.indexes import index_thumbnails

from retrieval.errors import LackError
from retrieval.index import Index
from retrieval.index.catalogue import seals
from retrieval.index.catalogue.before_commit import vfs_name
from retrieval.index.catalogue.connection import FILE
from retrieval.index.catalogue.crc_shift import shifted
from retrieval.index.catalogue.database import Catalogue
from retrieval.index.catalogue.journal import read_journal
from retrieval.index.catalogue.page_sums import PageSums, read_sums

pytestmark = pytest.mark.usefixtures("quick")

# A writer that is killed when its pages are in the file, before or after it has written their checksums.
KILLED = """
import os, sys
from pathlib import Path
from retrieval.index.catalogue import seals
from retrieval.index.catalogue.database import Catalogue

catalogue = Catalogue.open(Path(sys.argv[1]), write=True)
write = seals.write_sums

def dying(folder, sums):
    if sys.argv[2] == "after":
        write(folder, sums)
    os._exit(9)

seals.write_sums = dying
with catalogue.transaction():
    catalogue.run("INSERT INTO meta VALUES ('new', 'x')")
"""


@pytest.fixture
def place(tmp_path):
    return index_thumbnails(tmp_path / "index", draw_numbered(tmp_path / "images", 3))


@pytest.fixture
def n_anew(monkeypatch):
    """Count the commits for which the whole file was read."""
    numbers, anew = [], seals.Seals._anew
    monkeypatch.setattr(seals.Seals, "_anew", lambda self, n: (numbers.append(n), anew(self, n))[1])
    return numbers


def flipped(data, byte):
    changed = bytearray(data)
    changed[byte] ^= 1
    return bytes(changed)


def check_parity(sums, data):
    """Mend every page with the parity of a commit: all of them together are the file."""
    for n in range(1, len(sums.pages)):
        mended = sums.mended(flipped(data, n * sums.page_size + 9))
        assert mended is not None and mended[100:] == data[100:]


def test_a_crc_is_that_of_its_parts(place):
    for n in (0, 1, 4096, 1_000_000):
        first, second = random.Random(n).randbytes(777), random.Random(-n).randbytes(n)
        assert shifted(zlib.crc32(first), n) ^ zlib.crc32(second) == zlib.crc32(first + second)


def test_checksums_follow_from_the_changed_pages(place, n_anew):
    draw = random.Random(5)
    with closing(Catalogue.open(place, write=True)) as catalogue:
        assert vfs_name() is not None
        for turn in range(60):
            with catalogue.transaction():
                # With a small cache pages are written ahead of the commit: the journal has several heads.
                catalogue.run(f"PRAGMA cache_size = {draw.choice([2, 500])}")
                for _ in range(draw.choice([0, 1, 5, 60])):
                    key, value = f"k{draw.randrange(40)}", "x" * draw.choice([3, 500, 9000])
                    if draw.random() < 0.6:
                        catalogue.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, value)
                    else:
                        catalogue.run("DELETE FROM meta WHERE key = ?", key)
            sums, data = read_sums(place, catalogue.generation, with_parity=True), (place / FILE).read_bytes()
            whole = PageSums.of(data, catalogue.generation)
            assert (sums.pages, sums.total) == (whole.pages, whole.total)
            if turn % 20 == 19:
                check_parity(sums, data)
        assert catalogue.rows("PRAGMA freelist_count") > [(0,)]
    assert len(n_anew) < 6  # as the file grew
    with Index.open(place) as index:
        assert index.verify() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_when_the_pages_are_written_takes_the_commit_back(place, when):
    command = [sys.executable, "-c", KILLED, str(place), when]
    assert subprocess.run(command).returncode == 9
    assert (place / f"{FILE}-journal").stat().st_size
    with Index.open(place) as index:
        assert index.verify() == [] and len(index) == 3
    with closing(Catalogue.open(place)) as catalogue:
        assert catalogue.rows("SELECT 1 FROM meta WHERE key = 'new'") == []


def test_an_error_when_the_pages_are_written_takes_the_commit_back(place, monkeypatch):
    def refuse(folder, sums):
        raise OSError(28, "No space left on device")

    with closing(Catalogue.open(place, write=True)) as catalogue:
        number = catalogue.generation
        with monkeypatch.context() as patched, pytest.raises(LackError, match="no space is left"):
            patched.setattr(seals, "write_sums", refuse)
            with catalogue.transaction():
                catalogue.run("INSERT INTO meta VALUES ('new', 'x')")
        assert catalogue.generation == number
        assert catalogue.rows("SELECT 1 FROM meta WHERE key = 'new'") == []
        with catalogue.transaction():
            catalogue.run("INSERT INTO meta VALUES ('newer', 'x')")
    with Index.open(place) as index:
        assert index.verify() == []


def test_damage_outside_of_a_commit_stays_known(place):
    with closing(Catalogue.open(place, write=True)) as catalogue:
        (place / FILE).write_bytes(flipped((place / FILE).read_bytes(), -7))
        with catalogue.transaction():
            pass
        sums = read_sums(place, catalogue.generation)
    assert sums.damaged((place / FILE).read_bytes()) == [len(sums.pages) - 1]


def test_without_the_vfs_the_checksums_are_the_same(place, monkeypatch):
    monkeypatch.setattr(seals, "vfs_name", lambda: None)
    with closing(Catalogue.open(place, write=True)) as catalogue:
        with catalogue.transaction():
            catalogue.run("INSERT INTO meta VALUES ('new', 'x')")
        assert read_sums(place, catalogue.generation).fits([(place / FILE).read_bytes()])


def test_a_journal_that_is_not_as_expected_is_not_believed(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as made:
        made.execute("CREATE TABLE t (a)")
        made.execute("INSERT INTO t VALUES (zeroblob(9000))")
        made.execute("PRAGMA cache_size = 1")
        made.execute("BEGIN")
        made.executemany("UPDATE t SET a = zeroblob(?)", [(n,) for n in range(8000, 9000, 100)])
        made.executemany("INSERT INTO t VALUES (zeroblob(?))", [(5000,)] * 9)
        journal = tmp_path / "a.sqlite-journal"
        data, other = journal.read_bytes(), tmp_path / "other"
        assert (found := read_journal(journal, 4096)) is not None and 0 in found.pages
        other.write_bytes(data)
        assert read_journal(other, 512) is None
        # One of the bytes that the checksum of a record covers; the other ones are those of the page.
        other.write_bytes(flipped(data, 512 + 4 + 4096 - 200))
        assert read_journal(other, 4096) is None
        assert read_journal(tmp_path / "none", 4096) is None
