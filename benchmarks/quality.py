"""Print what each recipe of visual words is worth, leave-one-out, with intervals.

    python -m benchmarks.quality [SET...] [--data FOLDER] [--jobs N] [--seeds N] [--csv FILE]

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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import bovw
from benchmarks.sets import DATA, Item, Set
from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.measures import average_precision, bootstrap_interval, precision_at
from retrieval.representation import Encoding, Representation

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


def make(name: str, settings: Mapping[str, Any]) -> Representation:
    """Make a representation by name."""
    others = {"thumbnail": Thumbnail, "colour": ColourHistogram}
    kind: Any = others.get(name) or getattr(bovw, name)
    made: Representation = kind(**settings)
    return made


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


def scores(made: Representation, encodings: Sequence[Encoding]) -> NDArray[np.float32]:
    """Rank every vector against every vector with the representation's own ranker, float32 (n, n)."""
    ranker = made.make_ranker()
    ids = np.arange(len(encodings), dtype=np.int64)
    ranker.add(ids, [e.vector for e in encodings])
    table = np.empty((len(ids), len(ids)), dtype=np.float32)
    for i, encoding in enumerate(encodings):
        ranking = ranker.rank(encoding.vector, len(ids))
        table[i, ranking.ids] = ranking.scores
    return table


def relevances(table: NDArray[np.float32], data: Set) -> Iterator[NDArray[np.bool_]]:
    """Yield for each query which of its hits are right, best first, its own group left out."""
    labels, groups = data.labels, data.groups
    names = np.array([item.name for item in data])
    for i in range(len(data)):
        others = np.flatnonzero(groups != groups[i])
        best = others[np.lexsort((names[others], -table[i, others]))]
        yield labels[best] == labels[i]


def measure(table: NDArray[np.float32], data: Set) -> tuple[float, float, float, float, float]:
    """Return mAP, its interval, P@1 and P@10, in percent."""
    found = list(relevances(table, data))
    precisions = np.array([average_precision(r) for r in found])
    low, high = bootstrap_interval(precisions, data.groups)
    asked = [r for r in found if r.any()]
    p1, p10 = (np.mean([precision_at(r, k) for r in asked]) for k in (1, 10))
    return tuple(100 * float(v) for v in (np.nanmean(precisions), low, high, p1, p10))  # type: ignore[return-value]


def recipes() -> dict[str, dict[str, dict[str, Any]]]:
    """Return each recipe as {representation: settings}; several are fused by the mean of their scores."""
    return {
        "thumbnail": {"thumbnail": {}},
        "colour": {"colour": {}},
        **DETECTORS,
        "default": {name: {} for name in bovw.DEFAULT},
    }


def rows(data: Set, jobs: int, seeds: int, chosen: Iterable[str]) -> Iterator[Row]:
    """Measure each recipe on one set; the words are drawn anew for each seed and the measures averaged."""
    for recipe in chosen:
        start = time.perf_counter()
        results = []
        for seed in range(seeds):
            parts = [
                make(name, {**settings, **({} if name in ("thumbnail", "colour") else {"seed": seed})})
                for name, settings in recipes()[recipe].items()
            ]
            table = np.mean([scores(made, encode(made, data.items, jobs)) for made in parts], axis=0)
            results.append(measure(np.asarray(table, np.float32), data))
        plain = PLAIN.get(data.name, {}).get(recipe)
        seconds = (time.perf_counter() - start) / seeds
        yield Row(data.name, recipe, *np.mean(results, axis=0).tolist(), plain, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--recipe", action="append", choices=list(recipes()))
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    print("| set | recipe | mAP | 95 % interval | P@1 | P@10 | plain mAP | s |")
    print("|---|---|---|---|---|---|---|---|")
    found = []
    for name in args.sets:
        for row in rows(Set.load(name, args.data), args.jobs, args.seeds, args.recipe or recipes()):
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
