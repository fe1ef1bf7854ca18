"""What ``growth.py`` takes from real sets, printed beside the same figures of what is generated like them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.growing import Bags, Embeddings, cosines, like, margin, weighed
from benchmarks.shared.labelled_sets import Set, drawn
from benchmarks.shared.leave_one_out import encode
from retrieval.registry import make
from retrieval.representation import SparseVector

DIMENSION = 256


def profile(names: Sequence[str], most: int, jobs: int) -> tuple[Bags, Embeddings]:
    """Return generators that are like two sets, and print how like."""
    print(f"{'':34}{'document frequency, share of words above':>44}{'postings':>10}{'margin':>9}")
    print(f"{'':34}{'50 %':>11}{'10 %':>11}{'3 %':>11}{'1 %':>11}")
    bags = embeddings = None
    for name in names:
        items = drawn(Set.load(name), most)
        made = make("superpixel")
        vectors = [one.vector for one in encode(made, items.items, jobs)]
        shares = _shares(vectors)
        bags = bags or _like_bags(shares, vectors)
        _print_bags(name, vectors)
        _print_bags(f"generated like {name}", _generated(_like_bags(shares, vectors), len(vectors)))
    print(f"\n{'':34}{'axes for 50 % of variance':>28}{'90 %':>8}{'margin':>9}")
    for name in names:
        items = drawn(Set.load(name), most)
        # Not in a pool: a process that is forked when kernels and networks have their threads may never end.
        pictures = [item.read() for item in items]
        made = make("deep").fit(pictures)
        matrix = np.stack([made.encode(picture).vector for picture in pictures])
        embeddings = _like_embeddings(matrix)
        _print_embeddings(name, matrix)
        _print_embeddings(f"generated like {name}", embeddings.vectors(len(matrix)))
    assert bags is not None and embeddings is not None
    return bags, embeddings


def _shares(vectors: Sequence[SparseVector]) -> NDArray[np.float64]:
    words = np.concatenate([vector.indices for vector in vectors]).astype(np.int64)
    return np.bincount(words, minlength=vectors[0].size) / len(vectors)


def _like_bags(shares: NDArray[np.float64], vectors: Sequence[SparseVector]) -> Bags:
    wanted = margin(cosines(vectors))
    found = like(lambda at: margin(cosines(_generated(Bags(shares, at), len(vectors)))), wanted)
    return Bags(shares, found)


def _generated(bags: Bags, n: int) -> list[SparseVector]:
    return weighed(next(bags.counts(n)), idf_of(bags))


def idf_of(bags: Bags) -> NDArray[np.float32]:
    """Return the weight of each word, float32 (K,), above 0."""
    return np.log(1 / np.maximum(bags.shares, 1e-4) + 0.01).astype(np.float32) + np.float32(1e-3)


def _like_embeddings(matrix: NDArray[np.float32]) -> Embeddings:
    spreads = np.linalg.svd(matrix - matrix.mean(axis=0), compute_uv=False) / np.sqrt(len(matrix))
    spreads = np.resize(np.append(spreads[:DIMENSION], np.zeros(DIMENSION)), DIMENSION)
    wanted = margin(_normed(matrix - matrix.mean(axis=0)))
    found = like(lambda at: margin(_normed(Embeddings(spreads, at).vectors(len(matrix)))), wanted)
    return Embeddings(spreads, found)


def _normed(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    unit = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
    return np.asarray(unit @ unit.T)


def _print_bags(name: str, vectors: Sequence[SparseVector]) -> None:
    shares = _shares(vectors)
    above = "".join(f"{(shares > at).mean():11.2%}" for at in (0.5, 0.1, 0.03, 0.01))
    postings = np.mean([len(vector.indices) for vector in vectors])
    print(f"{name:34}{above}{postings:10.0f}{margin(cosines(vectors)):9.3f}")


def _print_embeddings(name: str, matrix: NDArray[np.float32]) -> None:
    centred = matrix - matrix.mean(axis=0)
    variance = np.cumsum(np.linalg.svd(centred, compute_uv=False) ** 2)
    axes = [int(np.searchsorted(variance, at * variance[-1])) + 1 for at in (0.5, 0.9)]
    print(f"{name:34}{axes[0]:28}{axes[1]:8}{margin(_normed(centred)):9.3f}")
