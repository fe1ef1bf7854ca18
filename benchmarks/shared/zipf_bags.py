"""Bags of words by Zipf's law, weighed, indexed and asked with: made once, and kept if that is wanted."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from retrieval.rankers.inverted import InvertedIndex
from retrieval.rankers.packed.factors import Factors
from retrieval.representation import SparseVector

K = 10
PIECE = 50_000
_COLUMNS = ("data", "indices", "indptr")


@dataclass(frozen=True)
class Law:
    """How bags are drawn: each draws its points from a Zipf law over the words (P ∝ 1/rank^exponent)."""

    bags: int
    words: int
    points: int
    exponent: float
    queries: int


@dataclass(frozen=True, eq=False)
class Collection:
    """Weighted bags by word, the ids of the ten best for each query, and a saved segment of all bags.

    Parameters
    ----------
    columns : float32 (n_bags, n_words).
    exact : int64 (n_queries, 10), by scores in float64.
    seconds : that it took to index the bags and save them.
    """

    columns: sparse.csc_matrix
    queries: list[SparseVector]
    exact: np.ndarray
    segment: Path
    seconds: float


def collection(law: Law, folder: Path) -> Collection:
    """Return a collection that lies in a folder; make it there if it does not, or is another."""
    described = folder / "law.json"
    if not described.exists() or json.loads(described.read_text())["law"] != asdict(law):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        seconds = _make(law, folder)
        described.write_text(json.dumps({"law": asdict(law), "seconds": seconds}))
    parts = tuple(np.load(folder / f"{name}.npy", mmap_mode="r") for name in _COLUMNS)
    columns = sparse.csc_matrix((law.bags, law.words), dtype=np.float32)
    # Its own constructor would read all indices to check them.
    for name, part in zip(_COLUMNS, parts, strict=True):
        setattr(columns, name, np.asarray(part))
    queries = rows_of(sparse.load_npz(folder / "queries.npz"))
    seconds = json.loads(described.read_text())["seconds"]
    return Collection(columns, queries, np.load(folder / "exact.npy"), folder / "segment", seconds)


def _make(law: Law, folder: Path) -> float:
    """Draw bags and queries, write them and the index; return the seconds that the index took."""
    rng = np.random.default_rng(0)
    bags = zipf_bags(law.bags, law.words, law.points, law.exponent, rng)
    frequency = np.bincount(bags.indices, minlength=law.words)
    idf = np.log((law.bags + 1) / (frequency + 0.5)).astype(np.float32)
    asked = weigh(zipf_bags(law.queries, law.words, law.points, law.exponent, rng), idf)
    sparse.save_npz(folder / "queries.npz", asked)
    weighted = weigh(bags, idf)
    del bags
    start = time.perf_counter()
    index = InvertedIndex(law.words, factors_of(idf))
    for first in range(0, law.bags, PIECE):
        rows = rows_of(weighted[first : first + PIECE])
        index.add(np.arange(first, first + len(rows)), rows)
    index.save(folder / "segment")
    seconds = time.perf_counter() - start
    del index
    together = asked.toarray().T.astype(np.float64)
    scores = [
        weighted[i : i + PIECE].astype(np.float64) @ together for i in range(0, weighted.shape[0], PIECE)
    ]
    np.save(folder / "exact.npy", np.stack([best(column) for column in np.concatenate(scores).T]))
    columns = weighted.tocsc()
    for name in _COLUMNS:
        np.save(folder / f"{name}.npy", getattr(columns, name))
    return seconds


def zipf_bags(
    n_bags: int, n_words: int, n_points: int, exponent: float, rng: np.random.Generator
) -> sparse.csr_matrix:
    """Return counts, (n_bags, n_words)."""
    cumulated = np.cumsum(np.arange(1, n_words + 1, dtype=np.float64) ** -exponent)
    parts = []
    for first in range(0, n_bags, 10_000):
        n = min(10_000, n_bags - first)
        draws = rng.random((n, n_points)) * cumulated[-1]
        words = np.searchsorted(cumulated, draws.ravel()).astype(np.int32)
        ends = np.arange(0, n * n_points + 1, n_points, dtype=np.int32)
        part = sparse.csr_matrix((np.ones(len(words), np.float32), words, ends), shape=(n, n_words))
        part.sum_duplicates()
        parts.append(part)
    return sparse.vstack(parts, format="csr")


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
