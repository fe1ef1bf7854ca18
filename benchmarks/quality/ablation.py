"""Print how well each recipe of visual words retrieves, leave-one-out, with intervals.

    python -m benchmarks.quality.ablation [SET...] [--data FOLDER] [--jobs N] [--seeds N] [--ablation]

Each picture of a set asks once; the pictures of its own patient, lesion or group of near-duplicates are left
out of the answer. mAP is over the whole ranking. Intervals: 95 %, bootstrap by group, 1,000 draws. ``plain``:
mAP of the plain OpenCV/scikit-image/scikit-learn pipeline with the same detector (400 points, 1,000 words),
measured in the same run on the same queries; ``--plain`` measures these pipelines alone.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import bovw
from benchmarks.shared.labelled_sets import DATA, Set
from benchmarks.shared.leave_one_out import encode, judged, one_thread, rankings, relevances
from benchmarks.shared.plain_pipeline import PIPELINES, grey_bytes
from retrieval.answers.fusion import fuse
from retrieval.ranker import Ranking
from retrieval.registry import make
from retrieval.statistics.measures import bootstrap_interval

SETS = ("ultrasound3", "brain4", "cxr3", "histology5")
EQUAL: dict[str, Any] = {"points": 400, "words": 1000, "tone_words": 0}
"""Equal in the comparison of detectors; tone does not depend on the detector."""
DETECTORS = {
    "sift": {"sift": EQUAL},
    "dense": {"dense": EQUAL},
    "superpixel": {"superpixel": EQUAL},
}


@dataclass(frozen=True)
class Row:
    """One line of the table; measures in percent."""

    set: str
    recipe: str
    mean_ap: float
    low: float
    high: float
    p1: float
    p10: float
    plain: float | None
    seconds: float


def measure(found: Sequence[Ranking], data: Set) -> tuple[float, float, float, float, float]:
    """Return mAP, its interval, P@1 and P@10, in percent."""
    relevant = list(relevances(found, data))
    precisions = np.array([r.average_precision() for r in relevant])
    low, high = bootstrap_interval(precisions, data.groups)
    asked = [r for r in relevant if r.relevant.any()]
    p1, p10 = (np.mean([r.precision_at(k) for r in asked]) for k in (1, 10))
    return tuple(100 * float(v) for v in (np.nanmean(precisions), low, high, p1, p10))  # type: ignore[return-value]


Recipe = dict[str, dict[str, Any]]
"""Settings by representation; several are fused as a query fuses them."""


def recipes() -> dict[str, Recipe]:
    """Return the recipes of the table: baselines, the detectors alone, and the default."""
    return {
        "thumbnail": {"thumbnail": {}},
        "colour": {"colour": {}},
        **DETECTORS,
        "default": {name: {} for name in bovw.WORDS},
    }


def ablations() -> dict[str, Recipe]:
    """Return recipes that differ from those of the table in one setting each, and say why they differ."""
    changes: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "smoothing of the gradient": [
            (detector, {"descriptor": "rootsift"}) for detector in ("sift", "dense", "superpixel")
        ]
        + [("superpixel", {"gradient_sigma": 1.5})],
        "rotation": [
            ("superpixel", {"orientation": "none"}),
            ("superpixel", {"orientation": "axis"}),
            ("dense", {"orientation": "gradient"}),
            ("sift", {"upright": True}),
        ],
        "scale": [
            ("superpixel", {"scale": "moments"}),
            ("superpixel", {"scale": "fixed"}),
            ("superpixel", {"scale_factor": 0.8}),
            ("sift", {"scale_factor": 1.0}),
            ("dense", {"scales": (6.0, 12.0), "balance": 1.0}),
        ],
        "background": [("superpixel", {"foreground_only": True})],
        "components": [("superpixel", {"components": 0})],
        "points": [("superpixel", {"points": n}) for n in (100, 200, 800, 1600)],
        "words": [("superpixel", {"words": n}) for n in (256, 4096)],
        "patches": [("superpixel", {"descriptor": "patch"})],
        "position": [("superpixel", {"position": 0.5})],
        "tone": [("superpixel", {"tone_words": 512})],
    }
    found: dict[str, Recipe] = dict(DETECTORS)
    for cause, varied in changes.items():
        for name, change in varied:
            values = ", ".join(f"{k} {v}" for k, v in change.items())
            found[f"{cause}: {name}, {values}"] = {name: {**EQUAL, **change}}
    return found


def rows(data: Set, jobs: int, seeds: int, chosen: Mapping[str, Recipe]) -> Iterator[Row]:
    """Measure each recipe on one set; the words are drawn anew for each seed and the measures averaged."""
    for recipe, parts in chosen.items():
        start = time.perf_counter()
        results = [measure(fused_rankings(data, jobs, seed, parts), data) for seed in range(seeds)]
        seconds = (time.perf_counter() - start) / seeds
        plain = None
        if recipe in PIPELINES:
            # In a process of its own: the OpenMP threads of scikit-learn do not survive the next fork.
            with ProcessPoolExecutor(1, get_context("spawn"), initializer=one_thread) as pool:
                plain = pool.submit(plain_measures, data, recipe).result()[0]
        mean_ap, low, high, p1, p10 = np.mean(results, axis=0).tolist()
        yield Row(data.name, recipe, mean_ap, low, high, p1, p10, plain, seconds)


def fused_rankings(data: Set, jobs: int, seed: int, parts: Recipe) -> list[Ranking]:
    """Rank every image of a set by a recipe, its words learnt with a seed."""
    found = []
    for name, settings in parts.items():
        own = {} if name in ("thumbnail", "colour") else {"seed": seed}  # these two learn nothing
        made = make(name, {**settings, **own})
        found.append(rankings(made, encode(made, data.items, jobs)))
    return found[0] if len(found) == 1 else [fuse(each) for each in zip(*found, strict=True)]


def plain_measures(data: Set, detector: str) -> tuple[float, float, float, float, float]:
    """Return mAP, its interval, P@1 and P@10 of the plain pipeline with a detector, in percent."""
    scores = PIPELINES[detector]([grey_bytes(item.read()) for item in data])
    precisions, first, ten = (100 * each for each in judged(scores, data))
    low, high = bootstrap_interval(precisions, data.groups)
    return float(np.nanmean(precisions)), low, high, float(np.nanmean(first)), float(np.nanmean(ten))


def plain_rows(data: Set) -> Iterator[Row]:
    """Measure the plain pipelines alone."""
    for detector in PIPELINES:
        start = time.perf_counter()
        measures = plain_measures(data, detector)
        yield Row(data.name, f"plain {detector}", *measures, None, time.perf_counter() - start)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--recipe", action="append", choices=list(recipes()))
    parser.add_argument("--ablation", action="store_true", help="change one setting at a time instead")
    parser.add_argument("--plain", action="store_true", help="measure the plain pipelines alone")
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    one_thread()
    print("| set | recipe | mAP | 95 % interval | P@1 | P@10 | plain mAP | s |")
    print("|---|---|---|---|---|---|---|---|")
    chosen = ablations() if args.ablation else recipes()
    chosen = {name: recipe for name, recipe in chosen.items() if name in (args.recipe or chosen)}
    found = []
    for name in args.sets:
        data = Set.load(name, args.data)
        for row in plain_rows(data) if args.plain else rows(data, args.jobs, args.seeds, chosen):
            found.append(row)
            plain = "" if row.plain is None else f"{row.plain:.1f}"
            print(
                f"| {row.set} | {row.recipe} | {row.mean_ap:.1f} | {row.low:.1f} to {row.high:.1f} "
                f"| {row.p1:.1f} | {row.p10:.1f} | {plain} | {row.seconds:.0f} |",
                flush=True,
            )
    if args.csv:
        with args.csv.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(Row.__dataclass_fields__)
            writer.writerows(list(vars(row).values()) for row in found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
