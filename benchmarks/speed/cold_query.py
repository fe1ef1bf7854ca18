"""Measure a cold `semblance query` by name on indexes of any size: CPU seconds and private memory.

    python -m benchmarks.speed.cold_query [--images 10000 100000 1000000] [--rounds 3] [--folder DIR]

The index holds stand-ins: vectors of the representation `thumbnail` drawn at random, rows in the catalogue as
`semblance index` writes them of DICOM files (a series of 100 slices, a patient of 200), and no thumbnails.
Each command runs in a process of its own; imports of numpy and of numba alone are measured beside it, in
turns, and the least of the rounds counts. Private memory is `Private_*` of `smaps_rollup`, the most that was
seen every 10 ms while the command ran; mapped files count as long as no other process maps them.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.speed.startup import cpu_seconds
from retrieval.baselines import Thumbnail
from retrieval.index.catalogue.encoded_picture import EncodedPicture
from retrieval.index.catalogue.pictures import add_pictures
from retrieval.index.catalogue.representations import add_segment
from retrieval.index.storage.segments import finish_segment
from retrieval.index.writer import IndexWriter
from retrieval.rankers.dense_block import DenseBlock, write_segment

_START = "import sys; from cli.main import main; sys.exit(main())"
_BARE = {"import numpy": "import numpy", "import numba": "import numba"}


def write_index(folder: Path, n: int) -> None:
    """Write an index of n stand-ins, in one commit."""
    made = Thumbnail()
    with IndexWriter.create(folder) as index:
        index.add_representation(made)
        index.update([])
        store = index._store
        place = store.new_folder("segments")
        vectors = np.random.default_rng(0).standard_normal((n, made.dimension), dtype=np.float32)
        block = DenseBlock(vectors, np.linalg.norm(vectors, axis=1))
        write_segment(place, [(np.arange(n) + 1, block)], made.dimension)
        segment = finish_segment(place, 1, n)
        with store.catalogue.transaction():
            store.catalogue.run("INSERT INTO root (id, path) VALUES (1, ?)", b"/pictures")
            store.catalogue.run_many(
                """INSERT INTO source (id, root, path, name, size, mtime_ns, state)
                VALUES (?, 1, ?, ?, 1, 1, 'read')""",
                ((id, name_of(id).encode(), name_of(id)) for id in range(1, n + 1)),
            )
            add_pictures(store.catalogue, ((id, id, _picture(id)) for id in range(1, n + 1)))
            store.catalogue.run_many("INSERT INTO encoded VALUES (?, 1)", ((id,) for id in range(1, n + 1)))
            add_segment(store.catalogue, segment)


def name_of(id: int) -> str:
    """Return the name of an image; as names do, neighbours in order are neighbours in the folder."""
    return f"series{id // 100:05}/{id:07}.dcm"


def _picture(id: int) -> EncodedPicture:
    groups = {"series": f"{id // 100:016x}", "study": f"{id // 200:016x}", "patient": f"{id // 200:016x}"}
    about = {"modality": "CT", "kvp": 120, "slice_location": float(id % 100)}
    return EncodedPicture(name_of(id), (512, 512), (0.7, 0.7), groups, about, {}, None)


def measure(folder: Path, n: int) -> tuple[float, float, float]:
    """Ask for an image; return CPU seconds, and the most private and anonymous memory in MB."""
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", _START, "query", str(folder), name_of(max(1, n // 2)), "-k", "10"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    private = anonymous = 0.0
    while process.poll() is None:
        now = memory(process.pid)
        private, anonymous = max(private, now[0]), max(anonymous, now[1])
        time.sleep(0.01)
    if process.returncode:
        raise SystemExit(f"{folder}: exit code {process.returncode}")
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    return seconds, private, anonymous


def memory(pid: int) -> tuple[float, float]:
    """Return the private and the anonymous memory of a process in MB; zeros if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return 0.0, 0.0
    held = {line.split(":")[0]: int(line.split()[1]) * 1024 / 1e6 for line in lines}
    return held["Private_Clean"] + held["Private_Dirty"], held["Anonymous"]


@contextmanager
def indexes(images: Sequence[int], kept: Path | None) -> Iterator[dict[int, Path]]:
    """Yield an index of each number of images: of a folder that keeps them, or for the block alone."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = {n: (kept or Path(scratch)) / f"{n}.index" for n in images}
        for n, folder in folders.items():
            if not folder.exists():
                write_index(folder, n)
        yield folders


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep the indexes here, and use those that are there")
    args = parser.parse_args(argv)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as users start it: modules are compiled once
    with indexes(args.images, args.folder) as folders:
        for n, folder in folders.items():
            measure(folder, n)  # kernels are compiled at the first call
        found: dict[int, list[tuple[float, float, float]]] = {n: [] for n in folders}
        bare: dict[str, list[float]] = {name: [] for name in _BARE}
        for _ in range(args.rounds):
            for name, program in _BARE.items():
                bare[name].append(cpu_seconds(program))
            for n, folder in folders.items():
                found[n].append(measure(folder, n))
    print("| | CPU seconds | private MB | of it anonymous MB |\n|---|--:|--:|--:|")
    for name, seconds in bare.items():
        print(f"| `{name}` alone | {min(seconds):.2f} | | |")
    for n, rows in found.items():
        seconds, private, anonymous = (fold(row[i] for row in rows) for i, fold in enumerate((min, max, max)))
        print(f"| {n:,} images | {seconds:.2f} | {private:.0f} | {anonymous:.0f} |")


if __name__ == "__main__":
    main()
