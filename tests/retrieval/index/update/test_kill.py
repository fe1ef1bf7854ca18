"""Facts about an index whose writer is killed: what was committed is not lost, and the next run goes on."""

import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from support.drawings import draw_numbered

from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.index import Index
from retrieval.index.writer import IndexWriter

WRITER = """
import sys
from pathlib import Path

from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.index import Index
from retrieval.index.writer import IndexWriter

def main(place, pictures, jobs):
    if Path(place, "catalogue.sqlite").exists():
        index = IndexWriter.open(Path(place))
    else:
        index = IndexWriter.create(Path(place))
    index.add_representation(Thumbnail())
    index.add_representation(ColourHistogram(4))
    print("begin", flush=True)
    index.update([Path(pictures)], jobs=jobs, commit_every=4)
    index.remove(["0.png"]) if "0.png" in index else None
    index.compact()
    print("end", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return draw_numbered(tmp_path_factory.mktemp("killed") / "pictures", 40)


@pytest.fixture(scope="module")
def undisturbed(pictures, tmp_path_factory):
    with IndexWriter.create(tmp_path_factory.mktemp("undisturbed") / "index") as index:
        index.add_representation(Thumbnail())
        index.add_representation(ColourHistogram(4))
        index.update([pictures], jobs=1)
        index.remove(["0.png"])
        yield index


def start(tmp_path, pictures, jobs):
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    command = [sys.executable, str(script), str(tmp_path / "index"), str(pictures), str(jobs)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begin\n", process.stderr.read()
    return process


def end(process, number):
    """Send a signal and return the exit code."""
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


def check_whole(place, before):
    """Open what a kill left behind: all that was committed is there, and answers."""
    with Index.open(place) as index:
        unfinished = ("not fitted yet", "not encoded yet")
        assert [p for p in index.verify() if not any(u in p for u in unfinished)] == []
        names = set(index.names)
        assert before - {"0.png"} <= names
        for name in list(names)[:3]:
            assert index.query(name, by=["thumbnail"])[0].id == name
            assert index.thumbnail(name)
    return names


def test_a_kill_at_any_instant_loses_nothing_that_was_committed(tmp_path, pictures, undisturbed):
    random = np.random.default_rng(int(time.time()))
    committed = set()
    for _ in range(6):
        process = start(tmp_path, pictures, 1)
        time.sleep(random.uniform(0, 0.4))
        end(process, signal.SIGKILL)
        committed = check_whole(tmp_path / "index", committed)
    process = start(tmp_path, pictures, 1)
    output, errors = process.communicate(timeout=60)
    assert output == "end\n", errors
    with Index.open(tmp_path / "index") as index:
        assert index.verify() == []
        assert list(index.names) == list(undisturbed.names)
        assert index.query("7.png", k=100) == undisturbed.query("7.png", k=100)
        n_segments = sum(r["segments"] for r in index.info()["representations"]) + 1
        assert len(list((tmp_path / "index" / "segments").iterdir())) == n_segments


def test_a_killed_writer_leaves_no_workers_and_no_lock(tmp_path, pictures):
    process = start(tmp_path, pictures, 2)
    deadline = time.monotonic() + 20
    while not (children := psutil.Process(process.pid).children(recursive=True)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    end(process, signal.SIGKILL)
    _, left = psutil.wait_procs(children, timeout=20)
    assert left == []
    IndexWriter.open(tmp_path / "index").close()


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_what_was_done(tmp_path, pictures, jobs):
    process = start(tmp_path, pictures, jobs)
    place = tmp_path / "index"
    deadline = time.monotonic() + 20
    while not any((place / "segments").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.005)
    children = psutil.Process(process.pid).children(recursive=True)
    code = end(process, signal.SIGINT)
    assert code in (0, -signal.SIGINT)
    assert psutil.wait_procs(children, timeout=20)[1] == []
    names = check_whole(place, set())
    assert code == 0 or names


def test_a_kill_in_the_middle_of_a_commit_is_taken_back_by_the_next_reader(tmp_path, pictures):
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([pictures], jobs=1)
    # A child fills the cache so that SQLite writes pages before the commit, and dies.
    script = f"""
import os, sqlite3
catalogue = sqlite3.connect({str(tmp_path / "index" / "catalogue.sqlite")!r}, isolation_level=None)
catalogue.execute("PRAGMA cache_size = 2")
catalogue.execute("BEGIN IMMEDIATE")
catalogue.execute("DELETE FROM picture")
rows = ((str(n), "x" * 500) for n in range(500))
catalogue.executemany("INSERT INTO label (name, labels, columns) VALUES (?, ?, '')", rows)
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert (tmp_path / "index" / "catalogue.sqlite-journal").exists()
    with Index.open(tmp_path / "index") as index:
        assert len(index) == 40
        assert index.verify() == []
    assert not (tmp_path / "index" / "catalogue.sqlite-journal").exists()
