"""Measure what the blend of a learnt metric, and smoothing, add to a query.

    python -m benchmarks.speed.added_cost [--n 100000] [--queries 40] [--keep FOLDER]

Vectors are generated in families of eight images: bags of 4,096 words, and embeddings of 448 numbers. A
metric is learnt from 50 labels a class; a class is one of six directions. The metric alone, its base alone
and their blend are asked in turn; so are the best 10 without and with smoothing over five neighbours, by each
and by the fusion of both. Milliseconds by the clock, and of the processor in all threads: medians over the
queries of the least of five runs each. The blend must answer as the sum of whole rankings does.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.growing import FAMILY, Bags, Embeddings, weighed
from benchmarks.speed.best_cases import BY, Collection, Scaled, bounded
from retrieval.answers.fusion import scale_of
from retrieval.answers.smoothing import POOL, smooth
from retrieval.index.search.encode_query import EncodedQuery
from retrieval.index.search.query_options import QueryOptions
from retrieval.index.search.rank import rank
from retrieval.index.storage.segments import add_sums
from retrieval.metric_learning.blend import blend_of
from retrieval.metric_learning.blended_ranker import BlendedRanker, join
from retrieval.metric_learning.metric_learner import MetricLearner
from retrieval.metric_learning.projection import Projection
from retrieval.rankers.cosines import held_cosines
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.inverted import InvertedIndex
from retrieval.rankers.packed.factors import Factors
from retrieval.representation import Encoding

K, NEIGHBOURS = 10, 5
WORDS, NUMBERS = 4096, 448
AGREEING = 0.75
"""Share of the variance that a family has in common in the embeddings of the fusion."""
_CLASSES, _LABELS = 6, 50
_RUNS = 5
_SEGMENT = 65_536
"""Images of a segment, as an index merges them."""


def bags() -> tuple[Bags, NDArray[np.float32]]:
    """Return the generator of bags, and the weight of each word."""
    # Document frequencies as those of brain4 in the table `growth`: 450 words of an image.
    shares = np.exp(np.random.default_rng(0).normal(np.log(0.0735), 0.8, WORDS)).clip(1e-3, 0.9)
    return Bags(shares, 0.45, points=1.2), np.log(1 / shares + 0.01).astype(np.float32)


def of_words(n: int, n_queries: int, folder: Path) -> tuple[Any, Sequence[Any], Sequence[Any]]:
    """Return a ranker of n bags, of which some begin the collection, and queries."""
    made, idf = bags()
    factors = Factors(
        np.sqrt(np.arange(65_536.0)), idf.astype(np.float64), np.array([WORDS]), np.ones(1, np.float32)
    )
    first = [bag for counts in made.counts(n) for bag in weighed(counts, idf)]
    places = []
    for start in range(0, n, _SEGMENT):
        places.append(folder / f"words{start}")
        if not places[-1].exists():
            part = InvertedIndex(WORDS, factors)
            part.add(np.arange(start, min(n, start + _SEGMENT)), first[start : start + _SEGMENT])
            part.save(places[-1])
            add_sums(places[-1])
    queries = weighed(made.queries(n, n_queries), idf)
    return InvertedIndex.open(places, WORDS, factors), first, queries


def of_numbers(
    n: int, n_queries: int, folder: Path, likeness: float = 0.6
) -> tuple[Any, Sequence[Any], Sequence[Any]]:
    """Return a ranker of n embeddings, all of them, and queries, of the same families as those of bags."""
    made = Embeddings(np.arange(1.0, NUMBERS + 1) ** -0.8, likeness)
    vectors = made.vectors(n)
    queries = list(made.queries(n, n_queries))
    # Those of bags are in the order of their families.
    by_family = np.argsort(np.random.default_rng([0, n]).choice(-(-n // FAMILY), n_queries, replace=False))
    return saved(vectors, folder / f"numbers {likeness}"), vectors, [queries[i] for i in by_family.tolist()]


def saved(vectors: NDArray[np.float32], place: Path) -> ExactRanker:
    """Return a ranker of vectors, from a segment on disk."""
    if not place.exists():
        made = ExactRanker(vectors.shape[1])
        made.add(np.arange(len(vectors)), vectors)
        made.save(place)
        add_sums(place)
    return ExactRanker.open([place], vectors.shape[1])


def learnt(vectors: Sequence[Any]) -> tuple[Projection, float]:
    """Return a metric of some vectors, and the weight of the base beside it."""
    random = np.random.default_rng(1)
    chosen = [vectors[i] for i in random.permutation(len(vectors))[: _CLASSES * _LABELS].tolist()]
    rows = np.stack([one.dense() if hasattr(one, "dense") else one for one in chosen])
    # Of one direction each, the same number of images.
    along = (rows - rows.mean(axis=0)) @ random.normal(size=rows.shape[1])
    classes = [str(place) for place in (np.argsort(np.argsort(along)) // _LABELS).tolist()]
    projection = MetricLearner().learn(chosen, classes)
    folds, groups = np.zeros(len(chosen), np.int64), [str(i) for i in range(len(chosen))]
    weight = blend_of([projection], folds, chosen, classes, groups).weight
    return projection, weight


def times(ways: Sequence[Callable[[Any], Any]], queries: Sequence[Any]) -> dict[str, list[float]]:
    """Return the milliseconds of each way to ask, by the clock and of the processor.

    The median over queries of the least of some runs.
    """
    for query in queries[:5]:  # what is compiled and checked at first is not counted
        for way in ways:
            way(query)
    clocks = {"by the clock": time.perf_counter, "of the processor": time.process_time}
    passed = np.empty((len(clocks), _RUNS, len(queries), len(ways)))
    for run in range(_RUNS):
        for i, query in enumerate(queries):
            for j, way in enumerate(ways):
                begin = [clock() for clock in clocks.values()]
                way(query)
                passed[:, run, i, j] = [
                    (clock() - one) * 1e3 for clock, one in zip(clocks.values(), begin, strict=True)
                ]
    # What else the machine does makes a run longer, never shorter.
    return dict(zip(clocks, np.median(passed.min(axis=1), axis=1).tolist(), strict=True))


def report(name: str, base: Any, vectors: Sequence[Any], queries: Sequence[Any], folder: Path) -> None:
    """Print the rows of a base."""
    projection, weight = learnt(vectors)
    place = folder / f"metric of {name}"
    projected = np.empty((0, 0), np.float32) if place.exists() else projection.project_all(list(vectors))
    metric = saved(projected.reshape(-1, projection.dimension), place)
    both = BlendedRanker(metric, base, projection.dimension, weight)
    asked = [(projection.project(q), q, join(projection.project(q), q, weight)) for q in queries]
    for _, _, query in asked[:3]:
        _check(both, query)
    found = times(
        [
            lambda q: metric.rank(q[0], K),
            lambda q: base.rank(q[1], K),
            lambda q: both.rank(q[2], K),
        ],
        asked,
    )
    smoothed = times([lambda q: base.rank(q, K), lambda q: _smoothed(base, q)], queries)
    for clock, (alone, whole, blend) in found.items():
        best, slower = smoothed[clock]
        cells = [f"{one:.2f}" for one in (weight, alone, whole, blend)]
        cells += [f"{blend - alone:+.2f}", f"{blend - whole:+.2f}", f"{blend - alone - whole:+.2f}"]
        cells += [f"{best:.2f}", f"{slower:.2f}", f"{slower - best:+.2f}"]
        print(f"| {name}, {clock} | {projection.dimension} | {' | '.join(cells)} |", flush=True)


def report_fusion(n: int, rankers: Sequence[Any], queries: Sequence[Sequence[Any]]) -> None:
    """Print the rows of the fusion of words and embeddings by z, of n images."""
    collection: Any = Collection(n, dict(zip(BY, rankers, strict=True)), np.arange(n) // FAMILY)
    asked = []
    for vectors in zip(*queries, strict=True):
        encoded: Any = [
            EncodedQuery(name, object(), Encoding(vector), (1, 1), None)  # type: ignore[arg-type]
            for name, vector in zip(BY, vectors, strict=True)
        ]
        samples = [rank(collection, one, n, np.arange(n) % (n // 1000) == 0).scores for one in encoded]
        scales = tuple(scale_of(scores, "z") for scores in samples)
        asked.append((encoded, Scaled(BY, "z", None, scales)))
    plain, smoothed = (QueryOptions(fusion="z", k=K, smooth=number) for number in (0, NEIGHBOURS))
    found = times(
        [
            lambda q: bounded(collection, q[0], None, q[1], plain),
            lambda q: bounded(collection, q[0], None, q[1], smoothed),
        ],
        asked,
    )
    for clock, (best, slower) in found.items():
        print(f"| {clock} | {best:.2f} | {slower:.2f} | {slower - best:+.2f} |", flush=True)


def _smoothed(base: Any, query: Any) -> Any:
    ranking = base.rank(query, POOL)
    return smooth(ranking, held_cosines(base, ranking.ids), NEIGHBOURS)


def _check(both: BlendedRanker, query: Any) -> None:
    best, whole = both.rank(query, K), both.rank(query, len(both))
    if not np.array_equal(best.ids, whole.ids[:K]) or not np.array_equal(best.scores, whole.scores[:K]):
        raise SystemExit("the blend answers otherwise than the sum of whole rankings")


def main() -> None:
    """Build, ask, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--keep", type=Path, help="build in this folder, and leave what is built")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        print(
            "| base | numbers of the metric | weight of the base | metric | base | blend | blend − metric "
            "| blend − base | blend − both | best 10 | smoothed | smoothed − best 10 |"
        )
        print("|---|" + "--:|" * 11)
        words = of_words(args.n, args.queries, folder)
        report("words", *words, folder)
        report("deep", *of_numbers(args.n, args.queries, folder), folder)
        print("\n| fusion of both | best 10 | smoothed | smoothed − best 10 |\n|---|--:|--:|--:|")
        # Of families that are more alike, on which both agree.
        numbers = of_numbers(args.n, args.queries, folder, AGREEING)
        report_fusion(args.n, (words[0], numbers[0]), (words[2], numbers[2]))


if __name__ == "__main__":
    main()
