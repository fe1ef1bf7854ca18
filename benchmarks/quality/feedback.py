"""Print what feedback gains: P@10 before and after three liked and three disliked answers.

    python -m benchmarks.quality.feedback [SET...] [--data FOLDER] [--jobs N]

Each picture of a set asks once, with its own patient, lesion or near-duplicates left out. A simulated user
looks down the answer and likes the first three pictures of the query's class, and dislikes the first three
others. Then the same query asks again with ``like`` and ``unlike``. What was judged, and all that shares a
group with it, is taken out of both answers before they are measured (residual collection), so that nothing
counts for having been pointed at. Intervals of the difference: 95 %, bootstrap by group, 1,000 draws.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.shared.indexing import RECIPES, index_set, labelled
from benchmarks.shared.labelled_sets import DATA
from retrieval.index import Index
from retrieval.statistics.measures import bootstrap_interval, precision_at

SETS = ("brain4", "ultrasound3", "cxr3", "histology5", "skin7", "wbc5")
JUDGED = 3


class Trial:
    """The queries of one index, by one recipe."""

    def __init__(self, index: Index, by: Sequence[str]) -> None:
        self.index, self.by = index, by
        self.names = labelled(index)
        self.label = {name: index.picture(name).labels[0] for name in self.names}
        self.group = {name: str(index.picture(name).metadata["group"]) for name in self.names}

    def run(self) -> tuple[list[float], list[float], list[str]]:
        """Return P@10 before and after for each query, and the groups of the queries.

        Queries whose class has no four pictures in other groups are left out.
        """
        before, after, groups = [], [], []
        for name in self.names:
            first = self._ask(name)
            liked = [hit for hit in first if self.label[hit] == self.label[name]][:JUDGED]
            disliked = [hit for hit in first if self.label[hit] != self.label[name]][:JUDGED]
            judged = {self.group[hit] for hit in (*liked, *disliked)}
            left = [
                self._rights(name, self._ask(name, liked, disliked), judged),
                self._rights(name, first, judged),
            ]
            if len(liked) < JUDGED or not any(left[1]):
                continue
            after.append(precision_at(left[0], 10))
            before.append(precision_at(left[1], 10))
            groups.append(self.group[name])
        return before, after, groups

    def _ask(self, name: str, like: Sequence[str] = (), unlike: Sequence[str] = ()) -> list[str]:
        hits = self.index.query(
            name,
            by=self.by,
            k=len(self.index),
            not_same="group",
            like=like,
            unlike=unlike,
            where="label is not null",
            fusion="rrf",
        )
        return [hit.id for hit in hits]

    def _rights(self, name: str, hits: Sequence[str], judged: set[str]) -> list[bool]:
        return [self.label[hit] == self.label[name] for hit in hits if self.group[hit] not in judged]


def line(set: str, recipe: str, trial: Trial) -> str:
    """Return one line of the table."""
    before, after, groups = trial.run()
    gain = np.subtract(after, before)
    low, high = bootstrap_interval(gain, groups)
    return (
        f"| {set} | {recipe} | {len(gain)} | {np.mean(before):.1%} | {np.mean(after):.1%} "
        f"| {100 * gain.mean():+.1f} | {100 * low:+.1f} to {100 * high:+.1f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--recipe", action="append", choices=list(RECIPES), help="[all]")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    recipes = {name: by for name, by in RECIPES.items() if name in (args.recipe or RECIPES)}
    print("| set | by | queries | P@10 before | after | gain, points | 95 % interval |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for name in args.sets:
        with tempfile.TemporaryDirectory() as scratch:
            names = [one for by in recipes.values() for one in by]
            with index_set(name, Path(scratch), names, args.data, args.jobs) as index:
                for recipe, by in recipes.items():
                    print(line(name, recipe, Trial(index, by)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
