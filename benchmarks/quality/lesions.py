"""Print whether a small lesion finds the lesions of other patients, more than windows like it do.

    python -m benchmarks.quality.lesions [--set mammo] [--recipe 'NAME setting=value...']... [--matched 7]
        [--keep FOLDER] [--jobs N]

A query is the box of a lesion, asked as a region. Its rivals are windows of the same picture and size, as far
from the breast's edge and with surroundings as bright, that overlap no lesion
(``benchmarks.shared.matched_windows``): position, density and size say nothing, and what is left is the
lesion. Hits of the query's own patient are left out.

On lesions: of the ten best hits, how many have their box on a lesion (intersection over union of 0.1 or
more). Have one: of the ten best hits, how many are pictures with a lesion. Box: of all pictures with a
lesion, in how many the box is on it. Each for lesions / for their rivals, in percent, with p of a two-sided
randomisation test by patient. Halves are every other patient, asking among their own pictures: settings were
chosen on the first, and are confirmed on the second.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.instances import overlap
from benchmarks.quality.regions import Boxes
from benchmarks.shared.kept_indexes import opened
from benchmarks.shared.labelled_sets import DATA
from benchmarks.shared.matched_windows import Box, matched
from retrieval.index import Hit, Index
from retrieval.region import Region
from retrieval.registry import make
from retrieval.statistics.paired_tests import randomisation_test

RECIPES = (
    "deep",
    "deep side=352",
    "deep surround=1",
    "deep side=352 surround=1",
)
Shares = NDArray[np.float64]

OVERLAP = 0.1
"""Small boxes from a centre and a radius, read off a film: half of a side away is still on the lesion."""
TOP = 10
SMALLEST = 8.0
"""Pixels: a smaller box (a single calcification) is asked with what is around it."""


@dataclass(frozen=True)
class Query:
    """A lesion: the position of its picture, its box, and the windows that rival it."""

    picture: int
    box: Box
    rivals: Sequence[Box]


def halves(boxes: Boxes) -> NDArray[np.int64]:
    """Return 0 or 1 for each picture: every other patient, of those with a lesion and of the others."""
    groups = boxes.data.groups.tolist()
    patients = sorted(set(groups))
    sick = sorted({group for group, found in zip(groups, boxes.by_picture, strict=True) if found})
    return np.array([(sick if group in sick else patients).index(group) % 2 for group in groups])


def lesions(boxes: Boxes, n_rivals: int) -> Iterator[Query]:
    """Yield all lesions that have rivals: one that fills the breast has none."""
    random = np.random.default_rng(0)
    for i, by_label in enumerate(boxes.by_picture):
        taken = [_grown(box) for found in by_label.values() for box in found]
        if taken:
            grey = np.asarray(boxes.data.items[i].read().pixels, dtype=np.float32)
            for box in taken:
                rivals = matched(grey, box, taken, n_rivals, random)
                if rivals:
                    yield Query(i, box, rivals)


def _grown(box: Box) -> Box:
    row, col, height, width = box
    tall, wide = max(height, SMALLEST), max(width, SMALLEST)
    return row - (tall - height) / 2, col - (wide - width) / 2, tall, wide


def asked(index: Index, name: str, boxes: Boxes, half: NDArray[np.int64], query: Query) -> Shares:
    """Ask with a lesion and with its rivals; return shares (2, 2, 3): whose, among which, measure.

    Among all pictures, and among those of the patient's half. Rivals' shares are means.
    """
    boxed = [query.box, *query.rivals]
    shares = np.array([_shares(index, name, boxes, half, query.picture, box) for box in boxed])
    return np.stack([shares[0], shares[1:].mean(axis=0)])


def _shares(
    index: Index, name: str, boxes: Boxes, half: NDArray[np.int64], picture: int, box: Box
) -> list[list[float]]:
    items, groups = boxes.data.items, boxes.data.groups
    position = {item.name: i for i, item in enumerate(items)}
    hits: list[Hit] = index.query(items[picture].name, by=[name], k=len(items), region=Region.box(*box))
    found = [(position[h.id], h.box) for h in hits if groups[position[h.id]] != groups[picture]]
    at = np.array([i for i, _ in found])
    has = np.array([bool(boxes.by_picture[i]) for i in at])
    on = np.array([place is not None and _is_on(place, boxes, i) for i, place in found])
    return [
        [float(on[kept][:TOP].mean()), float(has[kept][:TOP].mean()), float(on[kept][has[kept]].mean())]
        for kept in (np.ones(len(at), dtype=bool), half[at] == half[picture])
    ]


def _is_on(found: Box, boxes: Boxes, picture: int) -> bool:
    known = [_grown(box) for some in boxes.by_picture[picture].values() for box in some]
    return max((overlap(found, box) for box in known), default=0.0) >= OVERLAP


def line(recipe: str, name: str, shares: Shares, patients: Sequence[str]) -> str:
    """Return a line of the table, of shares (n, 2, 3)."""
    own, rivals = shares[:, 0], shares[:, 1]  # (n, 3) each
    cells = " | ".join(
        f"{100 * own[:, i].mean():.1f} / {100 * rivals[:, i].mean():.1f} "
        f"| {randomisation_test(own[:, i] - rivals[:, i], patients):.4f}"
        for i in range(own.shape[1])
    )
    return f"| {recipe} | {name} | {len(own)} | {cells} |"


def lines(recipe: str, shares: Shares, patients: NDArray[np.str_], half: NDArray[np.int64]) -> Iterator[str]:
    """Return the lines of a recipe, of shares (n, 2, 2, 3): all patients, and both halves."""
    yield line(recipe, "all", shares[:, :, 0], patients.tolist())
    for number, name in enumerate(("first half", "second half")):
        mine = half == number
        yield line(recipe, name, shares[mine][:, :, 1], patients[mine].tolist())


def representation(recipe: str) -> Any:
    """Make what a recipe names: a name, and its settings as ``setting=whole number``."""
    name, *settings = recipe.split()
    pairs = (setting.partition("=") for setting in settings)
    return make(name, {key: bool(int(value)) if key == "surround" else int(value) for key, _, value in pairs})


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", default="mammo", help="with a boxes.csv")
    parser.add_argument("--recipe", action="append", help=f"default: {'; '.join(RECIPES)}")
    parser.add_argument("--matched", type=int, default=7, help="rivals of each lesion")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--keep", type=Path, help="keep the indexes in this folder, and use what is there")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    boxes = Boxes.load(args.set, args.data)
    queries, half = list(lesions(boxes, args.matched)), halves(boxes)
    asking = np.array([query.picture for query in queries])
    patients = boxes.data.groups[asking]
    print(f"{len(queries)} lesions of {len(set(patients))} patients, {len(boxes.data)} pictures\n")
    print("| recipe | patients | lesions | on lesions | p | have one | p | box | p |")
    print("|---|---|--:|---|--:|---|--:|---|--:|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for recipe in args.recipe or RECIPES:
            made = representation(recipe)
            with opened(boxes.data.items, [made], args.keep or Path(scratch), args.jobs) as index:
                shares = np.array([asked(index, made.name, boxes, half, query) for query in queries])
            print(*lines(recipe, shares, patients, half[asking]), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
