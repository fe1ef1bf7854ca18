"""Print how surely visual words find the picture that a piece of it comes from, and where in it.

    python -m benchmarks.quality.instances [SET[:N]...] [--keep FOLDER] [--recipe NAME] [--each]

Some pictures of the sets are cut, turned, scaled, shown through another window and noised, by transforms
that are drawn with a seed and known; all pictures of the sets are in the index, so that every query has one
right picture among more than a thousand. Recall@1: the first hit is that picture. Box: of the queries whose
first hit it is, how many of the reported boxes overlap the true one by 0.7 (intersection over union); ``all``
counts the others as wrong. The true box is that around the piece as it lies in the picture, turned. A piece
is a quarter of the picture's area. With ``--each``, so many queries are drawn from each set, and rows are for
one set. N: only so many pictures of a set are taken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.kept_indexes import opened
from benchmarks.shared.labelled_sets import DATA, Item, Set, drawn
from retrieval.index import Index
from retrieval.picture import Picture
from retrieval.registry import make

SETS = ("brain4", "ultrasound3", "cxr3", "histology5")
Settings = dict[str, Any]
FOR_INSTANCES: Settings = {"words": 4096, "tone_words": 0, "fit_pictures": 300}
WITH_SIGNATURES: Settings = {**FOR_INSTANCES, "signature": 64}
Recipe = tuple[Mapping[str, Settings], Settings | None]
RECIPES: dict[str, Recipe] = {
    "superpixel, as it is": ({"superpixel": {}}, {}),
    "sift, as it is": ({"sift": {}}, {}),
    "sift for instances": ({"sift": FOR_INSTANCES}, {}),
    "sift for instances, expand 5": ({"sift": FOR_INSTANCES}, {"expand": 5}),
    "sift for instances, signature 64": ({"sift": WITH_SIGNATURES}, {}),
    "signature 64, rootsift": ({"sift": {**WITH_SIGNATURES, "descriptor": "rootsift"}}, {}),
    "signature 64, gradient σ 1": ({"sift": {**WITH_SIGNATURES, "gradient_sigma": 1.0}}, {}),
    "signature 64, 800 points": ({"sift": {**WITH_SIGNATURES, "points": 800}}, {}),
    "the default": ({"superpixel": {}, "dense": {}}, None),
    "the default, verified": ({"superpixel": {}, "dense": {}}, {}),
}
"""Representations with their settings, and those of queries that are verified; None: asked as they are."""
VERIFY = 200
SIDE = 0.5
"""A piece has so much of each side."""
OVERLAP = 0.7
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Change:
    """What is done to a picture, at most: turn in degrees, factor of size, gamma, σ of the noise."""

    turn: float = 0.0
    scale: float = 1.0
    gamma: float = 1.0
    noise: float = 0.0


CHANGES = {
    "cut": Change(),
    "cut, turned 30°": Change(turn=30),
    "cut, turned 30°, scaled 0.8 to 1.25": Change(turn=30, scale=1.25),
    "cut, turned 30°, another window": Change(turn=30, gamma=1.4),
    "cut, turned 30°, noise 0.02": Change(turn=30, noise=0.02),
    "all of it": Change(turn=30, scale=1.25, gamma=1.4, noise=0.02),
}


def changed(picture: Picture, change: Change, rng: np.random.Generator) -> tuple[Picture, Box]:
    """Return a piece of a picture, changed, and the box (row, col, height, width) around it there."""
    rows, cols = picture.shape
    turn = np.deg2rad(rng.uniform(-change.turn, change.turn))
    scale = change.scale ** rng.uniform(-1, 1)
    height, width = SIDE * rows, SIDE * cols
    half = 0.5 * np.array(
        [
            height * np.cos(turn) + width * abs(np.sin(turn)),
            width * np.cos(turn) + height * abs(np.sin(turn)),
        ]
    )
    half = np.minimum(half, (rows / 2, cols / 2))
    centre = rng.uniform(half, np.array([rows, cols]) - half)
    inside = _piece(picture.pixels, centre, turn, scale, (height, width))
    low, high = np.clip([centre - half, centre + half], 0, (rows, cols))
    return Picture(_degraded(inside, change, rng)), (*low, *(high - low))  # type: ignore[return-value]


def _piece(
    pixels: NDArray[np.float32],
    centre: NDArray[np.float64],
    turn: float,
    scale: float,
    size: tuple[float, float],
) -> NDArray[np.float32]:
    """Sample a turned rectangle; beyond the border it is black."""
    height, width = (max(8, round(side * scale)) for side in size)
    cosine, sine = np.cos(turn) / scale, np.sin(turn) / scale
    # From (x, y) of the piece to (x, y) of the picture; pixel centres are whole numbers in both.
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    turned = np.array([[cosine, -sine], [sine, cosine]])
    shift = centre[::-1] - 0.5 - turned @ middle
    inverse = np.column_stack([turned, shift])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(pixels, inverse, (width, height), flags=flags), dtype=np.float32)


def _degraded(pixels: NDArray[np.float32], change: Change, rng: np.random.Generator) -> NDArray[np.float32]:
    gamma = change.gamma ** rng.uniform(-1, 1)
    low, high = (rng.uniform(0, 0.1), rng.uniform(0.9, 1)) if change.gamma != 1 else (0.0, 1.0)
    shown = np.clip((pixels - low) / (high - low), 0, 1) ** gamma
    noisy = shown + change.noise * rng.standard_normal(shown.shape)
    return np.ascontiguousarray(np.clip(noisy, 0, 1), dtype=np.float32)


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the intersection of two boxes (row, col, height, width) over their union."""
    sides = [
        max(0.0, min(one[i] + one[i + 2], other[i] + other[i + 2]) - max(one[i], other[i])) for i in (0, 1)
    ]
    both = sides[0] * sides[1]
    return both / (one[2] * one[3] + other[2] * other[3] - both) if both > 0 else 0.0


def rows(
    index: Index,
    by: Sequence[str],
    items: Sequence[Item],
    changes: Mapping[str, Change],
    asked: Settings | None,
) -> Iterator[tuple[str, float, float, float, float, float]]:
    """Measure each change: recall@1 before and after verification, boxes among the found and all; seconds."""
    for label, change in changes.items():
        first, found, boxes, seconds = [], [], [], 0.0
        for number, item in enumerate(items):
            query, truth = changed(item.read(), change, np.random.default_rng(number))
            start = time.perf_counter()
            (hit,) = index.query(query, by=by, k=1, adjust=asked or {})
            seconds += time.perf_counter() - start
            plain = [hit] if asked is None else index.query(query, by=by, k=1, adjust={"verify": 0})
            first.append(plain[0].id == item.name)
            found.append(hit.id == item.name)
            boxes.append(hit.box is not None and overlap(hit.box, truth) >= OVERLAP)
        right = np.array(boxes) & np.array(found)
        among = right.sum() / max(1, np.sum(found))
        yield label, np.mean(first), np.mean(found), float(among), right.mean(), seconds / len(items)  # type: ignore[misc]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--keep", type=Path, help="keep the indexes in this folder, and use those that are there"
    )
    parser.add_argument("--recipe", action="append", choices=list(RECIPES))
    parser.add_argument("--change", action="append", choices=list(CHANGES))
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--each", action="store_true", help="draw the queries from each set apart")
    parser.add_argument("--verify", type=int, default=VERIFY)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    sets = [_load(name, args.data) for name in args.sets]
    items = [item for one in sets for item in one]
    sources = {f", {one.name}": one.items for one in sets} if args.each else {"": tuple(items)}
    print(f"{args.queries} queries of each kind among {len(items)} pictures of {', '.join(args.sets)}")
    print("| recipe | change | recall@1, not verified | recall@1 | box, of those found | box, of all | s |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for recipe in args.recipe or RECIPES:
            settings, of_queries = RECIPES[recipe]
            changes = {label: CHANGES[label] for label in args.change or CHANGES}
            made = [make(name, chosen) for name, chosen in settings.items()]
            verified = None if of_queries is None else {"verify": args.verify, **of_queries}
            with opened(items, made, args.keep or Path(scratch), args.jobs) as index:
                for source, possible in sources.items():
                    asked = _chosen(possible, args.queries)
                    _print(recipe, source, rows(index, list(settings), asked, changes, verified))
    return 0


def _load(name: str, data: Path) -> Set:
    name, _, most = name.partition(":")
    return drawn(Set.load(name, data), int(most or 0))


def _chosen(items: Sequence[Item], n: int) -> list[Item]:
    return [items[i] for i in np.random.default_rng(0).permutation(len(items))[:n]]


def _print(
    recipe: str, source: str, measured: Iterator[tuple[str, float, float, float, float, float]]
) -> None:
    for label, *shares, seconds in measured:
        percent = " | ".join(f"{100 * share:.1f}" for share in shares)
        print(f"| {recipe} | {label}{source} | {percent} | {seconds:.2f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
