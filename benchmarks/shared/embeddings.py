"""Embeddings as networks make them: in clusters of all sizes, each spread over few directions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_DIRECTIONS = 24
"""Directions in which a cluster is spread."""

_BASES = 64
"""Sets of directions that clusters share."""

_PIECE = 50_000


def embeddings(
    n: int, dimension: int = 256, n_queries: int = 200, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return n vectors of unit length and queries of the same kind, which are not among them.

    As many clusters as the root of n, of sizes by a power law, around middles whose later axes matter less;
    each is spread over 24 directions that some share, with a little noise. So few are near a query and most
    are far away, as in embeddings of images; uniform vectors would all be as far away as each other.
    """
    rng = np.random.default_rng(seed)
    middles = rng.standard_normal((max(20, int(n**0.5)), dimension)) * np.linspace(1, 0.15, dimension) ** 1.5
    bases = (
        rng.standard_normal((_BASES, _DIRECTIONS, dimension)) * np.linspace(1, 0.2, _DIRECTIONS)[:, None] / 4
    )
    shares = np.arange(1, len(middles) + 1) ** -0.7
    pieces = []
    for first in range(0, n + n_queries, _PIECE):
        own = rng.choice(len(middles), min(_PIECE, n + n_queries - first), p=shares / shares.sum())
        vectors = middles[own] + 0.1 * rng.standard_normal((len(own), dimension))
        for base in range(_BASES):
            here = own % _BASES == base
            vectors[here] += rng.standard_normal((int(here.sum()), _DIRECTIONS)) @ bases[base]
        pieces.append((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))
    made = np.concatenate(pieces)
    return made[:n], made[n:]
