"""What ``growth.py`` takes from real sets, printed beside the same figures of what is generated like them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.growing import Bags, Embeddings, cosines, like, margin, weighed
from benchmarks.shared.labelled_sets import Set, drawn
from benchmarks.shared.leave_one_out import encode
from retrieval.registry import make
from retrieval.representation import SparseVector

DIMENSION = 256

_TURNS = 4
"""Times that what is drawn is compared with the real set, and its parameters mended."""


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
    n, wanted, made = len(vectors), margin(cosines(vectors)), Bags(shares, 0.0)
    n_words = sum(len(vector.indices) for vector in vectors)
    for _ in range(_TURNS):
        # More points lower the margin, and more likeness the words of an image: in turns until both are met.
        n_drawn = sum(len(vector.indices) for vector in _generated(made, n))
        made = replace(made, points=made.points * n_words / n_drawn)
        found = like(lambda at: margin(cosines(_generated(replace(made, likeness=at), n))), wanted)  # noqa: B023
        made = replace(made, likeness=found)
    return made


def _generated(bags: Bags, n: int) -> list[SparseVector]:
    return weighed(next(bags.counts(n)), idf_of(bags))


def idf_of(bags: Bags) -> NDArray[np.float32]:
    """Return the weight of each word, float32 (K,), above 0."""
    return np.log(1 / np.maximum(bags.shares, 1e-4) + 0.01).astype(np.float32) + np.float32(1e-3)


def _like_embeddings(matrix: NDArray[np.float32]) -> Embeddings:
    n, wanted_spreads, wanted = len(matrix), _spreads(matrix), margin(_centred_cosines(matrix))
    made = Embeddings(wanted_spreads, 0.0)
    for _ in range(_TURNS):
        found = like(
            lambda at: margin(_centred_cosines(replace(made, likeness=at).vectors(n))),  # noqa: B023
            wanted,
        )
        made = replace(made, likeness=found)
        # Vectors of unit length, in families, spread less along the first axes than their normal parts do.
        drawn_spreads = _spreads(made.vectors(n))
        factor = wanted_spreads / np.maximum(drawn_spreads, 1e-9)
        made = replace(made, spreads=made.spreads * np.clip(factor, 0.5, 2))
    return made


def _spreads(matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the standard deviations along the principal axes, relative to all together, (DIMENSION,)."""
    values = np.linalg.svd(matrix - matrix.mean(axis=0), compute_uv=False)[:DIMENSION]
    spreads = np.zeros(DIMENSION)
    spreads[: len(values)] = values / np.linalg.norm(values)
    return spreads


def _centred_cosines(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = matrix - matrix.mean(axis=0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
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
    print(f"{name:34}{axes[0]:28}{axes[1]:8}{margin(_centred_cosines(matrix)):9.3f}")
