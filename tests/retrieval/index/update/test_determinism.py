"""With one key, the same images, seed and versions make the same index, whoever does the work."""

import hashlib
import re
import sqlite3

import numpy as np
import pytest
from PIL import Image
from support.dicom_files import texture, write_dicom

from cli.main import main
from retrieval.index import Index

CHANGING = {
    "root": {"folder", "scanned_ns"},  # device and inode, and the time
    "source": {"mtime_ns", "ctime_ns", "inode"},
    "segment": {"folder"},
    "representation": {"model"},
}
"""Columns that hold times and random names."""


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    (folder / "b").mkdir()
    random = np.random.default_rng(0)
    for number in range(9):
        pixels = np.kron(random.integers(0, 255, (10, 10)), np.ones((9, 9))).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "b" / f"{number}.png")
    for number in range(6):
        path = folder / f"{number}.dcm"
        write_dicom(path, texture(number, (90, 90)), uid=f"1.2.{number}", PatientID=f"P{number % 3}")
    write_dicom(folder / "many.dcm", texture(7, (5, 64, 64)), uid="1.2.9", PatientID="P9")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    (folder / "l.csv").write_text("path,label,patient\n0.dcm,x,P0\nb/3.png,y,P1\n")
    return folder


def made(place, folder, jobs, *more):
    line = ["index", folder, "-o", place, "--by", "sift", "--by", "thumbnail", "--words", 30, "--jobs", jobs]
    assert main([str(word) for word in [*line, "--labels", folder / "l.csv", *more]]) == 0
    return place


def dump(place):
    """Return all rows of the catalogue without times and random names, in the order of their numbers."""
    catalogue = sqlite3.connect(place / "catalogue.sqlite")
    tables = catalogue.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    rows = {}
    for (table,) in tables:
        columns = [row[1] for row in catalogue.execute(f"PRAGMA table_info({table})")]
        kept = [name for name in columns if name not in CHANGING.get(table, ())]
        rows[table] = catalogue.execute(f"SELECT {', '.join(kept)} FROM {table} ORDER BY 1, 2").fetchall()
    catalogue.close()
    return rows


def arrays(place):
    """Return a hash of every array of the index, without the random names of their folders."""
    files = sorted(
        path for kind in ("segments", "models") for path in (place / kind).rglob("*") if path.is_file()
    )
    return sorted(
        (path.relative_to(place).parts[0], path.name, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in files
    )


def differing(one, other):
    """Return which tables of two dumps differ, with the rows that do."""
    return {
        table: [pair for pair in zip(one[table], other[table], strict=False) if pair[0] != pair[1]]
        for table in one
        if one[table] != other[table]
    }


@pytest.mark.parametrize(
    "more", [(), ("--names", "hash"), ("--thumbnails", "off")], ids=["plain", "hash", "off"]
)
def test_the_number_of_workers_changes_nothing(scans, tmp_path, more):
    one, two = (made(tmp_path / f"{jobs}.index", scans, jobs, *more) for jobs in (1, 2))
    assert differing(dump(one), dump(two)) == {}
    assert arrays(one) == arrays(two)
    assert len(arrays(one)) > 10


def test_the_order_of_files_on_the_disk_changes_nothing(scans, tmp_path):
    copies = []
    for name, turn in (("up", 1), ("down", -1)):
        # Both are called scans, below folders of one length: the path of the root is a part of the index.
        folder = tmp_path / name / "scans"
        for path in sorted(scans.rglob("*"))[::turn]:
            target = folder / path.relative_to(scans)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file():
                target.write_bytes(path.read_bytes())
        copies.append(made(tmp_path / f"{name}.index", folder, 2))
    one, two = map(dump, copies)
    paths = [rows.pop("root") for rows in (one, two)]
    assert [len(rows) for rows in paths] == [1, 1]
    assert differing(one, two) == {}
    assert arrays(copies[0]) == arrays(copies[1])


def test_answers_and_their_pages_are_the_same_to_the_byte(scans, tmp_path):
    pages = []
    for jobs in (1, 2):
        place = made(tmp_path / f"{jobs}.index", scans, jobs)
        page = tmp_path / "page.html"
        line = ["query", place.rename(tmp_path / "x.index"), "0.dcm", "--by", "sift", "--report", page]
        assert main([str(word) for word in line]) == 0
        # But for the time at which it was made.
        pages.append(re.sub(rb"\d{4}-\d\d-\d\d \d\d:\d\d \w+", b"", page.read_bytes()))
        (tmp_path / "x.index").rename(place)
    assert pages[0] == pages[1]


def test_a_second_representation_and_a_removal_change_nothing_either(scans, tmp_path):
    places = [made(tmp_path / f"{jobs}.index", scans, jobs) for jobs in (1, 2)]
    for jobs, place in enumerate(places, start=1):
        assert main(["remove", str(place), "1.dcm", "b/4.png"]) == 0
        assert main(["index", str(scans), "-o", str(place), "--by", "colour", "--jobs", str(jobs)]) == 0
        assert main(["compact", str(place)]) == 0
    assert differing(*map(dump, places)) == {}
    assert arrays(places[0]) == arrays(places[1])
    with Index.open(places[0]) as index:
        assert len(index) == 18
