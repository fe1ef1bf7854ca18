"""Measure how search grows with the collection: words, exact embeddings, and their graph.

    python -m benchmarks.speed.growth [SET SET] [--words 10000 100000] [--dense 10000] [--plot FILE.png]

Collections are like two real sets (benchmarks/shared/growing.py): the first gives the document frequencies
and margins of bags of superpixel words, the second the spread and margins of embeddings by ``deep``; both
are printed beside what was generated, at equal numbers. Each size is built and asked in a process of its own,
on one thread. Times are of the processor, but for "wall"; "cold" is the first query with the opening of the
index. "Margin" is the median distance between the first and the tenth score of an answer. The exponent b of
time = a · n^b is fitted to medians, its 95 % interval by bootstrap over the queries. The probe, a product of
two matrices, says how fast the machine was meanwhile.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
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

from benchmarks.shared.growing import Bags, Embeddings, weighed
from benchmarks.speed.growth_profile import DIMENSION, idf_of, profile
from benchmarks.speed.growth_tables import Row, Seconds, kept, plot, table
from benchmarks.speed.rankers import private_bytes, probe
from retrieval.index.storage.segments import add_sums
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.hnsw import HnswRanker
from retrieval.rankers.inverted import InvertedIndex
from retrieval.rankers.packed import pruning
from retrieval.rankers.packed.factors import Factors

K = 10
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
_SEGMENT = 65_536
"""Images of a segment of words, as an index merges them."""


def measure_words(bags: Bags, n: int, n_queries: int, folder: Path) -> Row:
    """Build and ask an index of n bags. Runs in a process of its own."""
    size, idf = len(bags.shares), idf_of(bags)
    factors = Factors(
        np.sqrt(np.arange(65_536.0)), idf.astype(np.float64), np.array([size]), np.ones(1, np.float32)
    )
    build, first, waiting = Seconds(0.0, 0.0), 0, InvertedIndex(size, factors)
    for counts in bags.counts(n):
        vectors = weighed(counts, idf)
        begin = Seconds.now()
        waiting.add(np.arange(first, first + len(vectors)), vectors)
        first += len(vectors)
        if len(waiting) >= _SEGMENT or first == n:
            waiting.save(folder / str(first))
            add_sums(folder / str(first))
            waiting = InvertedIndex(size, factors)
        passed = Seconds.now().since(begin)
        build = Seconds(build.cpu + passed.cpu, build.wall + passed.wall)
    queries = weighed(bags.queries(n, n_queries), idf)
    places = sorted(folder.iterdir(), key=lambda place: int(place.name))
    row, index = _asked(n, build, folder, lambda: InvertedIndex.open(places, size, factors), queries)
    # The whole ranking leaves nothing out: what it says of some queries is the truth.
    right = [np.array_equal(index.rank(q, K).ids, index.rank(q, n).ids[:K]) for q in queries[:3]]
    # Counting takes time of its own: after what is timed.
    read: list[float] = []
    _count_postings(read)
    for query in queries:
        index.rank(query, K)
    held = [int(block.bounds.frequency[q.indices].sum()) for block in _packed(index) for q in queries]
    return row._replace(recall=float(np.mean(right)), touched=sum(read) / max(1, sum(held)))


def _packed(index: InvertedIndex) -> list[Any]:
    return [block for _, block in index._store.blocks() if hasattr(block, "bounds")]


def _count_postings(read: list[float]) -> None:
    """Note for each block what its search reads: postings of lists, and those of rows that are scored."""
    search, offer = pruning._find, pruning.PackedPruning.offer_best

    def counting(lists, rows, norms, query, taken, least, tier, *rest):  # type: ignore[no-untyped-def]
        found, last, is_easy = search(lists, rows, norms, query, taken, least, tier, *rest)
        lengths = lists.word_groups[query.words + 1] - lists.word_groups[query.words]
        groups = np.repeat(lists.word_groups[query.words], lengths) + _within(lengths)
        is_read = np.repeat(query.tiers > last, lengths)
        read.append(float(lists.lengths[groups][is_read].sum() + len(found) * len(query.words)))
        return found, last, is_easy

    def offering(self, ids, block, selection):  # type: ignore[no-untyped-def]
        left = offer(self, ids, block, selection)
        if left is not None:  # nothing could be left out: all of the block is read
            read.append(float(block.bounds.frequency[self.words].sum()))
        return left

    pruning._find = counting
    pruning.PackedPruning.offer_best = offering  # type: ignore[method-assign]


def _within(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _asked(
    n: int, build: Seconds, folder: Path, open_: Callable[[], Any], queries: Sequence[Any]
) -> tuple[Row, Any]:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    before, begin = private_bytes(), time.process_time()
    index = open_()
    index.rank(queries[0], K)
    cold = (time.process_time() - begin) * 1e3
    for query in queries:  # what is compiled and checked at the first query is not counted
        index.rank(query, K)
    times, walls, margins = [], [], []
    for query in queries:
        start = Seconds.now()
        scores = index.rank(query, K).scores
        passed = Seconds.now().since(start)
        times.append(passed.cpu * 1e3)
        walls.append(passed.wall * 1e3)
        margins.append(float(scores[0] - scores[-1]))
    private, wall, margin = private_bytes() - before, float(np.median(walls)), float(np.median(margins))
    return Row(n, build, size, private, cold, times, wall, 1.0, margin, np.nan, probe()), index


def measure_dense(kind: str, embeddings: Embeddings, n: int, n_queries: int, folder: Path) -> Row:
    """Build and ask a ranker of n embeddings; ``kind`` is exact or graph. Runs in a process of its own."""
    ranker = HnswRanker if kind == "graph" else ExactRanker
    vectors, queries = embeddings.vectors(n), list(embeddings.queries(n, n_queries))
    begin = Seconds.now()
    made = ranker(DIMENSION)
    made.add(np.arange(n), vectors)
    made.save(folder / "segment")
    add_sums(folder / "segment")
    build = Seconds.now().since(begin)
    del made, vectors
    row, index = _asked(n, build, folder, lambda: ranker.open([folder / "segment"], DIMENSION), queries)
    truth = ExactRanker.open([folder / "segment"], DIMENSION)
    found = [len(np.intersect1d(index.rank(q, K).ids, truth.rank(q, K).ids)) / K for q in queries]
    return row._replace(recall=float(np.mean(found)))


def main() -> None:
    """Measure, print the tables, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", default=["brain4", "skin7"])
    parser.add_argument("--most", type=int, default=400, help="images of each set")
    parser.add_argument("--words", type=int, nargs="*", default=[*SIZES, 3_000_000])
    parser.add_argument("--dense", type=int, nargs="*", default=SIZES)
    parser.add_argument("--graph", type=int, nargs="*", default=SIZES)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--plot", type=Path, help="write the log-log plot here")
    parser.add_argument("--rows", type=Path, help="keep rows here; those of it are not measured again")
    args = parser.parse_args()
    bags, embeddings = profile(args.sets, args.most, args.jobs)
    series = kept(args.rows)
    ways: list[tuple[str, list[int], Callable[..., Row], tuple[Any, ...]]] = [
        ("words", args.words, measure_words, (bags,)),
        ("dense, exact", args.dense, measure_dense, ("exact", embeddings)),
        ("dense, graph", args.graph, measure_dense, ("graph", embeddings)),
    ]
    for name, sizes, measure, first in ways:
        rows = series.setdefault(name, [])
        for n in sorted(set(sizes) - {row.n for row in rows}):
            with (
                tempfile.TemporaryDirectory() as folder,
                multiprocessing.get_context("spawn").Pool(1) as pool,
            ):
                row = pool.apply(measure, (*first, n, args.queries, Path(folder)))
            rows.append(row)
            rows.sort()
            if args.rows is not None:
                args.rows.write_text(json.dumps(series))
        if rows:
            table(name, rows)
    if args.plot is not None:
        plot(series, args.plot)


if __name__ == "__main__":
    main()
