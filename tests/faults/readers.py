"""Readers beside a writer: threads and processes ask an index while another process changes it all the time.

    PYTHONPATH=tests python -m faults.readers --seconds 600

prints how many questions were answered, each error and each wrong answer, of which there may be none, and how
much memory each process had at a quarter of the time and at the end.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from support.drawings import draw_grey, draw_numbered

from retrieval.baselines import Thumbnail
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.readers.reading_watch import measured

from .operations import factories, labels

STABLE, ALL = 12, 24
"""Images that the writer never touches, and all."""
_BY = ("thumbnail", "mean", "words")


@dataclass
class Tally:
    """What one process or thread saw: questions answered, and errors in one line each."""

    n: int = 0
    errors: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add what another one saw."""
        self.n += other.n
        self.errors += other.errors


@dataclass
class Outcome:
    """What came of all.

    Parameters
    ----------
    threads, processes, commits : questions of threads and of processes, and changes by the writer.
    memory : by process, MB in memory at a quarter of the time and at the end.
    """

    seconds: float
    threads: Tally
    processes: Tally
    commits: Tally
    memory: dict[str, tuple[float, float]]

    @property
    def errors(self) -> list[str]:
        """All errors."""
        return [*self.threads.errors, *self.processes.errors, *self.commits.errors]

    def lines(self) -> list[str]:
        """Return the result as lines of a table."""
        return [
            f"seconds                     {self.seconds:8,.0f}",
            f"questions of threads        {self.threads.n:8,}",
            f"questions of processes      {self.processes.n:8,}",
            f"changes by the writer       {self.commits.n:8,}",
            f"errors and wrong answers    {len(self.errors):8,}",
            *(f"MB of {name:22}{a:8,.1f} {b:8,.1f}" for name, (a, b) in self.memory.items()),
            *self.errors[:20],
        ]


def make(folder: Path) -> Path:
    """Make images and an index of them by the stand-ins."""
    draw_numbered(folder / "images", ALL)
    with IndexWriter.create(folder / "index", factories=factories()) as index:
        for representation in (Thumbnail(), *(make() for make in factories().values())):
            index.add_representation(representation)
        index.update([folder / "images"], jobs=1, labels=labels(folder / "index"))
    return folder / "index"


def ask(index: Index, expected: dict[str, Any], chance: random.Random) -> None:
    """Ask for an image that never changes. AssertionError if it is not its own best hit, or looks else."""
    name, by = f"{chance.randrange(STABLE)}.png", chance.choice(_BY)
    hits = index.query(name, k=5, by=[by], include_self=True)
    assert hits[0].id == name, (by, name, [(hit.id, hit.score) for hit in hits])
    assert index.thumbnail(name) == expected[name], f"thumbnail of {name}"
    assert index.picture(name).labels, f"labels of {name}"


def change(place: Path, chance: random.Random) -> None:
    """Change the index: new, other, lost and removed images, merges, new learning, a rewritten catalogue."""
    images = place.parent / "images"
    for _ in range(3):
        path = images / f"{chance.randrange(STABLE, ALL)}.png"
        if chance.random() < 0.3:
            path.unlink(missing_ok=True)
        else:
            draw_grey(path, chance.randrange(1 << 30))
    with IndexWriter.open(place, factories=factories()) as index:
        refit = chance.random() < 0.1
        index.update([images], jobs=1, commit_every=2, refit=refit, labels=labels(place), forget=True)
        if chance.random() < 0.3:
            loose = [name for name in index.names if int(name.split(".")[0]) >= STABLE]
            index.remove(loose[:1])
        if chance.random() < 0.2:
            index.compact()


def _for(seconds: float, act: Callable[[], None]) -> Tally:
    # Of its own: one that starts late, on a machine with other work, has as long as the others.
    tally, end = Tally(), time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            act()
            tally.n += 1
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            tally.errors.append(f"{text} ({Path(where.filename).name}:{where.lineno})")
    return tally


def _reading_process(
    place: Path, expected: dict[str, Any], seed: int, seconds: float, there: Connection
) -> None:
    chance = random.Random(seed)

    def act() -> None:  # as the command line does: opened, asked, closed
        with Index.open(place, factories=factories()) as index:
            ask(index, expected, chance)

    there.send(_for(seconds, act))


def _writing_process(
    place: Path, expected: dict[str, Any], seed: int, seconds: float, there: Connection
) -> None:
    chance = random.Random(seed)
    there.send(_for(seconds, lambda: change(place, chance)))


def _thread(index: Index, expected: dict[str, Any], seed: int, seconds: float, tally: Tally) -> None:
    chance = random.Random(seed)

    def act() -> None:
        if chance.random() < 0.2:
            index.refresh()
        ask(index, expected, chance)

    tally.add(_for(seconds, act))


def run(folder: Path, seconds: float, n_threads: int, n_processes: int, seed: int) -> Outcome:
    """Ask and change an index for some time."""
    place = make(folder)
    with Index.open(place, factories=factories()) as index:
        expected = {f"{n}.png": index.thumbnail(f"{n}.png") for n in range(STABLE)}
    begun, end = time.monotonic(), time.monotonic() + seconds
    context, children = get_context("fork"), {}
    # Forked before the first thread is started: a fork would copy its locks.
    kinds = [("writer", _writing_process)] + [
        (f"process {n}", _reading_process) for n in range(1, n_processes + 1)
    ]
    for number, (name, act) in enumerate(kinds):
        here, there = context.Pipe()
        child = context.Process(target=act, args=(place, expected, seed + number, seconds, there))
        child.start()
        there.close()
        children[name] = child, here
    tallies = [Tally() for _ in range(n_threads)]
    with Index.open(place, factories=factories()) as index:
        about = [(index, expected, seed + 100 + n, seconds, tally) for n, tally in enumerate(tallies)]
        threads = [threading.Thread(target=_thread, args=one) for one in about]
        for thread in threads:
            thread.start()
        pids = {name: child.pid or 0 for name, (child, _) in children.items()}
        pids[f"{n_threads} threads"] = os.getpid()
        memory = _memories(pids, begun, end)
        for thread in threads:
            thread.join()
    found = {name: _result(*child) for name, child in children.items()}
    writer, outcome = (
        found.pop("writer"),
        Outcome(time.monotonic() - begun, Tally(), Tally(), Tally(), memory),
    )
    outcome.commits.add(writer)
    for tally in tallies:
        outcome.threads.add(tally)
    for tally in found.values():
        outcome.processes.add(tally)
    return outcome


def _result(child: Any, here: Connection) -> Tally:
    tally = Tally(errors=["its process died"])
    with suppress(EOFError):
        tally = here.recv()
    child.join()
    return tally


def _memories(pids: dict[str, int], begun: float, end: float) -> dict[str, tuple[float, float]]:
    """Return the MB of each process at a quarter of the time and shortly before the end."""
    found: list[dict[str, float]] = []
    for at in (begun + (end - begun) / 4, end - (end - begun) / 20):
        time.sleep(max(0.0, at - time.monotonic()))
        found.append({name: measured(pid).n_resident / 1e6 for name, pid in pids.items()})
    return {name: (found[0][name], found[1][name]) for name in pids}


def main() -> int:
    """Print what came of it; exit code 1 if there was an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="semblance-readers-") as folder:
        outcome = run(Path(folder), args.seconds, args.threads, args.processes, args.seed)
    print("\n".join(outcome.lines()))
    return 1 if outcome.errors else 0


if __name__ == "__main__":
    sys.exit(main())
