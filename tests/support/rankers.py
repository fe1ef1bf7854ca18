"""Rankers: every kind that the contract speaks of, and vectors to fill them with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.ranker import Ranker
from retrieval.rankers.annoy_trees import AnnoyRanker
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.hnsw import HnswRanker
from retrieval.rankers.inverted import InvertedIndex
from retrieval.rankers.selective_match import SelectiveIndex, signs
from retrieval.representation import SparseVector
from scale.milvus.ranker import MilvusRanker

SIZE = 12


def sparse(values: np.ndarray) -> SparseVector:
    indices = np.flatnonzero(values)
    return SparseVector(indices.astype(np.uint32), values[indices].astype(np.float32), len(values))


def cosine(matrix: np.ndarray, query: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(matrix, axis=1) * np.linalg.norm(query)
    return np.divide(matrix @ query, lengths, out=np.zeros(len(matrix)), where=lengths > 0)


BITS = 16


def codes(values: np.ndarray) -> np.ndarray:
    """Return a code of each value, bool (n, 16): eight bits that all have, and the value in 255ths."""
    levels = np.abs(np.nan_to_num(values) * 255).astype(np.int64)
    return np.concatenate([np.ones((len(values), 8), bool), (levels[:, None] >> np.arange(8)) % 2 > 0], 1)


def coded(values: np.ndarray) -> SparseVector:
    """Return the codes of the values that are not zero, a word each; no numbers where a value is none."""
    words = np.flatnonzero(values)
    vector = signs(words, codes(values[words]), len(values))
    return vector if np.isfinite(values).all() else replace(vector, values=vector.values * np.float32(np.nan))


def selective(matrix: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return Σ σ(u) over the words of both, σ(u) = u³ above 0, by the root of how many words each has."""
    scores = np.zeros(len(matrix))
    for i, row in enumerate(matrix):
        both = np.flatnonzero((row != 0) & (query != 0))
        u = 1 - 2 * (codes(row[both]) != codes(query[both])).sum(axis=1) / BITS
        scores[i] = (np.maximum(u, 0) ** 3).sum() / np.sqrt(max(1, (row != 0).sum() * (query != 0).sum()))
    return scores


@dataclass(frozen=True)
class Kind:
    """A ranker: how to make it, open it, give it a vector, and what its scores must be."""

    make: Callable[[], Ranker]
    open: Callable[[list[Path]], Ranker]
    vector: Callable[[np.ndarray], Any]
    scores: Callable[[np.ndarray, np.ndarray], np.ndarray]


KINDS = {
    "inverted": Kind(
        partial(InvertedIndex, SIZE), partial(InvertedIndex.open, size=SIZE), sparse, lambda m, q: m @ q
    ),
    "cosine": Kind(partial(ExactRanker, SIZE), partial(ExactRanker.open, dimension=SIZE), np.float32, cosine),
    # So few vectors are ranked exactly; contracts/test_search_structures.py and test_engines.py look
    # at what structures and engines find.
    "annoy": Kind(partial(AnnoyRanker, SIZE), partial(AnnoyRanker.open, dimension=SIZE), np.float32, cosine),
    "hnsw": Kind(partial(HnswRanker, SIZE), partial(HnswRanker.open, dimension=SIZE), np.float32, cosine),
    "milvus": Kind(
        partial(MilvusRanker, SIZE), partial(MilvusRanker.open, dimension=SIZE), np.float32, cosine
    ),
    "dot": Kind(
        partial(ExactRanker, SIZE, "dot"),
        partial(ExactRanker.open, dimension=SIZE, metric="dot"),
        np.float32,
        lambda m, q: m @ q,
    ),
    "selective": Kind(
        partial(SelectiveIndex, SIZE, BITS),
        partial(SelectiveIndex.open, n_words=SIZE, n_bits=BITS),
        coded,
        selective,
    ),
}


def bags(n: int, seed: int = 0, density: float = 0.4) -> np.ndarray:
    """Return n vectors of unit length, some values 0; the first word is in nearly all of them."""
    rng = np.random.default_rng(seed)
    values = rng.random((n, SIZE)) * (rng.random((n, SIZE)) < density)
    values[:, 0] = 0.3 * (rng.random(n) < 0.9)
    values[:, 1] += 0.01
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def filled(kind: Kind, matrix: np.ndarray, ids=None) -> Ranker:
    ranker = kind.make()
    ids = np.arange(len(matrix)) if ids is None else np.asarray(ids)
    ranker.add(ids, [kind.vector(row) for row in matrix])
    return ranker
