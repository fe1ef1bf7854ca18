"""Measure on PneumoniaMNIST as Mahbod et al. 2025 do: the train split is searched for each test picture.

    python -m benchmarks.quality.medmnist [--row NAME...] [--weights FILE] [--trained FILE]
        [--data FOLDER] [--jobs N]

``ACC@k``: one of the first k has the class; ACC@1 is P@1. ``mMV@5``: no class is commoner among the first 5;
ties count as right. ``mAP@5 as published``: the precisions at hits over the number of hits that were *found*
among the first 5, which inflates; ``mAP@5`` divides by 5, as many as there could be. ``mAP``: over the whole
ranking. Percent; ± is one sigma of ACC@1, binomial. 90 % of the train split and 62.5 % of the test split are
pneumonia.

Distances: the ImageNet networks as published, Euclidean between features that are not normalised, pictures
stretched to 224 × 224; everything of this project by its own ranker (cosine). 28 × 28 pixels are too few for
interest points: for visual words pictures are enlarged to 112 × 112 (bicubic) and given 200 points, and their
settings were chosen with ``--ask val``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import deep
from benchmarks.shared.labelled_sets import DATA
from benchmarks.shared.leave_one_out import encode
from benchmarks.shared.networks import IMAGENET, Vectors, imagenet_vectors, own_vectors
from retrieval.answers.fusion import fuse
from retrieval.picture import Picture
from retrieval.ranker import Ranking, order
from retrieval.registry import make
from retrieval.statistics.measures import (
    average_precision,
    average_precision_at,
    hit_at,
    majority_at,
    precision_at,
    published_average_precision_at,
)

ENLARGED = 112
WORDS: dict[str, dict[str, Any]] = {
    "sift": {"points": 200},
    "dense": {"points": 200, "scales": (2.0, 4.0, 8.0)},
    "superpixel": {"points": 200},
}
DEFAULT = ("superpixel", "dense")
ROWS = ("random order", "thumbnail", *WORDS, "superpixel + dense", *IMAGENET, "deep")
HEADS = ("ACC@1", "ACC@3", "ACC@5", "mMV@5", "mAP@5 as published", "mAP@5", "P@5", "mAP")
PUBLISHED: dict[str, dict[str, float]] = {
    "published: ResNet50": {"ACC@3": 93.91, "ACC@5": 95.51, "mMV@5": 83.33, "mAP@5 as published": 86.29},
    "published: best ImageNet network": {"ACC@1": 83.49},
    "published: best frozen network": {"ACC@1": 85.74},
}
"""Mahbod et al. 2025, 28 px, frozen."""
N_TEST = 624


@dataclass(frozen=True, eq=False)
class Tiny:
    """A picture of a split, grey uint8 (rows, cols), that is read as an item of a set is."""

    pixels: NDArray[np.uint8]
    side: int = 0

    def read(self) -> Picture:
        """Return the picture, enlarged to ``side`` pixels if that is more."""
        values = self.pixels.astype(np.float32) / 255
        if self.side > len(values):
            values = cv2.resize(values, (self.side, self.side), interpolation=cv2.INTER_CUBIC)
        return Picture(np.clip(values, 0, 1))


@dataclass(frozen=True, eq=False)
class Splits:
    """Images uint8 (n, 28, 28) and labels (n,): of what is searched, and of what asks."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    asking: NDArray[np.uint8]
    asking_labels: NDArray[np.uint8]

    @classmethod
    def load(cls, data: Path = DATA, ask: str = "test", step: int = 1) -> Splits:
        """Load the splits of a data folder; only every so-manieth picture where ``step`` is above 1."""
        path = data / "pneumoniamnist" / "pneumoniamnist.npz"
        if not path.is_file():
            raise SystemExit(f"{path}: no such file")
        arrays = np.load(path)
        names = (f"{split}_{what}" for split in ("train", ask) for what in ("images", "labels"))
        images, labels, asking, asking_labels = (arrays[name][::step] for name in names)
        return cls(images, labels.ravel(), asking, asking_labels.ravel())

    def items(self, side: int = 0) -> list[Tiny]:
        """Return the pictures that are searched, then those that ask."""
        return [Tiny(pixels, side) for pixels in (*self.images, *self.asking)]


def by_words(name: str, splits: Splits, jobs: int) -> list[Ranking]:
    """Rank by a representation that learns from the split that is searched, and from it alone."""
    is_words = name in WORDS
    made = make(name, WORDS.get(name, {}))
    items, n = splits.items(ENLARGED if is_words else 0), len(splits.images)
    encodings = [*encode(made, items[:n], jobs), *encode(made, items[n:], jobs)]  # type: ignore[arg-type]
    ranker = made.make_ranker()
    ranker.add(np.arange(n, dtype=np.int64), [e.vector for e in encodings[:n]])
    return [ranker.rank(e.vector, n) for e in encodings[n:]]


def by_network(splits: Splits, weights: Path | None) -> list[Ranking]:
    """Rank by the bundled embedder, or that of a weight file, by cosine; centred on what is searched."""
    made = deep.deep(weights=str(weights)) if weights else deep.deep()
    items, n = splits.items(), len(splits.images)
    made.fit(item.read() for item in items[: n : -(-n // made.n_fit_pictures)])
    vectors = own_vectors(made, (item.read() for item in items))
    ranker = made.make_ranker()
    ranker.add(np.arange(n, dtype=np.int64), vectors[:n])
    return [ranker.rank(vector, n) for vector in vectors[n:]]


def by_distance(vectors: Vectors, asking: Vectors) -> Iterator[Ranking]:
    """Rank vectors (n, d) for each one that asks (m, d), by Euclidean distance."""
    ids = np.arange(len(vectors), dtype=np.int64)
    for query in asking:
        yield order(ids, -np.linalg.norm(vectors - query, axis=1), len(ids))


def rankings(
    names: Sequence[str], splits: Splits, data: Path, jobs: int, weights: Path | None
) -> Iterator[tuple[str, list[Ranking]]]:
    """Yield the rankings of each named row; of those whose weights are there."""
    found = {}
    for name in (name for name in ROWS if name in names):
        if name == "random order":
            random, n = np.random.default_rng(0), len(splits.images)
            none = np.zeros(n, dtype=np.float32)
            yield name, [Ranking(random.permutation(n), none) for _ in splits.asking]
        elif name in ("thumbnail", *WORDS):
            found[name] = by_words(name, splits, jobs)
            yield name, found[name]
        elif name == "superpixel + dense":
            parts = [found.get(part) or by_words(part, splits, jobs) for part in DEFAULT]
            yield name, [fuse(pair) for pair in zip(*parts, strict=True)]
        elif name == "deep":
            yield name if weights is None else f"deep, {weights.name}", by_network(splits, weights)
    pictures = (item.read() for item in splits.items())
    chosen = [name for name in IMAGENET if name in names]
    for name, vectors in imagenet_vectors(pictures, data, chosen).items() if chosen else ():
        n = len(splits.images)
        yield name, list(by_distance(vectors[:n], vectors[n:]))


def measure(found: Sequence[Ranking], splits: Splits) -> dict[str, float]:
    """Return every measure of ``HEADS``, in percent: the mean over the pictures that ask."""
    rows = []
    for ranking, label in zip(found, splits.asking_labels, strict=True):
        labels = splits.labels[ranking.ids]
        relevant = labels == label
        rows.append(
            (
                *(hit_at(relevant, k) for k in (1, 3, 5)),
                majority_at(labels, label, 5),
                published_average_precision_at(relevant, 5),
                average_precision_at(relevant, 5),
                precision_at(relevant, 5),
                average_precision(relevant),
            )
        )
    return dict(zip(HEADS, (100 * np.mean(rows, axis=0)).tolist(), strict=True))


def sigma(percent: float, n: int) -> float:
    """Return one standard deviation of a share of n trials, in percent."""
    return float(np.sqrt(percent * (100 - percent) / n))


def line(name: str, values: dict[str, float], n: int, seconds: float | None = None) -> str:
    """Return a row of the table; what is not known stays empty."""
    cells = [f"{values[head]:.1f}" if head in values else "" for head in HEADS]
    if "ACC@1" in values:
        cells[0] += f" ± {sigma(values['ACC@1'], n):.1f}"
    took = "" if seconds is None else f"{seconds:.0f}"
    return f"| {name} | {' | '.join(cells)} | {took} |"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--row", action="append", choices=ROWS, help="only this row; may be repeated")
    parser.add_argument("--weights", type=Path, help="of another embedder, instead of the bundled one")
    parser.add_argument(
        "--trained", type=Path, help="what semblance train made of the train split: one more row"
    )
    parser.add_argument("--ask", choices=("test", "val"), default="test")
    parser.add_argument("--step", type=int, default=1, help="take every so-manieth picture, to try it out")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    splits = Splits.load(args.data, args.ask, args.step)
    n = len(splits.asking)
    print(f"{len(splits.images)} pictures searched, {n} of the {args.ask} split ask\n")
    print(f"| | {' | '.join(HEADS)} | s |\n|---|{'--:|' * (len(HEADS) + 1)}")
    started = time.perf_counter()
    for name, found in rankings(args.row or ROWS, splits, args.data, args.jobs, args.weights):
        print(line(name, measure(found, splits), n, time.perf_counter() - started), flush=True)
        started = time.perf_counter()
    if args.trained:
        found = by_network(splits, args.trained)
        values = measure(found, splits)
        print(line("deep, trained on the train split", values, n, time.perf_counter() - started))
    for name, values in PUBLISHED.items() if args.ask == "test" else ():
        print(line(name, values, N_TEST))
    return 0


if __name__ == "__main__":
    sys.exit(main())
