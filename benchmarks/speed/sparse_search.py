"""Time a query of the inverted index against scipy, bm25s and a plain index in numba, on Zipf bags.

    python -m benchmarks.speed.sparse_search [--bags 100000] [--words 20000] [--points 400] [--keep FOLDER]

Bags are those of ``benchmarks.shared.zipf_bags``; weights are √tf × idf at unit length. Every contender
answers each query with its ten best, in turn within one loop; the table shows the median and the 99th
percentile over the queries, how often ours was that much faster (the median of the ratios), by the clock and
by the processor, and how many of the ten are those of a float64 reference. Ours uses the processors that are
free, and the plain index in numba has as many threads; all others have one. bm25s gets the same weights, but
adds them up without those of the query. Above 200,000 bags the slowest three are left out. ``--keep`` makes
bags and index in a folder, and uses those that are there again.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy import sparse

from benchmarks.shared.zipf_bags import Collection, K, Law, best, collection
from retrieval.kernel import kernel
from retrieval.rankers.inverted import InvertedIndex
from retrieval.representation import SparseVector

MANY = 200_000
Answer = Callable[[SparseVector], np.ndarray]


def contenders(columns: sparse.csc_matrix, index: InvertedIndex) -> dict[str, Answer]:
    """Return each way to answer a query, by its name."""
    is_small = columns.shape[0] <= MANY
    weighted = columns.tocsr() if is_small else None

    def csr_product(query: SparseVector) -> np.ndarray:
        return best(weighted @ query.dense())

    def csr_sparse_product(query: SparseVector) -> np.ndarray:
        column = (query.values, query.indices.astype(np.int32), np.array([0, len(query.values)]))
        return best((weighted @ sparse.csc_matrix(column, shape=(query.size, 1))).toarray().ravel())

    def csc_columns(query: SparseVector) -> np.ndarray:
        return best(columns[:, query.indices] @ query.values)

    def plain_loop(query: SparseVector) -> np.ndarray:
        scores = np.zeros(columns.shape[0], dtype=np.float32)
        for word, value in zip(query.indices, query.values, strict=True):
            part = slice(columns.indptr[word], columns.indptr[word + 1])
            scores[columns.indices[part]] += value * columns.data[part]
        return best(scores)

    slow = {
        "scipy CSR @ dense query": csr_product,
        "scipy CSR @ sparse query": csr_sparse_product,
        "numpy loop over postings": plain_loop,
    }
    return {
        "inverted index": lambda query: index.rank(query, K).ids,
        "numba, plain inverted index": by_numba(columns, len(os.sched_getaffinity(0))),
        "scipy CSC column slice": csc_columns,
        **by_bm25s(columns),
        **(slow if is_small else {}),
    }


def by_numba(columns: sparse.csc_matrix, n_threads: int) -> Answer:
    """Return a plain inverted index: each thread adds up the postings of some of the bags."""
    ends = np.linspace(0, columns.shape[0], n_threads + 1).astype(int)
    parts = [columns[a:b] for a, b in pairwise(ends)] if n_threads > 1 else [columns]
    pool = ThreadPoolExecutor(n_threads)

    def answer(query: SparseVector) -> np.ndarray:
        scores = np.empty(columns.shape[0], dtype=np.float32)

        def add(number: int) -> None:
            part, own = parts[number], scores[ends[number] : ends[number + 1]]
            own[:] = 0
            add_up(part.indptr, part.indices, part.data, query.indices, query.values, own)

        list(pool.map(add, range(n_threads)))
        return best(scores)

    return answer


@kernel()
def add_up(
    offsets: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    words: np.ndarray,
    values: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Add the products of a query to the scores of all rows, word by word, as anyone would."""
    for i in range(len(words)):
        for p in range(offsets[words[i]], offsets[words[i] + 1]):
            scores[rows[p]] += values[i] * weights[p]


def by_bm25s(columns: sparse.csc_matrix) -> dict[str, Answer]:
    """Return bm25s, with its compiled kernels, over given weights; nothing if it is not installed."""
    try:
        import bm25s
    except ImportError:
        print("bm25s is left out: it is not installed (extra peers)")
        return {}
    index = bm25s.BM25(backend="numba")
    index.scores = {
        "data": columns.data,
        "indices": columns.indices,
        "indptr": columns.indptr.astype(np.int64),
        "num_docs": columns.shape[0],
    }
    index.vocab_dict = {str(word): word for word in range(columns.shape[1])}
    index.unique_token_ids_set, index.nonoccurrence_array = set(range(columns.shape[1])), None

    def answer(query: SparseVector) -> np.ndarray:
        found, _ = index.retrieve([query.indices.tolist()], k=K, show_progress=False, n_threads=1)
        return np.asarray(found[0])

    return {"bm25s": answer}


def measure(ways: dict[str, Answer], queries: list[SparseVector], exact: np.ndarray) -> None:
    """Run every query in turn through every way and print the table."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    right = dict.fromkeys(ways, 0)
    for way in ways.values():
        way(queries[0])
    for query in queries:  # ours reads its files, and checks what it has not read before
        ways["inverted index"](query)
    for query, expected in zip(queries, exact, strict=True):
        for name, way in ways.items():
            start, begin = time.perf_counter(), time.process_time()
            found = way(query)
            seconds[name].append((time.perf_counter() - start, time.process_time() - begin))
            right[name] += len(np.intersect1d(found, expected))
    ours = np.array(seconds["inverted index"])
    heads = ("ms a query", "p99", "times ours", "CPU ms", "times ours")
    print(f"{'':28}{''.join(f'{head:>12}' for head in heads)}{'top 10 right':>14}")
    for name, pairs in seconds.items():
        share, ratios = right[name] / (K * len(queries)), np.median(np.array(pairs) / ours, axis=0)
        (wall, cpu), p99 = np.median(pairs, axis=0) * 1e3, np.percentile(pairs, 99, axis=0)[0] * 1e3
        print(f"{name:28}{wall:12.2f}{p99:12.2f}{ratios[0]:12.1f}{cpu:12.2f}{ratios[1]:12.1f}{share:14.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bags", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=20_000)
    parser.add_argument("--points", type=int, default=400)
    parser.add_argument("--exponent", type=float, default=1.0)
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make bags and index there, or use them")
    options = parser.parse_args()
    law = Law(options.bags, options.words, options.points, options.exponent, options.queries)
    with tempfile.TemporaryDirectory() as folder:
        run(collection(law, options.keep or Path(folder)))


def run(made: Collection) -> None:
    n_bags, n = made.columns.shape[0], made.columns.nnz
    print(f"{n_bags} bags, {n} postings; built and saved in {made.seconds:.1f} s")
    n_bytes = {path.stem: path.stat().st_size for path in made.segment.glob("*.npy")}
    forward = {"forward", "forward_starts", "scales"}
    parts = [sum(n for name, n in n_bytes.items() if (name in forward) == is_own) for is_own in (0, 1)]
    print("bytes a posting: {:.3f}, and {:.3f} of the forward store".format(*(part / n for part in parts)))
    measure(
        contenders(made.columns, InvertedIndex.open([made.segment], made.columns.shape[1])),
        made.queries,
        made.exact,
    )


if __name__ == "__main__":
    main()
