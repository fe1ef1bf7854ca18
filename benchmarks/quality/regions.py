"""Print how well a region finds pictures that hold the same kind of thing, and where in them.

    python -m benchmarks.quality.regions [SET...] [--by NAME[,NAME...]]... [--queries N] [--half 1|2]
        [--cells N] [--surround] [--keep FOLDER] [--jobs N]

Sets: ``blood_bccd`` (every cell of blood smears has a box) and ``cxr_regions`` (structures and findings on
chest X-rays). A query is one box of one picture, asked as a region; right are all other pictures, of other
patients where these are known, that have a box of the same class. Box: how often the best hit's box overlaps
one of its boxes of that class by 0.3 or more (intersection over union). mAP is over all pictures. Intervals:
95 %, bootstrap by picture.

Several names are fused as a query fuses them. ``crop`` is the baseline: the box is cut out and embedded as if
it were a whole picture, and whole pictures are ranked (by ``deep``); its box is the whole picture. ``chance``
is what a random order with random boxes of the query's size would reach. ``--half`` takes the first or the
second half of a set's pictures alone, by name: what is chosen on one is measured on the other.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.quality.instances import overlap
from benchmarks.shared.kept_indexes import opened
from benchmarks.shared.labelled_sets import DATA, Set, read_table
from deep import deep
from retrieval.index import Hit, Index
from retrieval.picture import Picture
from retrieval.region import Region
from retrieval.registry import make
from retrieval.statistics.measures import average_precision, bootstrap_interval

SETS = ("blood_bccd", "cxr_regions")
BY = ("superpixel", "dense", "sift", "deep", "superpixel,dense", "superpixel,deep")
CROP, CHANCE = "crop", "chance"
OVERLAP = 0.3
FEWEST = 10
"""A class of fewer boxes is left out."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Query:
    """A box of a picture, by the position of the picture."""

    picture: int
    label: str
    box: Box


@dataclass(frozen=True)
class Boxes:
    """The boxes of the pictures of a set: by picture, by class."""

    data: Set
    by_picture: Sequence[Mapping[str, Sequence[Box]]]

    @classmethod
    def load(cls, name: str, folder: Path, half: int | None = None) -> Boxes:
        """Read the set and its ``boxes.csv``; of its pictures the first or second half, or all."""
        data = Set.load(name, folder)
        if half is not None:
            middle = len(data) // 2
            data = Set(name, data.items[:middle] if half == 1 else data.items[middle:])
        found: dict[str, dict[str, list[Box]]] = defaultdict(lambda: defaultdict(list))
        for row in read_table(folder / name / "boxes.csv"):
            x, y, width, height = (float(row[side]) for side in ("x", "y", "w", "h"))
            if width > 0 and height > 0:
                found[row["file"]][row["structure"]].append((y, x, height, width))
        return cls(data, [found[item.name] for item in data])

    def queries(self, per_class: int) -> Iterator[Query]:
        """Draw the same number of boxes of each class, with a seed."""
        every = [
            Query(i, label, box)
            for i, boxes in enumerate(self.by_picture)
            for label, of_label in sorted(boxes.items())
            for box in of_label
        ]
        for label in sorted({query.label for query in every}):
            mine = [query for query in every if query.label == label]
            if len(mine) >= FEWEST:
                order = np.random.default_rng(0).permutation(len(mine))
                yield from (mine[k] for k in order[:per_class])


@dataclass(frozen=True)
class Outcome:
    """Result of one query: its average precision, and whether the best hit's box was right."""

    query: Query
    precision: float
    is_box_right: bool


def judge(boxes: Boxes, query: Query, hits: Sequence[tuple[int, Box | None]]) -> Outcome:
    """Judge hits, best first, by position; those of the query's own patient or picture are left out."""
    groups = boxes.data.groups
    hits = [hit for hit in hits if groups[hit[0]] != groups[query.picture]]
    relevant = [query.label in boxes.by_picture[position] for position, _ in hits]
    best, box = hits[0]
    right = boxes.by_picture[best].get(query.label, ())
    return Outcome(
        query,
        average_precision(relevant),
        box is not None and max((overlap(box, other) for other in right), default=0.0) >= OVERLAP,
    )


def asked(index: Index, names: Sequence[str], boxes: Boxes, query: Query) -> list[tuple[int, Box | None]]:
    """Ask the index with a region; return positions and boxes, best first."""
    items = boxes.data.items
    position = {item.name: i for i, item in enumerate(items)}
    picture = items[query.picture].read()
    region = Region.box(*query.box)
    hits: list[Hit] = index.query(picture, by=names, k=len(items), region=region)
    return [(position[hit.id], hit.box) for hit in hits]


def cropped(index: Index, boxes: Boxes, query: Query) -> list[tuple[int, Box | None]]:
    """Ask with the inside of the box as an image of its own."""
    position = {item.name: i for i, item in enumerate(boxes.data.items)}
    pixels = boxes.data.items[query.picture].read().pixels
    row, col, height, width = query.box
    inside = pixels[int(row) : int(np.ceil(row + height)), int(col) : int(np.ceil(col + width))]
    hits = index.query(Picture(np.ascontiguousarray(inside)), by=["deep"], k=len(position))
    return [(position[h.id], (0.0, 0.0, *map(float, index.picture(h.id).shape))) for h in hits]  # type: ignore[misc]


def by_chance(index: Index, boxes: Boxes, query: Query, seed: int) -> list[tuple[int, Box | None]]:
    """Order the pictures, and place a box of the query's size in each, at random."""
    rng = np.random.default_rng(seed)
    found: list[tuple[int, Box | None]] = []
    for i in rng.permutation(len(boxes.data)).tolist():
        rows, cols = index.picture(boxes.data.items[i].name).shape[:2]
        height, width = min(query.box[2], rows), min(query.box[3], cols)
        found.append((i, (rng.uniform(0, rows - height), rng.uniform(0, cols - width), height, width)))
    return found


def outcomes(index: Index, by: str, boxes: Boxes, queries: Sequence[Query]) -> Iterator[Outcome]:
    """Ask every query in one way."""
    for seed, query in enumerate(queries):
        if by == CROP:
            yield judge(boxes, query, cropped(index, boxes, query))
        elif by == CHANCE:
            yield judge(boxes, query, by_chance(index, boxes, query, seed))
        else:
            yield judge(boxes, query, asked(index, by.split(","), boxes, query))


def lines(name: str, by: str, found: Sequence[Outcome], seconds: float) -> Iterator[str]:
    """Return a line of the table for each class, and one for their mean."""
    labels = sorted({outcome.query.label for outcome in found})
    means = []
    for label in labels:
        mine = [outcome for outcome in found if outcome.query.label == label]
        owners = [str(outcome.query.picture) for outcome in mine]
        shares = []
        for values in ([o.is_box_right for o in mine], [o.precision for o in mine]):
            low, high = bootstrap_interval(np.array(values, dtype=float), np.array(owners))
            shares.append((float(np.nanmean(values)), low, high))
        means.append([share[0] for share in shares])
        cells = " | ".join(f"{100 * m:.1f} ({100 * lo:.0f} to {100 * hi:.0f})" for m, lo, hi in shares)
        yield f"| {name} | {by} | {label} | {len(mine)} | {cells} | |"
    box, precision = 100 * np.mean(means, axis=0)
    cells = f"{box:.1f} | {precision:.1f} | {seconds:.2f}"
    yield f"| {name} | {by} | mean of {len(labels)} | {len(found)} | {cells} |"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--by", action="append", help=f"default: {'; '.join(BY)}")
    parser.add_argument("--queries", type=int, default=40, help="of each class")
    parser.add_argument("--half", type=int, choices=(1, 2), help="of each set's pictures; all without it")
    parser.add_argument("--cells", type=int, help="sizes of windows that deep keeps; its own default without")
    parser.add_argument("--surround", action="store_true", help="deep embeds how windows differ from around")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--keep", type=Path, help="keep the indexes in this folder, and use those that are there"
    )
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    print("| set | by | class | queries | box right, % | mAP | s a query |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for name in args.sets:
            boxes = Boxes.load(name, args.data, args.half)
            queries = list(boxes.queries(args.queries))
            kinds = [CHANCE, *(args.by or BY), CROP]
            needed = sorted({n for by in kinds for n in by.split(",")} - {CROP, CHANCE} | {"deep"})
            sizes = {} if args.cells is None else {"cells": args.cells}
            made = [deep(**sizes, surround=args.surround) if n == "deep" else make(n, {}) for n in needed]
            with opened(boxes.data.items, made, args.keep or Path(scratch), args.jobs) as index:
                for by in kinds:
                    start = time.perf_counter()
                    found = list(outcomes(index, by, boxes, queries))
                    seconds = (time.perf_counter() - start) / len(queries)
                    print(*lines(name, by, found, seconds), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
