"""Facts about free pages: a commit that is taken back may leave them changed, and nothing else."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from support.drawings import draw_numbered
from support.indexes import catalogue_of, index_thumbnails

from retrieval.errors import IndexFolderError
from retrieval.index import Index
from retrieval.index.catalogue.connection import FILE
from retrieval.index.catalogue.free_pages import free_pages
from retrieval.index.catalogue.mend import mend
from retrieval.index.catalogue.page_sums import read_sums

pytestmark = pytest.mark.usefixtures("quick")

# A commit that uses free pages, forced to the disk before it is complete, and killed there.
KILLED = """
import os, sys
from pathlib import Path
from retrieval.index.catalogue.database import Catalogue

catalogue = Catalogue.open(Path(sys.argv[1]), write=True)
with catalogue.transaction():
    catalogue.run("PRAGMA cache_size = 1")
    catalogue.run_many("INSERT INTO meta VALUES (?, ?)", [(f"k{i}", "x" * 2000) for i in range(40)])
    os._exit(9)
"""


def write(place, sql, *rows):
    with catalogue_of(place, write=True) as catalogue:
        catalogue.run_many(sql, rows)


@pytest.fixture
def place(tmp_path):
    """Make an index with free pages, some of which are changed by a commit that was taken back."""
    place = index_thumbnails(tmp_path / "index", draw_numbered(tmp_path / "images", 3))
    write(place, "INSERT INTO meta VALUES (?, ?)", *[(f"k{i}", "x" * 2000) for i in range(40)])
    write(place, "DELETE FROM meta WHERE key = ?", *[(f"k{i}",) for i in range(40)])
    assert subprocess.run([sys.executable, "-c", KILLED, str(place)]).returncode == 9
    assert (place / f"{FILE}-journal").stat().st_size
    return place


def sums_and_data(place):
    with closing(sqlite3.connect(place / FILE)) as catalogue:  # takes the commit back
        (number,) = catalogue.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
    return read_sums(place, int(number), with_parity=True), (place / FILE).read_bytes()


def flip(path, byte):
    data = bytearray(path.read_bytes())
    data[byte] ^= 1
    path.write_bytes(bytes(data))


def test_an_index_is_whole_whatever_is_in_its_free_pages(place):
    sums, data = sums_and_data(place)
    assert not sums.fits([data])
    assert len(free_pages(data, sums.page_size).leaves) >= 10
    with Index.open(place) as index:
        assert index.verify() == []
    assert mend(place) == []
    write(place, "INSERT INTO meta VALUES (?, ?)", ("one", "more"))
    sums, data = sums_and_data(place)
    assert sums.fits([data])


def test_a_page_in_use_is_found_and_mended_beside_them(place):
    sums, data = sums_and_data(place)
    free = free_pages(data, sums.page_size)
    used = next(n for n in range(1, len(sums.pages)) if n not in free.leaves | free.listed)
    flip(place / FILE, used * sums.page_size + 100)
    with pytest.raises(IndexFolderError, match=rf"damaged \(page {used + 1} of"):
        Index.open(place)
    assert len(mend(place)) == 1
    assert (place / FILE).read_bytes()[used * sums.page_size :][: sums.page_size] == (
        data[used * sums.page_size :][: sums.page_size]
    )


@pytest.mark.parametrize("where", ["header", "trunk"])
def test_a_damaged_list_of_free_pages_is_not_believed(place, where):
    sums, data = sums_and_data(place)
    (trunk, *_) = free_pages(data, sums.page_size).listed - {0}
    flip(place / FILE, 39 if where == "header" else trunk * sums.page_size + 11)
    with pytest.raises(IndexFolderError, match="is damaged"):
        Index.open(place)
    assert mend(place)
    with Index.open(place) as index:
        assert index.verify() == []
