"""Vectors: what is made of embeddings after the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEWEST = 32
"""Fewer pictures say too little of what all have in common."""

Vectors = NDArray[np.float32]


def centre(embeddings: Vectors) -> Vectors:
    """Return the mean (d,) of embeddings (n, d); zero where they are too few."""
    if len(embeddings) < FEWEST:
        return np.zeros(embeddings.shape[1], dtype=np.float32)
    return np.asarray(embeddings.mean(axis=0, dtype=np.float64), dtype=np.float32)


def unit(vectors: Vectors) -> Vectors:
    """Return vectors (n, d) of unit length; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0))
