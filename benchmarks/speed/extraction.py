"""Compare the extraction of points and descriptors with the plain scikit-image and OpenCV pipeline.

    python -m benchmarks.speed.extraction [PICTURE...] [--pictures 24] [--rounds 5] [--points 400]

Both see the same grey pictures of 512 × 512 pixels, on the same cores, in turns. The plain pipeline is run as
people write it, one picture after the other with OpenCV's own threads, and for an even comparison also spread
over two processes of one thread. Ours is the default recipe of each detector, spread over two processes of
one thread, without and with the words for tone. Ratios are of whole rounds: median [least–most]. Without
pictures, those that come with scikit-image are taken.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import segmentation

import bovw
from benchmarks.shared.plain_pipeline import plain_descriptors
from benchmarks.speed.superpixels import bundled, prepared, read, seconds
from bovw.bag_of_words import BagOfWords
from bovw.detectors.slic import slic
from bovw.extraction import FeatureExtractor
from retrieval.picture import Picture

SIDE = 512
PROCESSES = 2
TARGETS = {"superpixel": 8.0, "dense": 5.0, "sift": 1.2}
SLIC_TARGET = 20.0
"""Milliseconds that 400 superpixels may take: twice 10."""

Grey = NDArray[np.float32]
Extract = Callable[[Grey], int]
"""Describe the points of a picture; return how many."""


def plain(detector: str, points: int, image: Grey) -> int:
    return len(plain_descriptors((image * 255).astype(np.uint8), detector, points, root=True))


def ours(detector: str, points: int, tone: bool, image: Grey) -> int:
    return len(extractor(detector, points, tone).extract(Picture(image)).keypoints)


def extractor(detector: str, points: int, tone: bool) -> FeatureExtractor:
    """Return what the default bag of words sees its pictures with, without words for tone or with them."""
    bag: BagOfWords = getattr(bovw, detector)(points=points, longest_side=SIDE)
    seen = bag.extractor
    return seen if tone else replace(seen, tone=None)


HELD: list[Grey] = []
"""The pictures of a worker process, sent to it once."""


def hold(pictures: list[Grey]) -> None:
    cv2.setNumThreads(1)
    HELD.extend(pictures)


def on_held(extract: Extract, i: int) -> int:
    return extract(HELD[i])


def rates(
    detector: str, points: int, pictures: list[Grey], rounds: int, pool: ProcessPoolExecutor
) -> tuple[NDArray[np.float64], list[float]]:
    """Return pictures a second, (rounds, 4): plain, plain spread, ours, ours with tone; and their points."""

    def serial(extract: Extract) -> list[int]:
        return [extract(picture) for picture in pictures]

    def spread(extract: Extract) -> list[int]:
        return list(pool.map(partial(on_held, extract), range(len(pictures))))

    theirs, mine = partial(plain, detector, points), partial(ours, detector, points)
    runs = [
        partial(serial, theirs),
        partial(spread, theirs),
        partial(spread, partial(mine, False)),
        partial(spread, partial(mine, True)),
    ]
    n_points = [float(np.mean(run())) for run in runs]  # also loads what is compiled, in every process
    times = np.array([[seconds(run) for run in runs] for _ in range(rounds)])
    return len(pictures) / times, n_points


def print_rates(pictures: list[Grey], rounds: int, points: int, pool: ProcessPoolExecutor) -> None:
    print("Pictures a second (points), and how many times as fast ours is\n")
    print("| detector | plain | plain, spread | ours | with tone ", end="")
    print("| ours × plain | with tone × plain | ours × spread | target × plain |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for detector, target in TARGETS.items():
        found, n = rates(detector, points, pictures, rounds, pool)
        cells = [f"{rate:.1f} ({k:.0f})" for rate, k in zip(np.median(found, axis=0), n, strict=True)]
        pairs = ((2, 0), (3, 0), (2, 1))
        cells += [spread_of(found[:, a] / found[:, b]) for a, b in pairs]
        print(f"| {detector} |", " | ".join(cells), f"| {target:g} |", flush=True)


def spread_of(values: NDArray[np.float64], digits: int = 1) -> str:
    low, middle, high = (f"{v:.{digits}f}" for v in np.quantile(values, [0, 0.5, 1]))
    return f"{middle} [{low}–{high}]"


def print_steps(pictures: list[Grey], rounds: int, points: int) -> None:
    print("\nMilliseconds a picture of each step, one process, one thread\n")
    print("| detector | points | descriptors | tone |")
    print("|---|--:|--:|--:|")
    for detector in TARGETS:
        seen = extractor(detector, points, tone=True)
        times = []
        for image in pictures * rounds:
            found, tone = seen.detector.detect(image), seen.tone
            assert tone is not None
            steps: list[Callable[[], object]] = [
                partial(seen.detector.detect, image),
                partial(seen.descriptor.describe, image, found),
                partial(tone.describe, image, found),
            ]
            times.append([1e3 * seconds(step) for step in steps])
        print(f"| {detector} |", " | ".join(spread_of(column) for column in np.transpose(times)), "|")


def print_superpixels(pictures: list[Grey], rounds: int, points: int) -> None:
    print(f"\nSuperpixels alone, {points} regions, milliseconds, one thread\n")
    theirs = partial(segmentation.slic, compactness=0.1, channel_axis=None, start_label=0)
    pairs = [
        [1e3 * seconds(partial(make, image, points)) for make in (slic, theirs)]
        for image in pictures * rounds
    ]
    mine, other = np.transpose(pairs)
    print("| ours | scikit-image | ratio | target |")
    print("|--:|--:|--:|--:|")
    print(f"| {spread_of(mine)} | {spread_of(other)} | {spread_of(other / mine)} | {SLIC_TARGET:g} ms |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PICTURE")
    parser.add_argument("--pictures", type=int, default=24, help="how many in a round; few are repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--points", type=int, default=400)
    args = parser.parse_args()
    found = [*bundled(SIDE).values(), *(prepared(read(path), SIDE) for path in args.paths)]
    pictures = [found[i % len(found)] for i in range(args.pictures)]
    print(f"{len(found)} pictures of {SIDE} × {SIDE}, {len(pictures)} extractions a round, ", end="")
    print(f"{args.rounds} rounds, {args.points} points, {PROCESSES} processes\n")
    # Spawned, for OpenCV's threads do not survive a fork.
    spawn = get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, spawn, initializer=hold, initargs=(pictures,)) as pool:
        print_rates(pictures, args.rounds, args.points, pool)
    cv2.setNumThreads(1)
    print_steps(found, args.rounds, args.points)
    print_superpixels(found, args.rounds, args.points)


if __name__ == "__main__":
    main()
