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
``grid-superpixel`` is a plain grid with the frames of superpixels: it lacks but the regions' borders.
``--masked`` counts points on the body alone (``brain4``, whose background gives classes away).
With ``-o`` the cells and comparisons are written as CSV, and plots as PNG (they need matplotlib).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path

from benchmarks.quality import claim_plots, claim_tables
from benchmarks.quality.claim_cells import (
    ABLATION,
    CLAIMANT,
    DEFAULTS,
    DETECTORS,
    RIVALS,
    Cell,
    Key,
    Task,
    grid,
    measure,
    variants,
)
from benchmarks.shared.labelled_sets import DATA, Set, drawn
from benchmarks.shared.leave_one_out import one_thread
from retrieval.statistics.fisher_exact import holm
from retrieval.statistics.paired_tests import Comparison, compare

SETS = ("ultrasound3", "cxr3", "brain4", "histology5")
BUDGETS = (100, 200, 400, 800, 1600)
WORDS = (256, 1024, 4096, 16384)


def adjusted(pairs: Mapping[tuple[Key, Key], Comparison]) -> dict[tuple[Key, Key], Comparison]:
    """Correct the p-values for all of the comparisons together."""
    p = holm([found.p for found in pairs.values()]).tolist()
    return {
        pair: replace(found, adjusted=value) for (pair, found), value in zip(pairs.items(), p, strict=True)
    }


def compared(one: Cell, other: Cell, data: Set) -> Comparison:
    """Compare two cells, query by query, in percent, the first minus the second."""
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
    """Compare every variant with its detector by default, and like with like."""
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


def run(tasks: Sequence[Task], pool: ProcessPoolExecutor) -> dict[Key, Cell]:
    """Do the tasks in processes; cells by their names, in the order of the tasks."""
    return {cell.key: cell for cells in pool.map(measure, tasks) for cell in cells}


def sections(args: argparse.Namespace, pool: ProcessPoolExecutor) -> Iterator[claim_tables.Section]:
    """Measure one set after the other."""
    for name in args.sets:
        start = time.perf_counter()
        data = drawn(Set.load(name, args.data), args.most)
        tasks = grid(data, args.detectors, args.budgets, args.words, args.seeds, args.masked)
        cells = run(tasks, pool)
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
    parser.add_argument("--most", type=int, default=300, help="pictures of a set, drawn at random; 0: all")
    parser.add_argument("--detectors", nargs="+", choices=list(DEFAULTS), default=list(DETECTORS))
    parser.add_argument("--budgets", type=int, nargs="+", default=list(BUDGETS))
    parser.add_argument("--words", type=int, nargs="+", default=list(WORDS))
    parser.add_argument("--masked", action="store_true", help="points on the body alone")
    parser.add_argument("--ablation", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("-o", "--output", type=Path, help="a folder for CSV and plots")
    args = parser.parse_args()
    done = []
    # Spawned, for OpenCV's threads do not survive a fork.
    with ProcessPoolExecutor(args.jobs, get_context("spawn"), initializer=one_thread) as pool:
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
