"""Measure how search grows with the collection: words, exact embeddings, and their graph.

    python -m benchmarks.speed.growth [SET SET] [--words 10000 100000] [--dense 10000] [--plot FILE.png]

Collections are like two real sets (benchmarks/shared/growing.py): the first gives the document frequencies
and margins of bags of superpixel words, the second the spread and margins of embeddings by ``deep``; both
are printed beside what was generated, at equal numbers. Each size is built and asked in a process of its own,
on one thread. Times are of the processor; "cold" is the first query with the opening of the index.
The exponent b of time = a · n^b is fitted to medians, its 95 % interval by bootstrap over the queries. The
probe, a product of two matrices, says how fast the machine was meanwhile.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.growing import Bags, Embeddings, weighed
from benchmarks.speed.growth_profile import DIMENSION, idf_of, profile
from benchmarks.speed.rankers import private_bytes, probe
from retrieval.index.storage.segments import add_sums
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.hnsw import HnswRanker
from retrieval.rankers.inverted import InvertedIndex
from retrieval.rankers.packed import pruning
from retrieval.rankers.packed.factors import Factors

K = 10
COLUMNS = (
    *("images", "build s", "bytes an image", "private MB", "cold ms", "p50 ms", "p95 ms", "p99 ms"),
    *("recall@10", "touched", "probe ms"),
)
_SEGMENT = 65_536
"""Images of a segment of words, as an index merges them."""


class Row(NamedTuple):
    """What was measured of one size: seconds, bytes, milliseconds by query; shares in [0, 1]."""

    n: int
    build: float
    size: int
    private: int
    cold: float
    times: list[float]
    recall: float
    touched: float
    probe: float


def measure_words(bags: Bags, n: int, n_queries: int, folder: Path) -> Row:
    """Build and ask an index of n bags. Runs in a process of its own."""
    size, idf = len(bags.shares), idf_of(bags)
    factors = Factors(
        np.sqrt(np.arange(65_536.0)), idf.astype(np.float64), np.array([size]), np.ones(1, np.float32)
    )
    build, first, waiting = 0.0, 0, InvertedIndex(size, factors)
    for counts in bags.counts(n):
        vectors = weighed(counts, idf)
        begin = time.process_time()
        waiting.add(np.arange(first, first + len(vectors)), vectors)
        first += len(vectors)
        if len(waiting) >= _SEGMENT or first == n:
            waiting.save(folder / str(first))
            add_sums(folder / str(first))
            waiting = InvertedIndex(size, factors)
        build += time.process_time() - begin
    queries = weighed(bags.queries(n, n_queries), idf)
    read: list[float] = []
    _count_postings(read)
    places = sorted(folder.iterdir(), key=lambda place: int(place.name))
    row, index = _asked(n, build, folder, lambda: InvertedIndex.open(places, size, factors), queries)
    # The whole ranking leaves nothing out: what it says of some queries is the truth.
    right = [np.array_equal(index.rank(q, K).ids, index.rank(q, n).ids[:K]) for q in queries[:3]]
    read.clear()
    for query in queries:
        index.rank(query, K)
    held = [[int(block.bounds.frequency[q.indices].sum()) for block in _packed(index)] for q in queries]
    # Of the first block all is read, to know what the best must reach.
    touched = sum(read) + sum(by_block[0] for by_block in held if by_block)
    return row._replace(recall=float(np.mean(right)), touched=touched / max(1, int(np.sum(held))))


def _packed(index: InvertedIndex) -> list[Any]:
    return [block for _, block in index._store.blocks() if hasattr(block, "bounds")]


def _count_postings(read: list[float]) -> None:
    """Note for each block what its search reads: postings of lists, and those of rows that are scored."""
    search = pruning._find

    def counting(lists, rows, norms, query, taken, least, tier, row_work, sums):  # type: ignore[no-untyped-def]
        found, last, is_easy = search(lists, rows, norms, query, taken, least, tier, row_work, sums)
        lengths = lists.word_groups[query.words + 1] - lists.word_groups[query.words]
        groups = np.repeat(lists.word_groups[query.words], lengths) + _within(lengths)
        is_read = np.repeat(query.tiers > last, lengths)
        read.append(float(lists.lengths[groups][is_read].sum() + len(found) * len(query.words)))
        return found, last, is_easy

    pruning._find = counting  # type: ignore[assignment]


def _within(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _asked(
    n: int, build: float, folder: Path, open_: Callable[[], Any], queries: Sequence[Any]
) -> tuple[Row, Any]:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    before, begin = private_bytes(), time.process_time()
    index = open_()
    index.rank(queries[0], K)
    cold = (time.process_time() - begin) * 1e3
    for query in queries:  # what is compiled and checked at the first query is not counted
        index.rank(query, K)
    times = []
    for query in queries:
        begin = time.process_time()
        index.rank(query, K)
        times.append((time.process_time() - begin) * 1e3)
    return Row(n, build, size, private_bytes() - before, cold, times, 1.0, np.nan, probe()), index


def measure_dense(kind: str, embeddings: Embeddings, n: int, n_queries: int, folder: Path) -> Row:
    """Build and ask a ranker of n embeddings; ``kind`` is exact or graph. Runs in a process of its own."""
    ranker = HnswRanker if kind == "graph" else ExactRanker
    vectors, queries = embeddings.vectors(n), list(embeddings.queries(n, n_queries))
    begin = time.process_time()
    made = ranker(DIMENSION)
    made.add(np.arange(n), vectors)
    made.save(folder / "segment")
    add_sums(folder / "segment")
    build = time.process_time() - begin
    del made, vectors
    row, index = _asked(n, build, folder, lambda: ranker.open([folder / "segment"], DIMENSION), queries)
    truth = ExactRanker.open([folder / "segment"], DIMENSION)
    found = [len(np.intersect1d(index.rank(q, K).ids, truth.rank(q, K).ids)) / K for q in queries]
    return row._replace(recall=float(np.mean(found)))


def exponent(rows: Sequence[Row]) -> tuple[float, float, float]:
    """Return b of time = a · n^b by medians, and its 95 % interval by bootstrap over queries."""
    random, n = np.random.default_rng(0), np.log([row.n for row in rows])
    fits = []
    for turn in range(1000):
        drawn_times = [random.choice(row.times, len(row.times)) if turn else row.times for row in rows]
        fits.append(np.polyfit(n, np.log([np.median(times) for times in drawn_times]), 1)[0])
    return (fits[0], *np.percentile(fits[1:], (2.5, 97.5)))


def plot(series: dict[str, list[Row]], path: Path) -> None:
    """Draw medians and 99th percentiles against the number of images, log–log."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 4), dpi=110)
    for name, rows in series.items():
        n = [row.n for row in rows]
        (line,) = axis.loglog(n, [np.median(row.times) for row in rows], "o-", label=name)
        axis.loglog(n, [np.percentile(row.times, 99) for row in rows], ":", color=line.get_color())
    axis.set_xlabel("images")
    axis.set_ylabel("ms a query: median, and dotted the 99th percentile")
    axis.grid(alpha=0.3, which="both")
    axis.legend()
    figure.savefig(path, bbox_inches="tight")


def table(name: str, rows: Sequence[Row]) -> None:
    """Print the rows of one way to search, and its exponent."""
    print(f"\n## {name}\n")
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    for row in rows:
        p50, p95, p99 = np.percentile(row.times, (50, 95, 99))
        touched = "" if np.isnan(row.touched) else f"{row.touched:.1%}"
        cells = [f"{row.n:,}", f"{row.build:.1f}", f"{row.size / row.n:.0f}", f"{row.private / 1e6:.0f}"]
        cells += [f"{row.cold:.0f}", f"{p50:.2f}", f"{p95:.2f}", f"{p99:.2f}", f"{row.recall:.3f}"]
        print(f"| {' | '.join([*cells, touched, f'{row.probe:.1f}'])} |")
    if len(rows) > 1:
        print("\nExponent {:.2f}, 95 % interval {:.2f} to {:.2f}.".format(*exponent(rows)))


def main() -> None:
    """Measure, print the tables, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", default=["ultrasound3", "cxr3"])
    parser.add_argument("--most", type=int, default=120, help="images of each set")
    parser.add_argument("--words", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--dense", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--graph", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--plot", type=Path, help="write the log-log plot here")
    args = parser.parse_args()
    bags, embeddings = profile(args.sets, args.most, args.jobs)
    series: dict[str, list[Row]] = {}
    ways: list[tuple[str, list[int], Callable[..., Row], tuple[Any, ...]]] = [
        ("words", args.words, measure_words, (bags,)),
        ("dense, exact", args.dense, measure_dense, ("exact", embeddings)),
        ("dense, graph", args.graph, measure_dense, ("graph", embeddings)),
    ]
    for name, sizes, measure, first in ways:
        for n in sizes:
            with (
                tempfile.TemporaryDirectory() as folder,
                multiprocessing.get_context("spawn").Pool(1) as pool,
            ):
                row = pool.apply(measure, (*first, n, args.queries, Path(folder)))
            series.setdefault(name, []).append(row)
        if sizes:
            table(name, series[name])
    if args.plot is not None:
        plot(series, args.plot)


if __name__ == "__main__":
    main()
