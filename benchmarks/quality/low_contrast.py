"""Superpixels whose compactness follows the contrast of each image, against a fixed one and a plain grid.

    python -m benchmarks.quality.low_contrast [SET...] [--most 150] [--seeds 2]

``kept``: percent of the points that are within 1.5 pixels of one when grey levels g become 0.3 + 0.4 g.
``time``: of finding the points, over that of the fixed compactness, processor time, in turns, median of
images. ``mAP`` and ``P@1``: bags of 1,024 words of 400 points, no tone, in percent, means over the seeds of
the vocabulary; each picture asks, its own patient, lesion or group left out. The grid has the frames of
superpixels and no borders that follow grey levels. ``, body``: points on the body alone, without a black
background.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.quality.claim_cells import SQUARE
from benchmarks.shared.descriptors_of_sets import Described
from benchmarks.shared.labelled_sets import DATA, Item, Set, drawn
from bovw.detectors import Superpixel

SETS = ("ultrasound3", "brain4", "skin7", "cxr3", "histology5", "wbc5")
KINDS: Mapping[str, float] = {"follows contrast": 0.0, "fixed": 0.1, "grid, same frames": SQUARE}
"""The compactness of each row."""
BACKGROUND = ("brain4",)
"""Sets whose background gives classes away: they are measured on the body alone, too."""
FACTOR, LOWEST, NEAR = 0.4, 0.3, 1.5
LONGEST, WORDS = 320, 1024


def kept_and_seconds(items: Sequence[Item]) -> Iterator[tuple[list[float], list[float]]]:
    """Yield for each image the share of points that stay at low contrast, and seconds, by kind."""
    detectors = [Superpixel(compactness=compactness) for compactness in KINDS.values()]
    for item in items:
        grey = item.read().fit_within(LONGEST)[0].grey
        shares, seconds = [], []
        for detector in detectors:
            start = time.process_time()
            found = detector.detect(grey)
            seconds.append(time.process_time() - start)
            faint = detector.detect((LOWEST + FACTOR * grey).astype(np.float32))
            apart = np.hypot(found.rows[:, None] - faint.rows, found.cols[:, None] - faint.cols)
            shares.append(float((apart.min(axis=1, initial=np.inf) <= NEAR).mean()) if len(found) else np.nan)
        yield shares, seconds


def quality(data: Set, compactness: float, seeds: int, masked: bool) -> tuple[float, float]:
    """Return mAP and P@1 in percent of one kind."""
    settings = {"compactness": compactness, "tone_words": 0, "foreground_only": masked}
    described = Described.of("superpixel", settings, data.items)
    mean_ap, first = 100 * np.nanmean(described.measures(data, WORDS, seeds), axis=1)
    return float(mean_ap), float(first)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--most", type=int, default=150, help="pictures of a set, drawn at random; 0: all")
    parser.add_argument("--timed", type=int, default=20, help="pictures of a set whose points are compared")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--data", type=Path, default=DATA)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    print("| set | superpixels | kept | time | mAP | P@1 |\n|---|---|--:|--:|--:|--:|")
    for data in (drawn(Set.load(name, args.data), args.most) for name in args.sets):
        rows = list(kept_and_seconds(data.items[:: max(1, len(data) // args.timed)]))
        shares = 100 * np.nanmean([shares for shares, _ in rows], axis=0)
        seconds = np.array([spent for _, spent in rows[1:]])  # the first one loads compiled kernels
        ratios = np.median(seconds / seconds[:, 1:2], axis=0)
        for (kind, compactness), share, ratio in zip(KINDS.items(), shares, ratios, strict=True):
            for masked in (False, True) if data.name in BACKGROUND else (False,):
                mean_ap, first = quality(data, compactness, args.seeds, masked)
                name = f"{data.name}, body" if masked else data.name
                print(
                    f"| {name} | {kind} | {share:.0f} | {ratio:.2f} | {mean_ap:.1f} | {first:.1f} |",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
