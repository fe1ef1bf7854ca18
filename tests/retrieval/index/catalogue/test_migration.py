"""Facts about an index of format 1: read as it is, brought to the last format by a writer, and never half."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import pytest
from support.drawings import draw_numbered
from support.indexes import change, counts

from retrieval.baselines import Thumbnail
from retrieval.errors import IndexFolderError
from retrieval.index import Index
from retrieval.index.catalogue.page_sums import NAMES
from retrieval.index.catalogue.schema import FORMAT
from retrieval.index.storage.key_file import find_key
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable

pytestmark = pytest.mark.usefixtures("quick")


def to_format_1(place, number_of=float):
    """Bring an index back to what format 1 kept: no hashes, unique paths, and numbers of label tables."""
    catalogue = sqlite3.connect(place / "catalogue.sqlite")
    for name, text in catalogue.execute("SELECT name, columns FROM label").fetchall():
        fields = json.loads(text).items()
        numbers = {key: number_of(value) if value[0].isdigit() else value for key, value in fields}
        catalogue.execute("UPDATE label SET columns = ? WHERE name = ?", (json.dumps(numbers), name))
    # The older formats held their key.
    (id,) = catalogue.execute("SELECT value FROM meta WHERE key = 'key'").fetchone()
    catalogue.execute("UPDATE meta SET key = 'salt', value = ? WHERE key = 'key'", (find_key(id).hex(),))
    catalogue.commit()
    catalogue.executescript(
        """DROP TABLE archive;
        DROP INDEX root_path;
        ALTER TABLE label DROP COLUMN roots;
        ALTER TABLE source DROP COLUMN inode;
        ALTER TABLE source DROP COLUMN ctime_ns;
        ALTER TABLE source DROP COLUMN part;
        ALTER TABLE source DROP COLUMN whole;
        CREATE TABLE root_1 (id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE);
        INSERT INTO root_1 SELECT id, path FROM root;
        DROP TABLE root;
        ALTER TABLE root_1 RENAME TO root;
        PRAGMA user_version = 1;
        ALTER TABLE picture DROP COLUMN burned_in;
        DROP INDEX picture_draw;
        ALTER TABLE picture DROP COLUMN draw;
        ALTER TABLE segment DROP COLUMN is_summed;
        DELETE FROM meta WHERE key IN ('hash', 'names', 'thumbnails');"""
    )
    catalogue.close()
    for name in NAMES:
        (place / name).unlink()


@pytest.fixture
def folder(tmp_path):
    return draw_numbered(tmp_path / "images", 6)


@pytest.fixture
def place(tmp_path, folder):
    (tmp_path / "l.csv").write_text("path,label,patient,age\n0.png,x,1.1,60\n1.png,x,1.10,70\n2.png,y,p2,\n")
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([folder], jobs=1, labels=LabelTable.read(tmp_path / "l.csv"))
        index.remove(["5.png"])
    to_format_1(tmp_path / "index")
    return tmp_path / "index"


def state(place):
    """Return what an index answers."""
    with Index.open(place) as index:
        assert index.verify() == []
        entries = [(e.name, e.labels, dict(e.groups)) for e in index.pictures()]
        return entries, index.query("0.png", k=9), index.query("0.png", where="age > 65", k=9)


def sources(place):
    with closing(sqlite3.connect(place / "catalogue.sqlite")) as catalogue:
        return catalogue.execute("SELECT count(*), count(part), count(inode) FROM source").fetchone()


def test_reading_changes_nothing(place, folder):
    before = (place / "catalogue.sqlite").read_bytes()
    entries, _, where = state(place)
    with Index.open(place) as index:
        assert index.info()["format"] == 1
        assert index.names_at(folder / "0.png") == ["0.png"]
        assert index.read("1.png").id == "1.png"
        assert index.path_of("1.png") == folder / "1.png"
    assert len(entries) == 5
    assert [hit.id for hit in where] == ["1.png"]
    assert (place / "catalogue.sqlite").read_bytes() == before


def test_a_writer_migrates_and_the_answers_are_the_same(place, folder):
    before = state(place)
    with IndexWriter.open(place) as index:
        assert index.info()["format"] == FORMAT
    assert state(place) == before
    assert sources(place) == (6, 0, 0)
    with IndexWriter.open(place) as index:
        report = index.update([folder], jobs=1)
        assert (counts(report), report.pictures) == ((0, 0, 0, 5), 0)
        assert any("1.1 and 1.10 became one; in age, patient" in note for note in report.notes)
    assert sources(place) == (6, 6, 6)  # the removed one as well
    assert state(place) == before


def test_a_table_given_again_ends_the_doubt(place, folder, tmp_path):
    with IndexWriter.open(place) as index:
        table = LabelTable.read(tmp_path / "l.csv")
        assert index.update([folder], jobs=1, labels=table).notes == ()
        assert index.picture("1.png").groups["patient"] == "1.10"
        assert index.update([folder], jobs=1).notes == ()


def test_nothing_is_carried_to_a_new_folder_before_the_contents_are_known(place, folder, tmp_path):
    folder.rename(tmp_path / "moved")
    with IndexWriter.open(place) as index:
        report = index.update([tmp_path / "moved"], jobs=1)
        assert counts(report) == (6, 0, 0, 0)
        assert any("does not know their contents" in note for note in report.notes)
        assert index.picture("moved/0.png").labels == ()


def test_a_folder_that_moves_after_its_contents_are_known_is_recognised(place, folder, tmp_path):
    with IndexWriter.open(place) as index:
        index.update([folder], jobs=1)
        folder.rename(tmp_path / "moved")
        assert counts(index.update([tmp_path / "moved"], jobs=1)) == (0, 0, 0, 5)
        assert index.picture("0.png").labels == ("x",)


WRITER = """
import sys
from pathlib import Path

from retrieval.index.writer import IndexWriter

print("begin", flush=True)
with IndexWriter.open(Path(sys.argv[1])) as index:
    index.update([Path(sys.argv[2])], jobs=1)
print("end", flush=True)
"""


def test_a_kill_at_any_instant_loses_nothing(place, folder):
    before = state(place)
    saved = (place / "catalogue.sqlite").read_bytes()
    random = np.random.default_rng(int(time.time()))
    for _ in range(4):
        # Always from format 1 again; a journal that a kill left belongs to the catalogue that is replaced.
        (place / "catalogue.sqlite-journal").unlink(missing_ok=True)
        (place / "catalogue.sqlite").write_bytes(saved)
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(place), str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "begin\n"
        time.sleep(random.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert state(place) == before
    with IndexWriter.open(place) as index:
        assert counts(index.update([folder], jobs=1)) == (0, 0, 0, 5)
    assert state(place) == before
    assert sources(place) == (6, 6, 6)


@pytest.mark.parametrize(
    "step",
    [
        "PRAGMA user_version = 2",
        "ALTER TABLE root_2",
        "ALTER TABLE label",
        "ALTER TABLE segment",
        "CREATE INDEX picture_draw",
        "PRAGMA user_version = 5",
        "COMMIT",
    ],
)
def test_a_migration_that_dies_in_the_middle_is_taken_back(place, step):
    before = state(place)
    script = f"""
import os, sys
from pathlib import Path
from retrieval.index.catalogue.database import Catalogue
from retrieval.index.catalogue.migration import migrate

run = Catalogue.run
def dying(self, sql, *values):
    if sql.startswith({step!r}):
        os._exit(9)
    return run(self, sql, *values)
Catalogue.run = dying
migrate(Catalogue.open(Path({str(place)!r}), write=True))
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == 9
    with Index.open(place) as index:
        assert index.info()["format"] == {
            "ALTER TABLE segment": 2,
            "CREATE INDEX picture_draw": 3,
            "PRAGMA user_version = 5": 4,
        }.get(step, 1)
    assert state(place) == before
    with IndexWriter.open(place) as index:
        assert index.info()["format"] == FORMAT
    assert state(place) == before


def test_a_newer_format_is_not_migrated(place):
    change(place, f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(IndexFolderError, match=r"made by a newer Semblance .* `pip install \.`"):
        IndexWriter.open(place)
