"""Measure one commit of one new image to indexes of any size: CPU seconds and memory.

    python -m benchmarks.speed.commits [--images 1000 100000 1000000] [--commits 5] [--folder DIR]

The indexes are those of ``benchmarks.speed.cold_query``. Each round copies the catalogue of an index and
commits to it in a process of its own; the first commit reads the checksums of the last, so it stands apart.
The least of three rounds, in turns, counts.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed.cold_query import indexes
from retrieval.index.catalogue.connection import FILE
from retrieval.index.catalogue.database import Catalogue
from retrieval.index.catalogue.encoded_picture import EncodedPicture
from retrieval.index.catalogue.page_sums import NAMES
from retrieval.index.catalogue.pictures import add_pictures, next_picture

_ROUNDS = 3


def commit_images(folder: Path, n: int) -> list[float]:
    """Add n images to a catalogue, a commit each; return the CPU seconds of each commit."""
    catalogue = Catalogue.open(folder, write=True)
    seconds = []
    for number in range(n):
        begin = time.process_time()
        with catalogue.transaction():
            name = f"added{number}.png"
            sql = (
                "INSERT INTO source (root, path, name, size, mtime_ns, state) VALUES (1, ?, ?, 1, 1, 'read')"
            )
            source = catalogue.run(sql, name.encode(), name)
            image = EncodedPicture(name, (24, 24), None, {}, {}, {}, None)
            add_pictures(catalogue, [(next_picture(catalogue), source, image)])
        seconds.append(time.process_time() - begin)
    catalogue.close()
    return seconds


def measure(folder: Path, n_commits: int) -> tuple[float, float, float]:
    """Commit in another process; return the CPU seconds of the first and of a later commit, and the MB."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        for name in (FILE, *NAMES):
            shutil.copyfile(folder / name, Path(scratch) / name)
        program = f"from benchmarks.speed.commits import show; show({scratch!r}, {n_commits})"
        shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    first, later, megabytes = map(float, shown.stdout.split())
    return first, later, megabytes


def show(folder: str, n_commits: int) -> None:
    """Print the CPU seconds of the first and of the quickest later commit, and the most memory in MB."""
    first, *later = commit_images(Path(folder), n_commits)
    print(first, min(later), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 100_000, 1_000_000])
    parser.add_argument("--commits", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="keep the indexes here, and use those that are there")
    args = parser.parse_args(argv)
    with indexes(args.images, args.folder) as folders:
        found = [{n: measure(folder, args.commits) for n, folder in folders.items()} for _ in range(_ROUNDS)]
    print("| images | first commit, ms of CPU | later ones, ms | memory MB |\n|--:|--:|--:|--:|")
    for n in folders:
        first, later, megabytes = (min(one[n][part] for one in found) for part in range(3))
        print(f"| {n:,} | {1e3 * first:.1f} | {1e3 * later:.1f} | {megabytes:.0f} |")


if __name__ == "__main__":
    main()
