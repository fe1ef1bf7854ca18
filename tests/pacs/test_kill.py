"""An index that follows an archive is killed at any instant: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import random
import subprocess
import sys
import threading

import pytest
from support.archive_files import write_study
from support.weather import bad_weather

from retrieval.index import Index

WRITER = """
import sys
from pathlib import Path

from retrieval.baselines import Thumbnail
from retrieval.index.catalogue.database import Catalogue
from retrieval.index.writer import IndexWriter
from retrieval.readers.archive import Address

place = Path(sys.argv[1])
with (IndexWriter.open if Catalogue.is_born(place) else IndexWriter.create)(place) as index:
    index.add_representation(Thumbnail())
    index.update([], archives=[Address.parse(sys.argv[2])], jobs=1, commit_every=2)
"""
N_STUDIES, N_EACH = 6, 3
N_ROUNDS = 40
"""Of three kills each, of which some come too late."""


class Killer:
    """Kill the writer some moments after it has made so many requests."""

    def __init__(self) -> None:
        self.process: subprocess.Popen | None = None
        self.left, self.delay = 0, 0.0

    def __call__(self, kind, n):
        self.left -= 1
        if self.left == 0 and self.process is not None:
            threading.Timer(self.delay, self.process.kill).start()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for study in range(1, N_STUDIES + 1):
        write_study(folder, study, n=N_EACH)
    return folder


def killed(files, tmp_path, monkeypatch, moments):
    """Kill a writer at some moments, let the last one end, and return how many were killed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    killer, place, n_killed = Killer(), tmp_path / "i", 0
    with bad_weather(files, killer) as weather:

        def run():
            words = [sys.executable, "-c", WRITER, str(place), weather.address]
            killer.process = subprocess.Popen(words)
            return killer.process.wait(timeout=600)

        for killer.left, killer.delay in moments:
            n_killed += run() != 0
        killer.left = 0
        assert run() == 0
        expected = sum(map(len, weather.series.values()))
    with Index.open(place) as index:
        assert len(index.names) == len(set(index.names)) == expected
        assert index.verify() == []
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
    return n_killed


def test_a_kill_at_any_instant_loses_nothing(files, tmp_path, monkeypatch):
    # While it lists, while the first series comes, and while another comes and the first is committed.
    assert killed(files, tmp_path, monkeypatch, [(4, 0.0), (9, 0.0), (5, 0.05)]) == 3


@pytest.mark.soak
def test_a_hundred_kills_lose_nothing(files, tmp_path, monkeypatch):
    chance = random.Random(19)
    n_killed = 0
    for number in range(N_ROUNDS):
        (tmp_path / str(number)).mkdir()
        moments = [(chance.randrange(1, 12), chance.uniform(0, 0.2)) for _ in range(3)]
        n_killed += killed(files, tmp_path / str(number), monkeypatch, moments)
    assert n_killed >= 2 * N_ROUNDS
