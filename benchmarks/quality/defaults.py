"""What an index answers by default, now and before, representation by representation and fused.

    python -m benchmarks.quality.defaults [SET...] [--most 150] [--cache FOLDER]

Each picture of a set asks once; the pictures of its own patient, lesion or group of near-duplicates are
left out, the same for every row. ``before``: superpixels of one fixed compactness; ``deep`` by the
projection of the network of the first stage, of the image alone; reciprocal ranks. ``first weights``: the
pooled levels of that network. ``words & deep, ranks`` is what a new index
answers, by reciprocal ranks, if nobody asks for more. ``deep, 8`` averages over all turns and
mirror images, ``best of 8`` asks in all of them and takes the best score (tissue and cells only).
``smooth``: each representation's best 200, over 5 neighbours, before fusion. Percent; paired
randomisation tests by group, p adjusted by Holm over the tests of a set. Vectors are kept in ``--cache``,
by set and recipe.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.labelled_sets import DATA, Set, drawn
from benchmarks.shared.networks import FIRST_WEIGHTS, imagenet_vectors, own_vectors
from deep import deep
from deep.networks.preprocessing import prepare, views
from deep.representation import DeepEmbedding
from retrieval.answers.fusion import fuse
from retrieval.answers.smoothing import POOL, smooth
from retrieval.ranker import Ranking, order
from retrieval.rankers.cosines import dense_cosines
from retrieval.registry import make
from retrieval.representation import SparseVector
from retrieval.statistics.fisher_exact import holm
from retrieval.statistics.paired_tests import Comparison, compare
from retrieval.statistics.tied_ranking import TiedRanking

SETS = ("ultrasound3", "brain4", "skin7", "cxr3", "histology5", "wbc5")
RIVAL = "SqueezeNet GeM"
RECIPES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "superpixel, before": ("superpixel", {"compactness": 0.1}),
    "superpixel": ("superpixel", {}),
    "dense": ("dense", {}),
    "deep, before": ("deep", {"projected": True, "symmetries": 1, "weights": str(FIRST_WEIGHTS)}),
    "deep, first weights": ("deep", {"projected": False, "weights": str(FIRST_WEIGHTS)}),
    "deep": ("deep", {}),
    "deep, 8": ("deep", {"symmetries": 8}),
}
TURNED = {
    "deep, 8": ("histology5", "wbc5", "he_slides", "he_regions"),
    "best of 8": ("histology5", "wbc5"),
}
"""Sets without an upright, for which the rows of eight orientations are."""
WORDS = ("superpixel", "dense")
ROWS: Mapping[str, tuple[tuple[str, ...], str, int]] = {
    "superpixel, before": (("superpixel, before",), "z", 0),
    "superpixel": (("superpixel",), "z", 0),
    "words, before": (("superpixel, before", "dense"), "rrf", 0),
    "words": (WORDS, "z", 0),
    RIVAL: ((RIVAL,), "z", 0),
    "deep, before": (("deep, before",), "z", 0),
    "deep, before, best of 8": (("best of 8",), "z", 0),
    "deep, first weights": (("deep, first weights",), "z", 0),
    "deep": (("deep",), "z", 0),
    "deep, 8": (("deep, 8",), "z", 0),
    "words & deep, before": (("superpixel, before", "dense", "deep, before"), "rrf", 0),
    "words & deep, first weights": ((*WORDS, "deep, first weights"), "z", 0),
    "words & deep": ((*WORDS, "deep"), "z", 0),
    "words & deep, ranks": ((*WORDS, "deep"), "rrf", 0),
    "words & deep, smooth": ((*WORDS, "deep"), "z", 5),
}
"""The representations of each row, how they are fused, and over how many neighbours they are smoothed."""
PLANNED = (
    ("superpixel", "superpixel, before"),
    ("words", "words, before"),
    ("deep", "deep, before"),
    ("deep", "deep, first weights"),
    ("deep", RIVAL),
    ("deep, 8", "deep"),
    ("words & deep", "words, before"),
    ("words & deep", "words & deep, before"),
    ("words & deep", "words & deep, first weights"),
    ("words & deep", "words"),
    ("words & deep, ranks", "words, before"),
    ("words & deep, ranks", "words & deep"),
    ("words & deep, smooth", "words & deep"),
)
"""The pairs that are tested."""
MEASURES = ("mAP", "P@1", "P@10")

Scores = NDArray[np.float32]


def vectors_of(data: Set, recipe: str) -> NDArray[np.float32]:
    """Return what an index would hold of a set, by one recipe, as rows (n, d) of unit length."""
    name, settings = RECIPES[recipe]
    if name == "deep":
        made = deep(**settings).fit(item.read() for item in data)
        return unit(own_vectors(made, (item.read() for item in data)))
    words = make(name, settings).fit(item.read() for item in data)
    vectors = [words.encode(item.read()).vector for item in data]
    return unit(np.stack([v.dense() if isinstance(v, SparseVector) else v for v in vectors]))


def best_of_views(data: Set) -> Scores:
    """Return the best cosine of each query's eight orientations with each image, (n, n)."""
    made = deep(**RECIPES["deep, before"][1]).fit(item.read() for item in data)
    squares = np.stack([prepare(item.read(), made.side) for item in data])
    indexed, *turned = (unit(embedded(made, view)) for view in views(squares, 8))
    found: Scores = np.max([view @ indexed.T for view in (indexed, *turned)], axis=0)
    return found


def embedded(made: DeepEmbedding, squares: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the embeddings of squares (n, 3, side, side), in batches."""
    pieces = np.array_split(squares, max(1, len(squares) // made.batch_size))
    return np.stack([np.asarray(e.vector) for piece in pieces for e in made.encode_prepared(list(piece))])


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows of unit length; zeros stay zeros."""
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return np.asarray(vectors / lengths, dtype=np.float32)


def kept(data: Set, cache: Path) -> dict[str, NDArray[np.float32]]:
    """Return the vectors of every recipe, from the cache where they are there."""
    asked = (*RECIPES, RIVAL, "best of 8")
    there = [recipe for recipe in asked if data.name in TURNED.get(recipe, (data.name,))]
    return {recipe: kept_one(data, recipe, cache) for recipe in there}


def kept_one(data: Set, recipe: str, cache: Path) -> NDArray[np.float32]:
    """Return the vectors of one recipe, from the cache if they are there."""
    cache.mkdir(parents=True, exist_ok=True)
    key = repr([recipe, RECIPES.get(recipe), [item.name for item in data]])
    place = cache / f"{data.name}.{hashlib.sha256(key.encode()).hexdigest()[:12]}.npy"
    if not place.exists():
        if recipe == RIVAL:
            made = imagenet_vectors((item.read() for item in data), names=[RIVAL])[RIVAL]
            values = unit(made)
        else:
            values = best_of_views(data) if recipe == "best of 8" else vectors_of(data, recipe)
        np.save(place, values)
    found: NDArray[np.float32] = np.load(place)
    return found


def ranked(scores: Scores, vectors: NDArray[np.float32], allowed: NDArray[np.int64], n: int) -> Ranking:
    """Return the ranking of the allowed images by their scores, smoothed over n neighbours."""
    found = order(allowed, scores[allowed], len(allowed))
    return smooth(found, dense_cosines(vectors[found.ids[:POOL]]), n) if n else found


def measured(data: Set, vectors: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float64]]:
    """Return mAP, P@1 and P@10 of each query by each row, (3, n); NaN without an answer."""
    labels, groups = data.labels, data.groups
    cosines = {name: v if name == "best of 8" else v @ v.T for name, v in vectors.items()}
    found = {}
    for row, (members, how, n) in ROWS.items():
        if not set(members) <= set(vectors):
            continue
        values = []
        for i in range(len(data)):
            allowed = np.flatnonzero(groups != groups[i])
            each = [ranked(cosines[name][i], vectors[name], allowed, n) for name in members]
            best = each[0] if len(each) == 1 else fuse(each, how)
            judged = TiedRanking(labels[best.ids] == labels[i], best.scores)
            firsts = [judged.precision_at(k) if judged.relevant.any() else np.nan for k in (1, 10)]
            values.append([judged.average_precision(), *firsts])
        found[row] = np.array(values).T
    return found


def tests(data: Set, found: Mapping[str, NDArray[np.float64]], measure: int) -> Iterator[Comparison]:
    """Yield the planned comparisons by one measure, the first minus the second, p adjusted."""
    raw = []
    for first, second in (pair for pair in PLANNED if set(pair) <= set(found)):
        pair = {name: 100 * found[name][measure] for name in (first, second)}
        (one,) = compare(pair, data.groups)
        sign = 1 if one.first == first else -1
        raw.append(replace(one, first=first, second=second, difference=sign * one.difference))
    for one, p in zip(raw, holm([one.p for one in raw]).tolist(), strict=True):
        yield replace(one, adjusted=p)


def print_table(results: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> None:
    """Print mAP / P@1 / P@10 of each row on each set, and their means over the sets that have the row."""
    print("| | " + " | ".join(results) + " | mean |\n|---|" + "--:|" * (len(results) + 1))
    for row in ROWS:
        means = {
            name: 100 * np.nanmean(found[row], axis=1) for name, found in results.items() if row in found
        }
        if means:
            cells = [_triple(means[name]) if name in means else "" for name in results]
            print(f"| {row} | {' | '.join(cells)} | {_triple(np.mean(list(means.values()), axis=0))} |")


def print_tests(sets: Mapping[str, Set], results: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> None:
    """Print the differences of mAP and of P@1 of the planned pairs on each set; bold below p = 0.05."""
    print("\n| mAP, P@1 | " + " | ".join(results) + " | mean |\n|---|" + "--:|" * (len(results) + 1))
    shown: dict[tuple[str, str], dict[str, list[Comparison]]] = {pair: {} for pair in PLANNED}
    for name, found in results.items():
        for measure in (0, 1):
            for one in tests(sets[name], found, measure):
                shown[one.first, one.second].setdefault(name, []).append(one)
    for (first, second), by_set in shown.items():
        if by_set:
            cells = [", ".join(_shown(c) for c in by_set.get(name, [])) for name in results]
            mean = np.mean([[c.difference for c in pair] for pair in by_set.values()], axis=0)
            print(f"| {first} − {second} | {' | '.join(cells)} | {mean[0]:+.1f}, {mean[1]:+.1f} |")


def _triple(values: NDArray[np.float64]) -> str:
    return " / ".join(f"{value:.1f}" for value in values)


def _shown(c: Comparison) -> str:
    return f"**{c.difference:+.1f}**" if c.adjusted < 0.05 else f"{c.difference:+.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--most", type=int, default=150, help="pictures of a set, drawn at random; 0: all")
    parser.add_argument("--cache", type=Path, default=Path("defaults.cache"))
    parser.add_argument("--data", type=Path, default=DATA)
    args = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    sets = {name: drawn(Set.load(name, args.data), args.most) for name in args.sets}
    results = {name: measured(data, kept(data, args.cache)) for name, data in sets.items()}
    sizes = ", ".join(f"{name} {len(data)}" for name, data in sets.items())
    print(f"Commit {commit.stdout.strip() or 'unknown'}; images: {sizes}. {' / '.join(MEASURES)}\n")
    print_table(results)
    print_tests(sets, results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
