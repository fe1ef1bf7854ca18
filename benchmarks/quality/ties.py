"""Print how many scores tie, and what that means for mAP: ordered by names, and expected over all orders.

    python -m benchmarks.quality.ties [SET...] [--recipe NAME] [--data FOLDER] [--jobs N]

Each picture of a set asks once, its own group left out, as in ``benchmarks.quality.ablation``. *Tied*: hits
that share their score with another one of the same query. *By name* orders them by their names, as tables
printed before that rule did, *worst* and *best* put the wrong or the right ones first, and *expected* is the
mean over all orders (``retrieval.statistics.tied_ranking``), which is what is printed now.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.quality.ablation import EQUAL
from benchmarks.shared.labelled_sets import DATA, Set
from benchmarks.shared.leave_one_out import encode, rankings, relevances
from retrieval.answers.fusion import fuse
from retrieval.registry import make
from retrieval.statistics.measures import average_precision
from retrieval.statistics.tied_ranking import TiedRanking

SETS = ("ultrasound3", "wbc5")
RECIPES: dict[str, tuple[str, dict[str, object]]] = {
    "thumbnail": ("thumbnail", {}),
    "colour": ("colour", {}),
    **{f"{name}, 1,000 words": (name, EQUAL) for name in ("sift", "dense", "superpixel")},
    "superpixel, 50 words": ("superpixel", {**EQUAL, "words": 50}),
    "dense, default": ("dense", {}),
    "superpixel, default": ("superpixel", {}),
    "vlad": ("vlad", {}),
    "asmk": ("asmk", {}),
}
FUSED = ("dense, default", "superpixel, default")
"""What a query fuses by default; scores of ranks, 1 / (60 + r), tie where two hits swap theirs."""


def line(found: Sequence[TiedRanking]) -> str:
    """Return the cells of one row."""
    tied = sum(one.n_tied for one in found) / sum(len(one.scores) for one in found)
    columns = [
        [average_precision(one.relevant) for one in found],
        [average_precision(one.relevant[_sorted(one, right_last=True)]) for one in found],
        [one.average_precision() for one in found],
        [average_precision(one.relevant[_sorted(one, right_last=False)]) for one in found],
    ]
    first = [[float(one.relevant[0]) for one in found], [one.precision_at(1) for one in found]]
    return " | ".join([f"{tied:.2%}", *(f"{100 * np.nanmean(column):.2f}" for column in [*columns, *first])])


def _sorted(one: TiedRanking, right_last: bool) -> list[int]:
    """Return the order in which the right ones of equal scores are the last, or the first."""
    right = one.relevant if right_last else ~one.relevant
    # The last key counts first.
    return np.lexsort((right, -one.scores.astype(np.float64))).tolist()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--recipe", action="append", choices=list(RECIPES), help="[all]")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    print(
        "| set | by | tied | mAP by name | worst | expected | best | P@1 by name | expected |\n"
        "|---|---|--:|--:|--:|--:|--:|--:|--:|"
    )
    for name in args.sets:
        data = Set.load(name, args.data)
        found = {}
        for recipe, (representation, settings) in RECIPES.items():
            if args.recipe and recipe not in args.recipe:
                continue
            made = make(representation, settings)
            found[recipe] = rankings(made, encode(made, data.items, args.jobs))
        if found.keys() >= set(FUSED):
            pairs = zip(*(found[recipe] for recipe in FUSED), strict=True)
            found["both, fused by rank"] = [fuse(pair) for pair in pairs]
        for recipe, each in found.items():
            print(f"| {name} | {recipe} | {line(list(relevances(each, data)))} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
