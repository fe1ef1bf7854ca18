"""``semblance receive`` as a user runs it: indexed when stable, killed at any instant, and gone on with."""

from __future__ import annotations

import errno
import random
import subprocess
import sys
import threading
import time

import pytest
from support.archive_files import NAME, PATIENT, uid, write_study
from support.storing import association, collect_sockets, store

from cli.commands import receive
from cli.main import main
from pacs.spool import INCOMING, Spool
from retrieval.index import Index
from retrieval.readers.archive import SeriesKey

pytestmark = pytest.mark.filterwarnings("ignore")
START = "import sys; from cli.main import main; sys.exit(main())"
N_STUDIES, N_EACH = 3, 4
N_ROUNDS = 25


class Receiving:
    """A receiver in a process of its own, which is started again and again."""

    def __init__(self, place) -> None:
        self.place, self.spool = place, place / "my.index.spool"
        self.port = 0

    def start(self, stable=0.2):
        words = [sys.executable, "-c", START, "receive", "-o", str(self.place / "my.index"), "--quiet"]
        words += ["--by", "thumbnail", "--jobs", "1", "--stable", str(stable), "--port", "0"]
        with (self.place / "errors").open("a") as errors:
            self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True)
        where = self.process.stdout.readline()
        assert where.startswith("SEMBLANCE@127.0.0.1:"), (self.place / "errors").read_text()
        self.port = int(where.split()[0].rpartition(":")[2])

    def until_indexed(self, n):
        """Wait until the index has n images; return the line that says so."""
        for line in self.process.stdout:
            if f": {n} images" in line:
                return line
        raise AssertionError((self.place / "errors").read_text())

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def kept(self):
        """Return the SOP instance UIDs of the files of the spool, each as often as it is there."""
        return sorted(path.stem for path in self.spool.rglob("*.dcm"))


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    for study in range(1, N_STUDIES + 1):
        write_study(folder, study, n=N_EACH)
    return sorted(folder.rglob("*.dcm"))


@pytest.fixture
def receiving(tmp_path):
    made = Receiving(tmp_path)
    yield made
    if made.process.poll() is None:
        made.kill()
    # While a connection is in use, its socket cannot be collected yet.
    collect_sockets()


def send(receiving, files, acknowledged):
    """Store files until the receiver is gone, and note those that it acknowledged."""
    with association(receiving.port) as link:
        for path in files:
            if not link.is_established or store(link, path) != 0:
                return
            acknowledged.add(path)


def killed(receiving, files, delays):
    """Kill a receiver some moments after images begin to come, and let the last one end its work."""
    acknowledged: set = set()
    for delay in delays:
        receiving.start()
        timer = threading.Timer(delay, receiving.process.kill)
        timer.start()
        send(receiving, [path for path in files if path not in acknowledged], acknowledged)
        timer.join()
        receiving.kill()
        kept = receiving.kept()
        assert len(kept) == len(set(kept))
        assert {f"{path.parent.name}/{path.name}" for path in acknowledged} <= set(map(named, kept))
    receiving.start()
    send(receiving, [path for path in files if path not in acknowledged], acknowledged)
    assert len(acknowledged) == len(files)
    receiving.until_indexed(len(files))
    receiving.kill()
    assert receiving.kept() == sorted({uid_of(path) for path in files})
    assert not list((receiving.spool / INCOMING).glob(".part*"))
    with Index.open(receiving.place / "my.index") as index:
        assert len(index.names) == len(set(index.names)) == len(files)
        assert index.verify() == []


def named(sop):
    """Return the file of a SOP instance UID of these studies."""
    study, series, image = sop.split(".")[-3:]
    return f"{study}-{series}/{image}.dcm"


def uid_of(path):
    study, _, series = path.parent.name.partition("-")
    return uid(int(study), int(series), int(path.stem))


def test_a_kill_at_any_instant_loses_nothing_and_indexes_nothing_twice(receiving, studies):
    killed(receiving, studies, [0.15, 1.2])
    # And what is sent once more is there once.
    receiving.start()
    again: set = set()
    send(receiving, studies, again)
    assert len(again) == len(studies)
    assert len(receiving.kept()) == len(studies)
    receiving.kill()
    planted = (PATIENT.encode(), NAME.encode(), uid(1).encode())
    written = [path for path in (receiving.place / "my.index").rglob("*") if path.is_file()]
    for path in (*written, receiving.place / "errors"):
        assert not any(text in path.read_bytes() for text in planted)


@pytest.mark.soak
def test_a_hundred_kills_lose_nothing(studies, tmp_path):
    chance = random.Random(19)
    for number in range(N_ROUNDS):
        (tmp_path / str(number)).mkdir()
        killed(Receiving(tmp_path / str(number)), studies, [chance.uniform(0, 3) for _ in range(4)])


def test_what_makes_no_sense_is_refused_before_anything_is_received(tmp_path, capsys):
    output = str(tmp_path / "i")
    assert main(["receive", "-o", output, "--aet", "A_TITLE_OF_TOO_MANY", "--quiet"]) == 2
    assert "is no title" in capsys.readouterr().err
    assert main(["receive", "-o", output, "--stable", "soon"]) == 2
    assert "give seconds" in capsys.readouterr().err
    assert main(["receive", "-o", output, "--by", "dense", "--words", "0", "--quiet"]) == 2
    assert main(["receive", "-o", output, "--spool", str(tmp_path / "a?b"), "--quiet"]) == 2
    assert "question mark" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_series_is_indexed_soon_after_it_is_stable(receiving, studies):
    started = time.monotonic()
    receiving.start(stable=1)
    to_start = time.monotonic() - started
    acknowledged: set = set()
    send(receiving, studies[:N_EACH], acknowledged)
    started = time.monotonic()
    receiving.until_indexed(N_EACH)
    # On a machine that is busy with other tests all takes longer, and the start of a process as well.
    assert time.monotonic() - started < 1 + max(10, 5 * to_start)


def test_a_full_disk_ends_no_receiver(tmp_path, monkeypatch):
    def full(order):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / uid(1)))

    spool = Spool(tmp_path / "spool")
    spool.add(SeriesKey(uid(1), uid(1, 1)), uid(1, 1, 1), [b"x"])
    monkeypatch.setattr("retrieval.index.order.bring_up_to_date", full)
    monkeypatch.setattr(receive, "_AGAIN_AFTER", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(spool, "_show", full)
        tries = receive._indexed(None, spool, 0.0)
        first = next(tries)[1]
    # What could not be shown is, and then the index has no room.
    for outcome in (first, next(tries)[1], next(tries)[1]):
        assert str(outcome) == "no space is left on the disk; free some space and run the same command again"
    assert spool.has_stable
    spool.close()
