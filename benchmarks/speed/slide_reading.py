"""How fast tiles of slides are read, beside bare tifffile and OpenSlide, and what a huge slide takes.

    python -m benchmarks.speed.slide_reading [--side N] [--tiles N] [--rounds N]

A pyramid in JPEG tiles of 256. Each reads the same tiles of the finest level, row by row, in one process that
has the slide open; the median of several rounds in turns, in ms of a processor a tile. ``rate``: of ours over
theirs. ``as images``: what an index reads, opening, floats and focus included. Then a slide of 100,000 ×
100,000 whose tiles share their bytes: seconds until it is open, and the largest resident memory of the
process that reads 1,950 tiles.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openslide
import tifffile

from benchmarks.shared.slides import write_huge, write_pyramid
from retrieval.readers import read_pictures
from retrieval.readers.slides.openslide_slide import OpenSlideSlide
from retrieval.readers.slides.slide import Slide, read_field
from retrieval.readers.slides.tiff_slide import TiffSlide
from retrieval.readers.tiling import Field, Tiling, Tissue

TILE = 256
_HUGE = """
import resource, sys, time
from pathlib import Path
from benchmarks.speed.slide_reading import read_ours
from retrieval.readers.slides.opening import open_slide
path = Path(sys.argv[1])
started = time.perf_counter()
with open_slide(path) as slide:
    opened = time.perf_counter() - started
    places = [(256 * row, 256 * col) for row in range(5) for col in range(390)]
    read_ours(slide, places)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
print(f"| {slide.levels[0].rows:,} × {slide.levels[0].cols:,} | {opened:.2f} s | {peak:.0f} MB |")
"""


def read_ours(slide: Slide, places: Sequence[tuple[int, int]]) -> None:
    """Read tiles as fields of a slide."""
    for row, col in places:
        read_field(slide, Field(0.25, col, row, TILE, TILE), (0.25, 0.25))


def by_tifffile(file: Any) -> Callable[[Sequence[tuple[int, int]]], None]:
    """Return what reads the same tiles by tifffile alone."""
    page = file.pages[0]
    offsets, counts, decode, tables = page.dataoffsets, page.databytecounts, page.decode, page.jpegtables
    across = -(-page.imagewidth // TILE)

    def read(places: Sequence[tuple[int, int]]) -> None:
        for row, col in places:
            number = row // TILE * across + col // TILE
            file.filehandle.seek(offsets[number])
            decode(file.filehandle.read(counts[number]), number, jpegtables=tables)

    return read


def by_openslide(slide: Any) -> Callable[[Sequence[tuple[int, int]]], None]:
    """Return what reads the same tiles by OpenSlide alone, as RGB."""

    def read(places: Sequence[tuple[int, int]]) -> None:
        for row, col in places:
            np.asarray(slide.read_region((col, row), 0, (TILE, TILE)).convert("RGB"))

    return read


def timed(
    ways: dict[str, Callable[[Sequence[tuple[int, int]]], None]], rounds: Sequence[Sequence[tuple[int, int]]]
) -> dict[str, float]:
    """Return the median ms of a processor a tile of each way, measured in turns."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for places in rounds:
        for name, run in ways.items():
            started = time.process_time()
            run(places)
            taken[name].append(1000 * (time.process_time() - started) / len(places))
    return {name: float(np.median(own)) for name, own in taken.items()}


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--side", type=int, default=8192)
    parser.add_argument("--tiles", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    random = np.random.default_rng(0)
    image = cv2.resize(random.integers(0, 255, (args.side // 8,) * 2 + (3,), np.uint8), (args.side,) * 2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slide.tif"
        write_pyramid(path, image, 0.25, 3)
        n = args.side // TILE
        places = [(TILE * row, TILE * col) for row in range(n) for col in range(n)][: args.tiles]
        tiling = Tiling((0.25,), TILE, tissue=Tissue(0.0, None, 0.008))
        # All of them open, and with caches that hold no tile of the round before: each reads others.
        plain, scanner = TiffSlide(path), OpenSlideSlide(path)
        with tifffile.TiffFile(path) as file, openslide.OpenSlide(str(path)) as bare_slide:
            read_plain, read_scanner = by_tifffile(file), by_openslide(bare_slide)
            rounds = [places[i :: args.rounds] for i in range(args.rounds)]
            ways = {
                "tifffile": read_plain,
                "ours, by tifffile": lambda own: read_ours(plain, own),
                "OpenSlide": read_scanner,
                "ours, by OpenSlide": lambda own: read_ours(scanner, own),
            }
            found = timed(ways, rounds)
        started = time.process_time()
        n_read = sum(1 for _ in islice(read_pictures(path, "s", tiling=tiling), len(places)))
        found["ours, as images"] = 1000 * (time.process_time() - started) / n_read
        bare = {
            "ours, by tifffile": "tifffile",
            "ours, by OpenSlide": "OpenSlide",
            "ours, as images": "tifffile",
        }
        print("| reading | ms a tile | rate |\n|---|--:|--:|")
        for name, ms in found.items():
            print(f"| {name} | {ms:.2f} | {f'{found[bare[name]] / ms:.2f}' if name in bare else ''} |")
        write_huge(huge := Path(folder) / "huge.tif", 100_000)
        print("\n| slide | opened in | memory |\n|---|--:|--:|", flush=True)
        subprocess.run([sys.executable, "-c", _HUGE, str(huge)], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
