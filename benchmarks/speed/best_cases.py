"""Time the best cases, or images, by the first images of rankings against those by whole rankings.

    python -m benchmarks.speed.best_cases [--n 100000 1000000] [--queries 20]

Embeddings are generated, by two representations, in families of eight images; a family is a patient. The
query's own patient is left out. Both ways are asked in turn, and must give the same answers; times are
milliseconds of the processor, in all threads.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.growing import FAMILY, Embeddings
from retrieval.answers.fusion import scale_of
from retrieval.index.search.best_cases import best_cases
from retrieval.index.search.best_fused import best_fused
from retrieval.index.search.encode_query import EncodedQuery
from retrieval.index.search.fusion import Fusion
from retrieval.index.search.group_cases import GroupedRanking, group_cases
from retrieval.index.search.query import first_reach
from retrieval.index.search.query_options import QueryOptions
from retrieval.index.search.rank import rank
from retrieval.index.search.refined import refine_all
from retrieval.index.search.rerank import Reranked
from retrieval.index.search.smooth import Smoothing
from retrieval.rankers.dense import ExactRanker
from retrieval.representation import Encoding

WAYS: tuple[tuple[str, int, dict[str, Any]], ...] = (
    ("one, best image", 1, {}),
    ("one, mean-3, collapsed", 1, {"case_by": "mean-3"}),
    ("two by z, best image", 2, {"fusion": "z"}),
    ("two by rrf, best image", 2, {"fusion": "rrf"}),
    ("one, best image, smoothed", 1, {"smooth": 4}),
    ("two by rrf, best image, smoothed", 2, {"smooth": 4, "fusion": "rrf"}),
    ("no cases: two by rrf", 2, {"group_by": None, "fusion": "rrf"}),
    ("no cases: two by z", 2, {"group_by": None, "fusion": "z"}),
    ("no cases: two by z, smoothed", 2, {"smooth": 4, "group_by": None, "fusion": "z"}),
)
BY = ("first", "second")
PICTURE: Any = SimpleNamespace(indexed_as=None)
"""The query, which is no image of the collection."""
AGREEMENT = 0.6
"""What the vectors of the second representation have of those of the first."""


@dataclass(eq=False)
class Collection:
    """What a search reads of a snapshot, for generated vectors."""

    n: int
    rankers: dict[str, ExactRanker]
    families: NDArray[np.int64]
    stack_positions: Any = field(init=False)

    def __post_init__(self) -> None:
        self.stack_positions = self
        self.names = range(self.n)

    def __len__(self) -> int:
        return self.n

    def ranker(self, name: str) -> ExactRanker:
        """Return the ranker of a representation."""
        return self.rankers[name]

    def cases(self, column: str) -> NDArray[np.int64]:
        """Return the case of each image."""
        return self.families

    def value(self, column: str, position: int) -> str:
        """Return the name of an image's case."""
        return str(self.families[position])

    def slice_positions(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return stacks and places: slices of a family are 5 mm apart."""
        return self.families, 5.0 * (np.arange(self.n) % FAMILY)


class Scaled(Fusion):
    """A fusion whose scales are known."""

    def scaled(self, snapshot: Any, reranked: Any) -> Fusion:
        """Return this."""
        return self


def whole(
    collection: Any, encoded: list[EncodedQuery], mask: Any, fusion: Fusion, options: QueryOptions
) -> GroupedRanking:
    """Return the best cases by whole rankings."""
    smoothing = Smoothing(collection, PICTURE, options.smooth)
    rankings = [rank(collection, one, len(collection), mask) for one in encoded]
    smoothed = [smoothing.of(Reranked(*pair)) for pair in zip(encoded, rankings, strict=True)]
    images = fusion.fuse([one.ranking for one in smoothed])
    return group_cases(collection, images, options)


def bounded(
    collection: Any, encoded: list[EncodedQuery], mask: Any, fusion: Fusion, options: QueryOptions
) -> GroupedRanking | None:
    """Return the best cases, or images, by the first images; None if that takes whole rankings."""
    reach = first_reach(collection, mask, options, len(encoded))
    refined = refine_all(collection, encoded, mask, Smoothing(collection, PICTURE, options.smooth), reach)
    if options.group_by is not None:
        found = best_cases(collection, refined, mask, fusion, options)
        return None if found is None else found.grouped
    fused = best_fused(collection, refined, options.k, mask, fusion)
    return None if fused is None else group_cases(collection, fused.ranking, options)


def timed(way: Callable[[], Any]) -> tuple[float, Any]:
    """Return milliseconds, and the result."""
    begin = time.process_time()
    found = way()
    return (time.process_time() - begin) * 1e3, found


def measure(n: int, n_queries: int, dimension: int, only: str) -> None:
    """Print the rows of one size."""
    rankers, queries = {}, {}
    drawn = [Embeddings(np.linspace(1, 0.1, dimension), 0.3, seed) for seed in range(2)]
    vectors, asked_with = [one.vectors(n) for one in drawn], [one.queries(n, n_queries) for one in drawn]
    # Two representations of one image agree more or less on what is like it.
    for number, name in enumerate(BY):
        share = np.float32(AGREEMENT * number)
        rankers[name] = ExactRanker(dimension)
        rankers[name].add(np.arange(n), share * vectors[0] + (1 - share) * vectors[number])
        queries[name] = share * asked_with[0] + (1 - share) * asked_with[number]
    families = np.arange(n) // FAMILY
    collection: Any = Collection(n, rankers, families)
    for title, n_by, settings in (way for way in WAYS if only in way[0]):
        options = QueryOptions(**{"group_by": "patient", **settings})
        for name in BY:  # loads what looks single images up
            rankers[name].scores(queries[name][0], np.arange(9))
        times: list[tuple[float, float]] = []
        n_bounded = n_equal = 0
        for i in range(n_queries):
            vectors = [queries[name][i] for name in BY[:n_by]]
            asked: Any = [
                EncodedQuery(name, object(), Encoding(vector), (1, 1), None)  # type: ignore[arg-type]
                for name, vector in zip(BY, vectors, strict=False)
            ]
            samples = [rank(collection, one, n, np.arange(n) % (n // 1000) == 0).scores for one in asked]
            scales = tuple(scale_of(scores, "z") for scores in samples)
            fusion = Scaled(BY[:n_by], options.fusion, None, scales)
            own = rank(collection, asked[0], 1, None).ids[0]
            mask = families != families[own]
            quick, found = timed(lambda: bounded(collection, asked, mask, fusion, options))  # noqa: B023
            slow, expected = timed(lambda: whole(collection, asked, mask, fusion, options))  # noqa: B023
            times.append((quick if found is not None else quick + slow, slow))
            n_bounded += found is not None
            n_equal += found is None or (
                found.cases == expected.cases
                and found.ranking.scores.tobytes() == expected.ranking.scores.tobytes()
            )
        (p50, slow50), (p95, slow95) = np.percentile(times, (50, 95), axis=0)
        cells = [f"{n:,}", title, f"{p50:.1f}", f"{p95:.1f}", f"{slow50:.1f}", f"{slow95:.1f}"]
        cells += [f"{n_bounded} of {n_queries}", f"{n_equal} of {n_queries}"]
        print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--only", default="", help="the rows whose names hold this")
    parser.add_argument("--dimension", type=int, default=64)
    args = parser.parse_args()
    head = ["images", "cases by", "p50 ms", "p95 ms", "whole: p50 ms", "p95 ms", "bounded", "equal"]
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    for n in args.n:
        measure(n, args.queries, args.dimension, args.only)


if __name__ == "__main__":
    main()
