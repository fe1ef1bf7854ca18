"""The matrix: the vectors of many pictures as rows, sparse as long as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..representation import SparseVector, Vector

Matrix = Any
"""float64 (n, d): an array, or a ``scipy.sparse.csr_matrix``."""


def stack(vectors: Sequence[Vector]) -> Matrix:
    """Return vectors of one kind as rows, float64 (n, d); sparse ones stay sparse."""
    sparse = [vector for vector in vectors if isinstance(vector, SparseVector)]
    if len(sparse) < len(vectors):
        return np.asarray(vectors, dtype=np.float64)
    # The three arrays of a compressed matrix: where each row ends, and the columns and values of all rows.
    ends = np.cumsum([0, *(len(vector.indices) for vector in sparse)])
    words = np.concatenate([vector.indices for vector in sparse])
    values = np.concatenate([vector.values for vector in sparse]).astype(np.float64)
    shape = (len(sparse), sparse[0].size)
    from scipy.sparse import csr_matrix  # late: it takes longer to import than a query takes

    return csr_matrix((values, words.astype(np.int64), ends), shape=shape)


def lengths(rows: Matrix) -> NDArray[np.float64]:
    """Return the length of each row, (n,)."""
    squares = rows.multiply(rows) if hasattr(rows, "multiply") else rows * rows
    return np.sqrt(np.asarray(squares.sum(axis=1), dtype=np.float64).ravel())


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows of an array at unit length, (n, d); rows of zeros stay."""
    long = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(long > 0, long, 1)
