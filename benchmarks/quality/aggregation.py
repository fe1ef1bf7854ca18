"""Print how well aggregated descriptors retrieve beside words and embeddings, leave-one-out, with intervals.

    python -m benchmarks.quality.aggregation [SET...] [--data FOLDER] [--jobs N] [--recipe NAME]

As in ``benchmarks.quality.ablation`` each picture asks once, its own patient, lesion or group is left out,
mAP is over the whole ranking, and intervals are 95 % bootstraps by group. ``gain`` is the difference in mAP
to the words over the same points (to ``deep`` for a network's feature map), over the same queries, with its
interval. Words are without tone, so that all see the same descriptors.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bovw
import deep
from benchmarks.shared import leave_one_out
from benchmarks.shared.labelled_sets import DATA, Set
from retrieval.ranker import Ranking
from retrieval.representation import BatchEncoder, Encoding, Representation
from retrieval.statistics.measures import bootstrap_interval

SETS = ("ultrasound3", "brain4", "cxr3", "histology5", "wbc5")
MAKERS: dict[str, Any] = {"vlad": bovw.vlad, "asmk": bovw.asmk, "deep": deep.deep}
SHAPE = {"tone_words": 0}


@dataclass(frozen=True)
class Recipe:
    """One row: a representation, its settings, and the recipe that it is compared with."""

    name: str
    settings: Mapping[str, Any]
    against: str | None = None


RECIPES = {
    "superpixel words": Recipe("superpixel", SHAPE),
    "superpixel vlad": Recipe("vlad", {"features": "superpixel"}, "superpixel words"),
    "superpixel asmk": Recipe("asmk", {"features": "superpixel"}, "superpixel words"),
    "dense words": Recipe("dense", SHAPE),
    "dense vlad": Recipe("vlad", {"features": "dense"}, "dense words"),
    "dense asmk": Recipe("asmk", {"features": "dense"}, "dense words"),
    "deep": Recipe("deep", {}),
    "deep vlad": Recipe("vlad", {"features": "deep"}, "deep"),
    "deep asmk": Recipe("asmk", {"features": "deep"}, "deep"),
}


def make(recipe: Recipe) -> Representation:
    """Make a representation that has learnt nothing."""
    maker = MAKERS.get(recipe.name) or getattr(bovw, recipe.name)
    made: Representation = maker(**recipe.settings)
    return made


def encode(made: Representation, data: Set, jobs: int) -> list[Encoding]:
    """Fit a representation to the pictures of a set and encode them: networks here, the rest in processes."""
    if not isinstance(made, BatchEncoder):
        return leave_one_out.encode(made, data.items, jobs)
    made.fit(item.read() for item in data.items[: made.n_fit_pictures])
    prepared = [made.prepare(item.read()) for item in data]
    batches = range(0, len(prepared), made.batch_size)
    return [e for first in batches for e in made.encode_prepared(prepared[first : first + made.batch_size])]


def precisions(found: Sequence[Ranking], data: Set) -> tuple[NDArray[np.float64], float]:
    """Return the average precision of each query, and P@1."""
    relevant = list(leave_one_out.relevances(found, data))
    first = [r.precision_at(1) for r in relevant if r.relevant.any()]
    return np.array([r.average_precision() for r in relevant]), float(np.mean(first))


def lines(data: Set, jobs: int, chosen: Sequence[str]) -> Iterator[str]:
    """Measure each recipe on one set; yield a line of the table as each is done."""
    done: dict[str, NDArray[np.float64]] = {}
    for name in chosen:
        recipe = RECIPES[name]
        made = make(recipe)
        values, p1 = precisions(leave_one_out.rankings(made, encode(made, data, jobs)), data)
        done[name] = values
        low, high = bootstrap_interval(values, data.groups)
        gain = ""
        if recipe.against in done:
            difference = values - done[recipe.against]
            at_least, at_most = bootstrap_interval(difference, data.groups)
            mean = np.nanmean(difference)
            gain = f"{100 * mean:+.1f} ({100 * at_least:+.1f} to {100 * at_most:+.1f})"
        yield (
            f"| {data.name} | {name} | {100 * np.nanmean(values):.1f} | {100 * low:.1f} to {100 * high:.1f} "
            f"| {100 * p1:.1f} | {gain} |"
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--recipe", action="append", choices=list(RECIPES))
    args = parser.parse_args()
    print("| set | recipe | mAP | 95 % interval | P@1 | gain |")
    print("|---|---|---|---|---|---|")
    for name in args.sets:
        for line in lines(Set.load(name, args.data), args.jobs, args.recipe or list(RECIPES)):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
