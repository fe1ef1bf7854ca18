"""How much sooner one slide is indexed by two worker processes than by one.

    python -m benchmarks.speed.slide_workers [--side N] [--by NAME] [--rounds N] [--jobs N …]

A made pyramid of ``side`` × ``side`` pixels in JPEG, all of it tissue, at its finest scale. Seconds by the
clock of whole runs into new indexes, in turns, the least of some rounds: learning, and starting of processes,
included. ``same``: whether all arrays are those of the first run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from benchmarks.shared.slides import write_pyramid
from retrieval.index.writer import IndexWriter
from retrieval.readers.tiling import Tiling, Tissue
from retrieval.registry import make

SETTINGS, TILE = {"words": 200, "points": 300}, 128


def index_slide(slide: Path, place: Path, by: str, jobs: int) -> float:
    """Index a slide, and return the seconds that it takes."""
    started = time.perf_counter()
    with IndexWriter.create(place) as index:
        index.require_tiling(Tiling((0.5,), TILE, tissue=Tissue.parse("off")))
        index.add_representation(make(by, SETTINGS))
        index.update([slide], jobs=jobs)
    return time.perf_counter() - started


def arrays_of(place: Path) -> Counter[tuple[str, bytes]]:
    """Return all arrays of an index, whatever its folders are called."""
    return Counter((path.name, path.read_bytes()) for path in sorted(place.rglob("*.npy")))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--by", default="sift")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    args = parser.parse_args()
    random = np.random.default_rng(0)
    small = random.integers(60, 220, (args.side // 8,) * 2 + (3,), np.uint8)
    taken: dict[int, list[float]] = {jobs: [] for jobs in args.jobs}
    same: dict[int, bool] = {}
    with tempfile.TemporaryDirectory() as folder:
        slide = Path(folder) / "slide.tif"
        write_pyramid(slide, np.asarray(cv2.resize(small, (args.side,) * 2), dtype=np.uint8), 0.5, 3)
        first = None
        for number in range(args.rounds):
            for jobs in args.jobs:
                place = Path(folder) / f"{number}_{jobs}.index"
                taken[jobs].append(index_slide(slide, place, args.by, jobs))
                arrays = arrays_of(place)
                first = first or arrays
                same[jobs] = arrays == first and same.get(jobs, True)
    n, least = (args.side // TILE) ** 2, min(taken[args.jobs[0]])
    print(f"{n:,} tiles, `{args.by}`:\n\n| processes | seconds | times as fast | same |\n|--:|--:|--:|---|")
    for jobs, seconds in taken.items():
        print(f"| {jobs} | {min(seconds):.1f} | {least / min(seconds):.2f} | {same[jobs]} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
