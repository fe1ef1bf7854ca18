"""Print what each recipe of visual words is worth, leave-one-out, with intervals.

    python -m benchmarks.quality.ablation [SET...] [--data FOLDER] [--jobs N] [--seeds N] [--ablation]

Each picture of a set asks once; the pictures of its own patient, lesion or group of near-duplicates are left
out of the answer. mAP is over the whole ranking. Intervals: 95 %, bootstrap by group, 1,000 draws. ``plain``
is the figure of the plain OpenCV/scikit-image/scikit-learn pipeline of the same detector (400 points, 1,000
words).
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import bovw
from benchmarks.shared.labelled_sets import DATA, Item, Set
from retrieval.answers.fusion import fuse
from retrieval.ranker import Ranking
from retrieval.registry import make
from retrieval.representation import Encoding, Representation
from retrieval.statistics.measures import average_precision, bootstrap_interval, precision_at

SETS = ("ultrasound3", "brain4", "cxr3", "histology5")
EQUAL: dict[str, Any] = {"points": 400, "words": 1000, "tone_words": 0}
"""What the comparison of detectors holds equal; tone is no matter of the detector."""
DETECTORS = {
    "sift": {"sift": EQUAL},
    "dense": {"dense": EQUAL},
    "superpixel": {"superpixel": EQUAL},
}
PLAIN = {
    "ultrasound3": {"sift": 41.3, "dense": 42.6, "superpixel": 43.0},
    "brain4": {"sift": 40.8, "dense": 44.8, "superpixel": 43.2},
    "cxr3": {"sift": 43.2, "dense": 52.8, "superpixel": 52.8},
    "histology5": {"sift": 41.1, "dense": 37.5, "superpixel": 31.1},
    "skin7": {"sift": 20.8, "dense": 21.5, "superpixel": 21.7},
    "wbc5": {"sift": 55.1, "dense": 56.5, "superpixel": 57.9},
    "caltech20": {"sift": 25.3, "dense": 37.2, "superpixel": 37.0},
}
"""mAP in percent of plain pipelines on these sets, measured once before this project had code."""


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


def _quiet() -> None:
    cv2.setNumThreads(1)
    threadpool_limits(1)


_worker: dict[str, Representation] = {}


def _equip(name: str, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    _quiet()
    _worker["it"] = make(name, settings)
    if arrays:
        _worker["it"].restore(arrays)


def _sample(item: Item) -> Mapping[str, NDArray[Any]]:
    return _worker["it"].sample(item.read())


def _encode(item: Item) -> Encoding:
    return _worker["it"].encode(item.read())


def encode(made: Representation, items: Sequence[Item], jobs: int) -> list[Encoding]:
    """Fit a representation to the pictures and encode them, spread over processes."""
    if not made.is_fitted:
        with ProcessPoolExecutor(jobs, initializer=_equip, initargs=(made.name, made.settings, {})) as pool:
            made.learn(pool.map(_sample, items[: made.n_fit_pictures], chunksize=4))
    learnt = dict(made.learnt())
    with ProcessPoolExecutor(jobs, initializer=_equip, initargs=(made.name, made.settings, learnt)) as pool:
        return list(pool.map(_encode, items, chunksize=4))


def rankings(made: Representation, encodings: Sequence[Encoding]) -> list[Ranking]:
    """Rank every picture against every picture with the representation's own ranker; ids are positions."""
    ranker = made.make_ranker()
    ranker.add(np.arange(len(encodings), dtype=np.int64), [e.vector for e in encodings])
    return [ranker.rank(encoding.vector, len(encodings)) for encoding in encodings]


def relevances(found: Sequence[Ranking], data: Set) -> Iterator[NDArray[np.bool_]]:
    """Yield for each query which of its hits are right, best first, its own group left out."""
    labels, groups = data.labels, data.groups
    for i, ranking in enumerate(found):
        best = ranking.ids[groups[ranking.ids] != groups[i]]
        yield labels[best] == labels[i]


def measure(found: Sequence[Ranking], data: Set) -> tuple[float, float, float, float, float]:
    """Return mAP, its interval, P@1 and P@10, in percent."""
    relevant = list(relevances(found, data))
    precisions = np.array([average_precision(r) for r in relevant])
    low, high = bootstrap_interval(precisions, data.groups)
    asked = [r for r in relevant if r.any()]
    p1, p10 = (np.mean([precision_at(r, k) for r in asked]) for k in (1, 10))
    return tuple(100 * float(v) for v in (np.nanmean(precisions), low, high, p1, p10))  # type: ignore[return-value]


Recipe = dict[str, dict[str, Any]]
"""Settings by representation; several are fused as a query fuses them."""


def recipes() -> dict[str, Recipe]:
    """Return the recipes of the table: baselines, the detectors alone, and the default."""
    return {
        "thumbnail": {"thumbnail": {}},
        "colour": {"colour": {}},
        **DETECTORS,
        "default": {name: {} for name in bovw.DEFAULT},
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
    for recipe, made_of in chosen.items():
        start = time.perf_counter()
        results = []
        for seed in range(seeds):
            parts = [
                make(name, {**settings, **({} if name in ("thumbnail", "colour") else {"seed": seed})})
                for name, settings in made_of.items()
            ]
            found = [rankings(made, encode(made, data.items, jobs)) for made in parts]
            fused = found[0] if len(found) == 1 else [fuse(each) for each in zip(*found, strict=True)]
            results.append(measure(fused, data))
        plain = PLAIN.get(data.name, {}).get(recipe)
        seconds = (time.perf_counter() - start) / seeds
        mean_ap, low, high, p1, p10 = np.mean(results, axis=0).tolist()
        yield Row(data.name, recipe, mean_ap, low, high, p1, p10, plain, seconds)


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
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    print("| set | recipe | mAP | 95 % interval | P@1 | P@10 | plain mAP | s |")
    print("|---|---|---|---|---|---|---|---|")
    chosen = ablations() if args.ablation else recipes()
    chosen = {name: recipe for name, recipe in chosen.items() if name in (args.recipe or chosen)}
    found = []
    for name in args.sets:
        for row in rows(Set.load(name, args.data), args.jobs, args.seeds, chosen):
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
