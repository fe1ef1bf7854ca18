"""Time a query of the inverted index against scipy, bm25s and a plain index in numba, on Zipf bags.

    python -m benchmarks.speed.sparse_search [--bags 100000] [--words 20000] [--points 400] [--exponent 1]

Each bag draws its points from a Zipf law over the words (P ∝ 1/rank^exponent); weights are √tf × idf at unit
length. Every contender answers each query with its ten best, in turn within one loop, on one thread; the
table shows the median and the 99th percentile over the queries, how often ours was that much faster (the
median of the ratios), and how many of the ten are those of a float64 reference. bm25s gets the same weights,
but adds them up without those of the query. Above 200,000 bags the slowest three are left out.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy import sparse

from retrieval.kernel import kernel
from retrieval.rankers.inverted import InvertedIndex
from retrieval.rankers.packed.factors import Factors
from retrieval.representation import SparseVector

K = 10
MANY = 200_000
PIECE = 50_000
Answer = Callable[[SparseVector], np.ndarray]


def zipf_bags(
    n_bags: int, n_words: int, n_points: int, exponent: float, rng: np.random.Generator
) -> sparse.csr_matrix:
    """Return counts, (n_bags, n_words)."""
    cumulated = np.cumsum(np.arange(1, n_words + 1, dtype=np.float64) ** -exponent)
    rows, words = [], []
    for first in range(0, n_bags, 10_000):
        n = min(10_000, n_bags - first)
        draws = rng.random((n, n_points)) * cumulated[-1]
        words.append(np.searchsorted(cumulated, draws.ravel()).astype(np.int32))
        rows.append(np.repeat(np.arange(first, first + n, dtype=np.int32), n_points))
    ones = np.ones(n_bags * n_points, dtype=np.float32)
    bags = sparse.csr_matrix((ones, (np.concatenate(rows), np.concatenate(words))), shape=(n_bags, n_words))
    bags.sum_duplicates()
    return bags


def weigh(bags: sparse.csr_matrix, idf: np.ndarray) -> sparse.csr_matrix:
    """Return √tf × idf, each row at unit length, float32."""
    weighted = bags.copy()
    for first in range(0, bags.shape[0], PIECE):  # float64 of all would take most of the memory
        ends = bags.indptr[first : first + PIECE + 1]
        here = slice(ends[0], ends[-1])
        data = np.sqrt(bags.data[here], dtype=np.float64) * idf[bags.indices[here]]
        squares = np.add.reduceat(data**2, ends[:-1] - ends[0])
        weighted.data[here] = data / np.repeat(np.sqrt(squares), np.diff(ends))
    return weighted


def factors_of(idf: np.ndarray) -> Factors:
    """Return what ``weigh`` multiplies."""
    levels = np.sqrt(np.arange(65_536))
    return Factors(levels, idf.astype(np.float64), np.array([len(idf)]), np.ones(1, np.float32))


def rows_of(matrix: sparse.csr_matrix) -> list[SparseVector]:
    """Return each row as a sparse vector."""
    ends = zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    indices = matrix.indices.astype(np.uint32)
    return [SparseVector(indices[a:b], matrix.data[a:b], matrix.shape[1]) for a, b in ends]


def best(scores: np.ndarray) -> np.ndarray:
    """Return the rows of the ten best scores, in order, without sorting them all."""
    rows = np.argpartition(scores, len(scores) - K)[-K:]
    return rows[np.lexsort((rows, -scores[rows]))]


def contenders(weighted: sparse.csr_matrix, index: InvertedIndex) -> dict[str, Answer]:
    """Return each way to answer a query, by its name."""
    columns = weighted.tocsc()

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

    def plain_numba(query: SparseVector) -> np.ndarray:
        scores = np.zeros(columns.shape[0], dtype=np.float32)
        add_up(columns.indptr, columns.indices, columns.data, query.indices, query.values, scores)
        return best(scores)

    slow = {
        "scipy CSR @ dense query": csr_product,
        "scipy CSR @ sparse query": csr_sparse_product,
        "numpy loop over postings": plain_loop,
    }
    return {
        "inverted index": lambda query: index.rank(query, K).ids,
        "numba, plain inverted index": plain_numba,
        "scipy CSC column slice": csc_columns,
        **by_bm25s(columns),
        **(slow if weighted.shape[0] <= MANY else {}),
    }


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


def measure(ways: dict[str, Answer], queries: list[SparseVector], exact: list[np.ndarray]) -> None:
    """Run every query in turn through every way and print the table."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    right = dict.fromkeys(ways, 0)
    for way in ways.values():
        way(queries[0])
    for query, expected in zip(queries, exact, strict=True):
        for name, way in ways.items():
            start = time.perf_counter()
            found = way(query)
            seconds[name].append(time.perf_counter() - start)
            right[name] += len(np.intersect1d(found, expected))
    ours = np.array(seconds["inverted index"])
    print(f"{'':28}{'ms a query':>12}{'p99':>8}{'times ours':>12}{'top 10 right':>14}")
    for name, times in seconds.items():
        share, ratio = right[name] / (K * len(queries)), np.median(np.array(times) / ours)
        p99 = np.percentile(times, 99) * 1e3
        print(f"{name:28}{np.median(times) * 1e3:12.2f}{p99:8.2f}{ratio:12.1f}{share:14.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bags", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=20_000)
    parser.add_argument("--points", type=int, default=400)
    parser.add_argument("--exponent", type=float, default=1.0)
    parser.add_argument("--queries", type=int, default=20)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    bags = zipf_bags(options.bags, options.words, options.points, options.exponent, rng)
    frequency = np.bincount(bags.indices, minlength=options.words)
    idf = np.log((options.bags + 1) / (frequency + 0.5)).astype(np.float32)
    weighted = weigh(bags, idf)
    queries = rows_of(
        weigh(zipf_bags(options.queries, options.words, options.points, options.exponent, rng), idf)
    )
    with tempfile.TemporaryDirectory() as folder:
        run(weighted, queries, factors_of(idf), Path(folder) / "segment")


def run(weighted: sparse.csr_matrix, queries: list[SparseVector], factors: Factors, folder: Path) -> None:
    start = time.perf_counter()
    index = InvertedIndex(weighted.shape[1], factors)
    index.add(np.arange(weighted.shape[0]), rows_of(weighted))
    index.save(folder)
    seconds = time.perf_counter() - start
    print(f"{weighted.shape[0]} bags, {weighted.nnz} postings; built and saved in {seconds:.1f} s")
    n_bytes = {path.stem: path.stat().st_size for path in folder.glob("*.npy")}
    forward = {"forward", "forward_starts", "scales"}
    parts = [
        sum(n for name, n in n_bytes.items() if (name in forward) == is_forward) for is_forward in (0, 1)
    ]
    print(
        "bytes a posting: {:.3f}, and {:.3f} of the forward store".format(*(n / weighted.nnz for n in parts))
    )
    together = np.stack([query.dense() for query in queries], axis=1).astype(np.float64)
    pieces = range(0, weighted.shape[0], PIECE)
    scores = np.concatenate([weighted[i : i + PIECE].astype(np.float64) @ together for i in pieces])
    exact = [best(column) for column in scores.T]
    measure(contenders(weighted, InvertedIndex.open([folder], weighted.shape[1])), queries, exact)


if __name__ == "__main__":
    main()
