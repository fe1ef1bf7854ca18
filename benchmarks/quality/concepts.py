"""What asking with a concept is worth: an organ that was learnt from other slides.

    python -m benchmarks.quality.concepts [--data FOLDER] [--rounds N] [--jobs N]

``he_slides``: in each round half of the slides of each organ, at least one, are learnt from: all their tiles,
those of other organs being what it is not. Tiles of the other slides ask these other slides, without their
own, moved along the concept of their organ by a weight. mAP and P@10 in percent, by organ, over all tiles and
rounds; only organs of three slides or more ask. As controls another organ's concept, and no query.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.labelled_sets import DATA, Set
from benchmarks.shared.leave_one_out import encode
from retrieval.answers.concept import learn_direction, steer
from retrieval.registry import make
from retrieval.representation import SparseVector, Vector
from retrieval.statistics.tied_ranking import TiedRanking

RECIPES = {
    "colour histogram": ("colour", {}),
    "superpixel words in colour": ("superpixel", {"descriptor": "opponentsift"}),
    "deep": ("deep", {}),
}
WEIGHTS = (0.0, 0.5, 1.0, 2.0)
CONTROLS = ("another organ, 1", "the concept alone")


def _dense(vector: Vector) -> NDArray[np.float32]:
    return vector.dense() if isinstance(vector, SparseVector) else np.atleast_2d(vector).mean(axis=0)


def halves(
    labels: NDArray[np.str_], slides: NDArray[np.str_], random: np.random.Generator
) -> tuple[NDArray[np.bool_], list[str]]:
    """Return which items are learnt from, and the organs that ask."""
    learnt, asking = np.zeros(len(labels), dtype=bool), []
    for organ in sorted(set(labels.tolist())):
        own = random.permutation(sorted(set(slides[labels == organ].tolist())))
        learnt |= np.isin(slides, own[: max(1, len(own) // 2)])
        if len(own) >= 3:
            asking.append(organ)
    return learnt, asking


def queries(
    vectors: Sequence[Vector], organ: str, others: Sequence[str], about: dict[str, NDArray[np.str_]],
    learnt: NDArray[np.bool_],
) -> Iterator[tuple[int, dict[str, Vector]]]:  # fmt: skip
    """Yield each tile of an organ that asks, and what it asks with by the name of the column."""
    labels, slides = about["labels"], about["slides"]

    def direction(of: str) -> Vector:
        sides = [np.flatnonzero(learnt & is_of) for is_of in (labels == of, labels != of)]
        groups = [str(slides[i]) for side in sides for i in side]
        return learn_direction(*([vectors[i] for i in side] for side in sides), groups).vector

    own, other = direction(organ), direction(others[0])
    for i in np.flatnonzero(~learnt & (labels == organ)):
        asked = {f"{weight:g}": steer(vectors[i], own, weight) for weight in WEIGHTS}
        yield int(i), {**asked, CONTROLS[0]: steer(vectors[i], other, 1.0), CONTROLS[1]: own}


def measured(vectors: Sequence[Vector], data: Set, rounds: int) -> dict[str, NDArray[np.float64]]:
    """Return mAP and P@10 of each column, in percent."""
    about = {"labels": data.labels, "slides": np.array([item.group for item in data])}
    rows = np.stack([_dense(vector) for vector in vectors])
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for seed in range(rounds):
        random = np.random.default_rng(seed)
        learnt, asking = halves(about["labels"], about["slides"], random)
        for organ in asking:
            others = random.permutation([other for other in asking if other != organ]).tolist()
            for i, asked in queries(vectors, organ, others, about, learnt):
                gallery = np.flatnonzero(~learnt & (about["slides"] != about["slides"][i]))
                for name, vector in asked.items():
                    scores = rows[gallery] @ _dense(vector)
                    order = np.argsort(-scores, kind="stable")
                    right = about["labels"][gallery][order] == organ
                    ranking = TiedRanking(right, scores[order])
                    found[name].append((ranking.average_precision(), ranking.precision_at(10)))
    return {name: 100 * np.mean(values, axis=0) for name, values in found.items()}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--by", default="", help="a part of the titles of the rows that are wanted")
    args = parser.parse_args()
    names = [*(f"{weight:g}" for weight in WEIGHTS), *CONTROLS]
    print(f"| representation | {' | '.join(f'{name}: mAP | P@10' for name in names)} |")
    print(f"|---|{'--:|' * (2 * len(names))}")
    data = Set.load("he_slides", args.data)
    for title, (name, settings) in RECIPES.items():
        if args.by not in title:
            continue
        encodings = encode(make(name, settings), list(data), args.jobs)
        scores = measured([encoding.vector for encoding in encodings], data, args.rounds)
        cells = " | ".join(f"{scores[name][0]:.1f} | {scores[name][1]:.1f}" for name in names)
        print(f"| {title} | {cells} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
