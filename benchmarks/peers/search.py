"""Search of other people beside ours: FAISS for dense vectors, scipy and bm25s for bags of words."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.peers.systems import MissingError, require
from benchmarks.shared.zipf_bags import best, rows_of, weigh, zipf_bags
from benchmarks.speed.sparse_search import contenders
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.inverted import InvertedIndex
from retrieval.representation import SparseVector

K = 10
NEIGHBOURS = 32
"""Links of a node of an HNSW graph, FAISS's usual."""
BEAMS = (16, 64, 256)
"""How many candidates an HNSW search keeps; 16 is FAISS's default."""

Vectors = NDArray[np.float32]
Query = TypeVar("Query")
Answer = Callable[[Vectors], NDArray[np.int64]]


@dataclass(frozen=True)
class Timed:
    """One way to search: seconds to build, median milliseconds a query, and share of the right ten."""

    name: str
    build: float
    milliseconds: float
    recall: float


def unit(rows: Vectors) -> Vectors:
    """Return rows at unit length."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def enlarged(rows: Vectors, n: int, rng: np.random.Generator) -> Vectors:
    """Return n vectors at unit length: the rows, and between pairs of near ones as many as it takes.

    Each made one is a random point between a row and one of its 16 nearest, moved by noise of a quarter of
    their distance, so that clusters stay where they are.
    """
    similarity = rows @ rows.T
    np.fill_diagonal(similarity, -np.inf)
    near = np.argpartition(-similarity, 16, axis=1)[:, :16]
    first = rng.integers(len(rows), size=max(0, n - len(rows)))
    second = near[first, rng.integers(16, size=len(first))]
    share = rng.random((len(first), 1), dtype=np.float32)
    apart = rows[second] - rows[first]
    noise = rng.standard_normal(apart.shape, dtype=np.float32) / np.sqrt(np.float32(apart.shape[1]))
    noise *= np.linalg.norm(apart, axis=1, keepdims=True) / 4
    return unit(np.concatenate([rows, rows[first] + share * apart + noise])[:n])


def dense(rows: Vectors, queries: Vectors) -> list[Timed]:
    """Search rows (n, d) for queries (m, d), both at unit length, one query and one thread at a time.

    Raises MissingError where FAISS is missing.
    """
    faiss = require("faiss")
    faiss.omp_set_num_threads(1)
    built: dict[str, float] = {}
    ways: dict[str, Answer] = {}

    def ours() -> Answer:
        ranker = ExactRanker(rows.shape[1])
        ranker.add(np.arange(len(rows), dtype=np.int64), rows)
        return lambda query: ranker.rank(query, K).ids

    def flat() -> Answer:
        index = faiss.IndexFlatIP(rows.shape[1])
        index.add(rows)
        return lambda query: index.search(query[None], K)[1][0]

    for name, make in (("ours, exact", ours), ("FAISS flat", flat)):
        start = time.perf_counter()
        ways[name] = make()
        built[name] = time.perf_counter() - start
    start = time.perf_counter()
    graph = faiss.IndexHNSWFlat(rows.shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.add(rows)
    seconds = time.perf_counter() - start
    for beam in BEAMS:
        name = f"FAISS HNSW, efSearch {beam}"
        parameters = faiss.SearchParametersHNSW(efSearch=beam)
        ways[name] = lambda query, p=parameters: graph.search(query[None], K, params=p)[1][0]
        built[name] = seconds
    scores = queries.astype(np.float64) @ rows.T.astype(np.float64)
    return _in_turns(ways, built, list(queries), [best(row) for row in scores])


def _in_turns(
    ways: dict[str, Callable[[Query], NDArray[np.int64]]],
    built: dict[str, float],
    queries: Sequence[Query],
    exact: Sequence[NDArray[np.int64]],
) -> list[Timed]:
    """Ask every query of every way in turn, after one that does not count."""
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
    asked = K * len(queries)
    return [
        Timed(name, built.get(name, np.nan), 1e3 * float(np.median(times)), right[name] / asked)
        for name, times in seconds.items()
    ]


def words(n_bags: int, n_words: int, n_points: int, n_queries: int) -> tuple[list[Timed], str]:
    """Search the bags of ``benchmarks.shared.zipf_bags``; also return the line of a missing bm25s.

    bm25s ranks by BM25 and by the words of a query alone, so its ten are not expected to be ours.
    """
    rng = np.random.default_rng(0)
    bags = zipf_bags(n_bags, n_words, n_points, 1.0, rng)
    asked = zipf_bags(n_queries, n_words, n_points, 1.0, rng)
    frequency = np.bincount(bags.indices, minlength=n_words)
    idf = np.log((n_bags + 1) / (frequency + 0.5)).astype(np.float32)
    weighted, queries = weigh(bags, idf), rows_of(weigh(asked, idf))
    exact = [best(weighted.astype(np.float64) @ query.dense().astype(np.float64)) for query in queries]
    built: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        start = time.perf_counter()
        index = InvertedIndex(n_words)
        index.add(np.arange(n_bags), rows_of(weighted))
        index.save(Path(scratch) / "segment")
        built["inverted index"] = time.perf_counter() - start
        ways = contenders(weighted.tocsc(), InvertedIndex.open([Path(scratch) / "segment"], n_words))
        del ways["numpy loop over postings"]
        line = ""
        try:
            start = time.perf_counter()
            ways["bm25s (BM25)"] = by_bm25(bags)
            built["bm25s (BM25)"] = time.perf_counter() - start
        except MissingError as error:
            line = str(error)
        return _in_turns(ways, built, queries, exact), line


def by_bm25(bags: sparse.csr_matrix) -> Callable[[SparseVector], NDArray[np.int64]]:
    """Index counts (bags, words) with bm25s, with its compiled kernels, and return how it answers."""
    bm25s = require("bm25s")
    index = bm25s.BM25(backend="numba")
    repeated = np.repeat(bags.indices, bags.data.astype(np.int64))
    ends = np.cumsum(np.add.reduceat(bags.data.astype(np.int64), bags.indptr[:-1]))
    tokens = [each.tolist() for each in np.split(repeated, ends[:-1])]
    index.index((tokens, {str(word): word for word in range(bags.shape[1])}), show_progress=False)

    def answer(query: SparseVector) -> NDArray[np.int64]:
        found, _ = index.retrieve([query.indices.tolist()], k=K, show_progress=False, n_threads=1)
        return np.asarray(found[0])

    return answer
