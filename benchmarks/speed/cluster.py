"""Measure the executor on Dask: how well workers share slow reads, and what memory many tasks take.

    python -m benchmarks.speed.cluster [--tasks 400] [--milliseconds 50] [--workers 1 2 8] [--many 20000]

Every task reads one small image, after it has slept as long as a slow network drive would take. The cluster
is Dask's own on this machine, with its scheduler in this process, so that memory is that of client and
scheduler together. Efficiency is the time of one worker over the time of n, by n.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from retrieval.baselines import Thumbnail
from retrieval.index.catalogue.privacy import Privacy
from retrieval.index.update.worker_messages import Setup, Spec, Task
from retrieval.picture import Picture
from retrieval.readers.pseudonym import Key
from retrieval.region import Region
from retrieval.representation import Encoding
from scale.dask_executor import DaskExecutor

_WARM = 16
"""Tasks before the clock starts: a worker restores its representations with the first."""
_LOOKS = 10
"""How often memory is looked at."""


@dataclass(frozen=True)
class Late(Thumbnail):
    """Thumbnails of images that are read over a slow network, in seconds."""

    seconds: float = 0.0

    def encode(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Sleep, and encode."""
        time.sleep(self.seconds)
        return super().encode(picture, region)


def late(side: int = 16, seconds: float = 0.0) -> Late:
    """Make the representation; importable, as workers make it too."""
    return Late(side, seconds)


def tasks(image: Path, n: int) -> Iterator[Task]:
    """Yield n tasks, all of one file."""
    return (Task(number, image, f"{number}.png", (1,), has_thumbnails=False) for number in range(n))


def setup(seconds: float) -> Setup:
    """Return what workers need."""
    spec = Spec(1, "thumbnail", {"side": 4, "seconds": seconds}, None)
    privacy = Privacy.asked({"find_text": "off"})
    return Setup("auto", Key.of(secrets.token_bytes(16), 1), (spec,), {"thumbnail": late}, privacy)


def busy() -> float:
    """Return the seconds of the processor that this process and all below it have taken."""
    own = psutil.Process()
    times = [one.cpu_times() for one in (own, *own.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def measure(image: Path, n_workers: int, n: int, seconds: float) -> tuple[float, float]:
    """Return the seconds that n tasks take on so many workers that are ready, and those of the processor."""
    executor = DaskExecutor("", n_workers)
    try:
        for _ in executor.run(setup(seconds), tasks(image, _WARM * n_workers)):
            pass
        started, before = time.monotonic(), busy()
        n_done = sum(1 for _ in executor.run(setup(seconds), tasks(image, n)))
        assert n_done == n
        return time.monotonic() - started, busy() - before
    finally:
        executor.close()


def memory(image: Path, n: int) -> Iterator[tuple[int, float]]:
    """Yield how many of n tasks are done, and the megabytes of this process then."""
    executor, process = DaskExecutor("", 2), psutil.Process()
    try:
        for number, _ in enumerate(executor.run(setup(0.0), tasks(image, n)), start=1):
            if number % (n // _LOOKS) == 0:
                yield number, process.memory_info().rss / 1e6
    finally:
        executor.close()


def report(image: Path, n: int, seconds: float, workers: Sequence[int], many: int) -> Iterator[str]:
    """Yield the lines of the tables."""
    yield f"{n:,} tasks, each of which sleeps {1000 * seconds:g} ms:"
    yield ""
    yield "| workers | seconds | tasks/s | efficiency | ms of the processor a task |"
    yield "|---|---|---|---|---|"
    taken: list[float] = []
    for n_workers in workers:
        clock, cpu = measure(image, n_workers, n, seconds)
        taken.append(clock)
        efficiency = taken[0] * workers[0] / (clock * n_workers)
        yield f"| {n_workers} | {clock:.1f} | {n / clock:.1f} | {efficiency:.2f} | {1000 * cpu / n:.1f} |"
    if many:
        yield ""
        yield "| tasks done | MB of client and scheduler |"
        yield "|---|---|"
        for number, megabytes in memory(image, many):
            yield f"| {number:,} | {megabytes:.0f} |"


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tasks", type=int, default=400, help="tasks for each number of workers")
    parser.add_argument("--milliseconds", type=float, default=50.0, help="that each sleeps")
    parser.add_argument(
        "--workers", type=int, nargs="+", default=[1, 2, 8], help="how many, the fewest first"
    )
    parser.add_argument("--many", type=int, default=20_000, help="tasks for the memory; 0 leaves it out")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.png"
        values = np.random.default_rng(0).integers(0, 255, (16, 16)).astype(np.uint8)
        Image.fromarray(values).save(image)
        for line in report(image, args.tasks, args.milliseconds / 1000, args.workers, args.many):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    # Workers import this module by its name; what is in __main__ they would get as code.
    from benchmarks.speed import cluster

    sys.exit(cluster.main())
