"""Test the claim of Haas et al. 2011: superpixel points beat SIFT points and dense grids.

    python -m benchmarks.quality.claim [SET...] [--most 300] [--seeds 2] [--no-ablation] [-o FOLDER]
    python -m benchmarks.quality.claim --detectors superpixel turned-dense --words 1024 4096 --no-ablation

The three detectors at equal numbers of points, over budgets and vocabularies, and all else equal: the
pictures, descriptor, principal components, k-means, weighting, ranking; no words for tone. Each picture asks
once; those of its own patient, lesion or group of near-duplicates are left out. mAP over the whole ranking,
in percent, a query's average precision being the mean over the seeds of the vocabulary. Intervals: 95 %,
bootstrap by group. Differences: paired randomisation tests by group, p adjusted by Holm over all comparisons
of a set; bold where it is below 0.05.

``†``: fewer than 32 descriptors a word, so that the vocabulary cannot be said to be learnt; below 4 nothing
is measured. ``‡``: some detector found 2 % fewer points than the budget, on average.

The ablation, at 400 points and 1,024 words, crosses scale, orientation and mask. Then like with like: the
same orientation and mask for all three, so that nothing but the points and their scales differs.
``turned-dense`` is the dense grid with each frame turned as those of the superpixels are, for the whole grid.
With ``-o`` the cells and comparisons are written as CSV, and plots as PNG (they need matplotlib).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.quality import claim_plots, claim_tables
from benchmarks.shared.descriptors_of_sets import Described, drawn, judged
from benchmarks.shared.labelled_sets import DATA, Set
from retrieval.statistics.fisher_exact import holm
from retrieval.statistics.measures import bootstrap_interval
from retrieval.statistics.paired_tests import Comparison, compare

SETS = ("ultrasound3", "cxr3", "brain4", "histology5")
DETECTORS = ("sift", "dense", "superpixel")
BUDGETS = (100, 200, 400, 800, 1600)
WORDS = (256, 1024, 4096, 16384)
CLAIMANT, RIVALS = "superpixel", ("sift", "dense")
LEAST = 4
"""With fewer descriptors a word than this nothing is measured."""
ABLATION = (400, 1024)
"""Points and words of the ablation."""
DEFAULTS = {
    "sift": ("own", "gradient", "off"),
    "dense": ("own", "none", "off"),
    "superpixel": ("area", "gradient", "off"),
    "turned-dense": ("own", "gradient", "off"),
}
"""Scale, orientation and mask as each detector comes, and of a grid that is turned as superpixels are."""

Variant = tuple[str, str, str]
Key = tuple[str, Variant, int, int]
"""Detector, variant, points, words: what names a cell."""


@dataclass(frozen=True)
class Task:
    """What one process does at once: one detector at one budget, at several vocabularies."""

    data: Set
    detector: str
    variant: Variant
    points: int
    words: tuple[int, ...]
    seeds: int

    def settings(self) -> dict[str, Any]:
        """Return the settings of the bag of words."""
        scale, orientation, mask = self.variant
        own: dict[str, Any] = {"orientation": orientation}
        if self.detector == "sift":
            own = {"upright": orientation == "none"}
        elif self.detector == "superpixel":
            own["scale"] = scale
        return {"points": self.points, "tone_words": 0, "foreground_only": mask == "on", **own}


@dataclass(frozen=True, eq=False)
class Cell:
    """What was measured at one vocabulary: ``precisions`` and ``first`` are (queries,), NaN where none is."""

    key: Key
    described: Described
    precisions: NDArray[np.float64]
    first: NDArray[np.float64]
    interval: tuple[float, float]
    seconds: float

    @property
    def mean_ap(self) -> float:
        """Return mAP in percent."""
        return 100 * float(np.nanmean(self.precisions))

    @property
    def per_word(self) -> float:
        """Return how many descriptors there are for each word."""
        return int(self.described.counts.sum()) / self.key[3]

    @property
    def is_short(self) -> bool:
        """Tell whether there are 2 % fewer points than the budget."""
        return float(self.described.counts.mean()) < 0.98 * self.key[2]


def measure(task: Task) -> list[Cell]:
    """Detect and describe once, then measure every vocabulary that the descriptors can feed."""
    start = time.perf_counter()
    name = task.detector.removeprefix("turned-")
    described = Described.of(name, task.settings(), task.data.items)
    extraction = time.perf_counter() - start
    seen = replace(described, descriptors=np.empty((0, 0), np.float32))
    cells = []
    for words in task.words:
        start = time.perf_counter()
        if len(described.descriptors) < LEAST * words:
            continue
        found = []
        for seed in range(task.seeds):
            bags = described.bags(words, seed)
            found.append(judged((bags @ bags.T).toarray(), task.data)[:2])
        precisions, first = np.mean(found, axis=0)
        interval = bootstrap_interval(100 * precisions, task.data.groups)
        seconds = extraction + time.perf_counter() - start
        key = (task.detector, task.variant, task.points, words)
        cells.append(Cell(key, seen, precisions, first, interval, seconds))
    return cells


def grid(
    data: Set, detectors: Sequence[str], budgets: Sequence[int], words: Sequence[int], seeds: int
) -> list[Task]:
    """Return the tasks of the comparison, the longest first."""
    return [
        Task(data, detector, DEFAULTS[detector], points, tuple(words), seeds)
        for points in sorted(budgets, reverse=True)
        for detector in detectors
    ]


def variants() -> list[tuple[str, Variant]]:
    """Return every detector in all its scales, orientations and masks."""
    scales = {"sift": ("own",), "dense": ("own",), "superpixel": ("area", "moments", "fixed")}
    turns = dict.fromkeys(RIVALS, ("none", "gradient")) | {"superpixel": ("none", "axis", "gradient")}
    return [(d, v) for d in DETECTORS for v in product(scales[d], turns[d], ("off", "on"))]


def adjusted(pairs: Mapping[tuple[Key, Key], Comparison]) -> dict[tuple[Key, Key], Comparison]:
    """Correct the p-values for all of the comparisons together."""
    p = holm([found.p for found in pairs.values()]).tolist()
    return {
        pair: replace(found, adjusted=value) for (pair, found), value in zip(pairs.items(), p, strict=True)
    }


def compared(one: Cell, other: Cell, data: Set) -> Comparison:
    """Compare two cells, query by query, in percent, the first less the second."""
    (found,) = compare({"one": 100 * one.precisions, "other": 100 * other.precisions}, data.groups)
    if found.first == "one":
        return found
    return replace(
        found, first="one", second="other", difference=-found.difference, low=-found.high, high=-found.low
    )


def claims(cells: Mapping[Key, Cell], data: Set) -> dict[tuple[Key, Key], Comparison]:
    """Compare superpixels with each rival wherever both were measured."""
    pairs = {}
    for key, cell in cells.items():
        for rival in DEFAULTS if key[0] == CLAIMANT else ():
            other = (rival, DEFAULTS[rival], *key[2:])
            if other in cells and rival != CLAIMANT:
                pairs[key, other] = compared(cell, cells[other], data)
    return adjusted(pairs)


def ablated(cells: Mapping[Key, Cell], data: Set) -> dict[tuple[Key, Key], Comparison]:
    """Compare every variant with its detector as it comes, and like with like."""
    pairs = {}
    for key, cell in cells.items():
        detector, variant = key[:2]
        if variant != DEFAULTS[detector]:
            default = (detector, DEFAULTS[detector], *key[2:])
            pairs[key, default] = compared(cell, cells[default], data)
    for turn, mask, rival in product(("none", "gradient"), ("off", "on"), RIVALS):
        mine: Key = (CLAIMANT, ("area", turn, mask), *ABLATION)
        theirs: Key = (rival, ("own", turn, mask), *ABLATION)
        pairs[mine, theirs] = compared(cells[mine], cells[theirs], data)
    return adjusted(pairs)


def _quiet() -> None:
    cv2.setNumThreads(1)
    threadpool_limits(1)


def run(tasks: Sequence[Task], pool: ProcessPoolExecutor) -> dict[Key, Cell]:
    """Do the tasks in processes; cells by their names, in the order of the tasks."""
    return {cell.key: cell for cells in pool.map(measure, tasks) for cell in cells}


def sections(args: argparse.Namespace, pool: ProcessPoolExecutor) -> Iterator[claim_tables.Section]:
    """Measure one set after the other."""
    for name in args.sets:
        start = time.perf_counter()
        data = drawn(Set.load(name, args.data), args.most)
        cells = run(grid(data, args.detectors, args.budgets, args.words, args.seeds), pool)
        varied: dict[Key, Cell] = {}
        if args.ablation:
            tasks = [Task(data, d, v, ABLATION[0], ABLATION[1:], args.seeds) for d, v in variants()]
            varied = run(tasks, pool)
        print(f"{name}: {len(data)} pictures, {time.perf_counter() - start:.0f} s", file=sys.stderr)
        yield claim_tables.Section(
            name, len(data), cells, claims(cells, data), varied, ablated(varied, data) if varied else {}
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--most", type=int, default=300, help="pictures of a set, drawn by chance; 0: all")
    parser.add_argument("--detectors", nargs="+", choices=list(DEFAULTS), default=list(DETECTORS))
    parser.add_argument("--budgets", type=int, nargs="+", default=list(BUDGETS))
    parser.add_argument("--words", type=int, nargs="+", default=list(WORDS))
    parser.add_argument("--ablation", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("-o", "--output", type=Path, help="a folder for CSV and plots")
    args = parser.parse_args()
    done = []
    # Spawned, for OpenCV's threads do not survive a fork.
    with ProcessPoolExecutor(args.jobs, get_context("spawn"), initializer=_quiet) as pool:
        for section in sections(args, pool):
            done.append(section)
            print(claim_tables.text(section), flush=True)
            if args.output:
                claim_tables.write_csv(done, args.output)
                claim_plots.draw(section, args.output)
    print(claim_tables.summary(done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
