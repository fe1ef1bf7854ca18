"""Facts about single bits that turn: found wherever a reader looks, and no answer is silently wrong."""

import shutil

import pytest
from faults import flips

from retrieval.index import Index
from retrieval.index.catalogue.page_sums import NAMES
from retrieval.index.writer import IndexWriter

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return flips.make_index(tmp_path_factory.mktemp("flips") / "golden")


def check(tally):
    assert tally.wrong == []
    # What no reader reads: one of the two files of checksums, that of the commit before.
    assert len({file for file, _ in tally.unread if file in NAMES}) <= 1
    # Of the header of SQLite: a counter of changes, and which version of SQLite wrote last.
    late = {("catalogue.sqlite", byte) for byte in (*range(24, 28), *range(92, 100))}
    assert {(file, byte) for file, byte in tally.unread if file not in NAMES} <= late


def test_flips_are_found_and_no_answer_is_silently_wrong(place):
    check(flips.run(place, 50, seed=20))


@pytest.mark.soak
def test_a_thousand_flips_are_found_and_no_answer_is_silently_wrong(place):
    tally = flips.run(place, 1000, seed=0)
    print("\n".join(tally.lines()))
    check(tally)


def files(place):
    return sorted(path for path in place.rglob("*") if path.is_file() and path.stat().st_size)


@pytest.mark.parametrize("number", range(4))
def test_a_repair_makes_an_index_whole_again_that_answers_as_before(place, tmp_path, number):
    """One bit each of a page of the catalogue, of its checksums, of a segment and of its checksums."""
    with Index.open(place) as index:
        expected = flips.answers(index)
    copy = shutil.copytree(place.parent, tmp_path / "golden") / place.name
    kinds = ("catalogue.sqlite", "catalogue.sums-*", "segments/*/*.npy", "segments/*/checksums")
    for path in sorted(copy.glob(kinds[number])):
        flips.flip(path, path.stat().st_size // 2, 3)
    report = IndexWriter.repair(copy, jobs=1)
    assert report.mended
    assert not report.lost  # the files of images are where they were; only the index was copied
    with Index.open(copy) as index:
        assert index.verify() == []
        assert flips.answers(index) == expected
