"""Print how much memory ``semblance index`` needs at its peak for collections of different sizes.

    python -m benchmarks.speed.memory [--counts 2000 20000] [--by superpixel] [--side 128]
        [any option of index]

Each collection is made of small grey PNG pictures with blobs and edges, drawn from a seed. ``semblance
index`` runs in a process of its own; the resident memory of it and of its workers is looked at every 50 ms.
Printed are the peak of their sum, in which pages that they share count several times, the peak of the
largest process, and the processor's time of the process that writes: seconds, and microseconds an image.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import psutil

_MIB = 1 << 20


def draw_pictures(folder: Path, count: int, side: int) -> None:
    """Write ``count`` grey PNG files of side × side pixels, a thousand a folder."""
    for number in range(count):
        random = np.random.default_rng(number)
        coarse = random.integers(0, 256, (side // 16 + 1, side // 16 + 1), dtype=np.uint8)
        pixels = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
        for row, col, radius, grey in random.integers(4, side - 4, (12, 4)).tolist():
            cv2.circle(pixels, (col, row), 2 + radius // 8, grey % 256, -1)
        place = folder / f"{number // 1000:03}"
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{number}.png"), pixels)


class Taken(NamedTuple):
    """What a command took.

    Parameters
    ----------
    seconds : by the clock.
    writer : seconds of the processor in its own process, not in those that it started.
    total, largest : the peak of the summed and of the largest resident memory, in MiB.
    """

    seconds: float
    writer: float
    total: float
    largest: float


def taken_by(command: Sequence[str]) -> Taken:
    """Run a command and return what it took."""
    start, writer = time.monotonic(), 0.0
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    total = largest = 0.0
    while process.poll() is None:
        sizes = [_resident(p) for p in (process, *_children(process))]
        total, largest = max(total, sum(sizes)), max(largest, *sizes)
        writer = max(writer, _processor(process))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return Taken(time.monotonic() - start, writer, total, largest)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def _resident(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / _MIB
    except psutil.Error:
        return 0.0


def _processor(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
        return float(times.user + times.system)
    except psutil.Error:
        return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--counts", type=int, nargs="+", default=[2000, 20000], help="pictures [2000 20000]")
    parser.add_argument("--by", nargs="+", default=["superpixel"], help="representations [superpixel]")
    parser.add_argument("--side", type=int, default=128, help="pixels [128]")
    parser.add_argument("--jobs", type=int, default=2, help="processes [2]")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    args, options = parser.parse_known_args()
    print(f"{'pictures':>9} {'seconds':>8} {'writer s':>8} {'µs each':>8} {'sum MiB':>8} {'largest MiB':>11}")
    found = []
    for count in args.counts:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            draw_pictures(Path(folder) / "pictures", count, args.side)
            by = [word for name in args.by for word in ("--by", name)]
            output = ["-o", f"{folder}/index", "--jobs", str(args.jobs), *options]
            semblance = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())"]
            took = taken_by([*semblance, "index", f"{folder}/pictures", *output, *by])
        found.append(took.total)
        cost = f"{took.seconds:8.1f} {took.writer:8.1f} {1e6 * took.writer / count:8.0f}"
        print(f"{count:9,} {cost} {took.total:8.0f} {took.largest:11.0f}", flush=True)
    if len(found) > 1:
        print(f"peak of the largest collection over that of the smallest: {found[-1] / found[0]:.2f}")


if __name__ == "__main__":
    main()
