"""The projection: a linear map of vectors to short ones of unit length, in which the cosine is the metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import IndexFolderError
from ..representation import Arrays, SparseVector, Vector
from .matrix import lengths, stack, unit
from .principal_axes import Axes


@dataclass(frozen=True, eq=False)
class Projection:
    """Map x to Wᵀ(x − μ) at unit length. Euclidean distance after W is a Mahalanobis distance before it.

    Parameters
    ----------
    matrix : W, float32 (d, k).
    offset : Wᵀμ, float32 (k,).
    """

    matrix: NDArray[np.float32]
    offset: NDArray[np.float32]

    @classmethod
    def of(cls, axes: Axes, linear: NDArray[np.float64]) -> Projection:
        """Join principal axes (d, p) and a map of their coordinates, float64 (p, k)."""
        matrix = axes.directions @ linear
        return cls(matrix.astype(np.float32), (axes.mean @ matrix).astype(np.float32))

    @classmethod
    def restore(cls, arrays: Arrays) -> Projection:
        """Take back what ``arrays`` returned. Raise IndexFolderError if it is something else."""
        matrix, offset = arrays.get("matrix"), arrays.get("offset")
        if matrix is not None and offset is not None and len(arrays) > 2:
            more = ", ".join(sorted(arrays.keys() - {"matrix", "offset"}))
            raise IndexFolderError(
                f"a learnt metric holds what this version does not know ({more}); update semblance, or learn "
                "it again with `semblance learn-metric`"
            )
        if matrix is None or offset is None:
            raise IndexFolderError(f"{', '.join(arrays) or 'nothing'}: no learnt metric; index again")
        if matrix.ndim != 2 or matrix.dtype != np.float32 or offset.dtype != np.float32:
            raise IndexFolderError("the matrix of a learnt metric is damaged; index again")
        if offset.shape != matrix.shape[1:] or not matrix.shape[1]:
            raise IndexFolderError("matrix and offset of a learnt metric do not fit; index again")
        return cls(matrix, offset)

    @property
    def dimension(self) -> int:
        """The length of the vectors that come out."""
        return int(self.matrix.shape[1])

    def arrays(self) -> Arrays:
        """Return what is saved."""
        return {"matrix": self.matrix, "offset": self.offset}

    def project_all(self, vectors: Sequence[Vector]) -> NDArray[np.float32]:
        """Return many vectors as float32 (n, k), as ``project`` does each, but for rounding."""
        if not vectors:
            return np.zeros((0, self.dimension), dtype=np.float32)
        rows = stack(vectors)
        moved = np.asarray(rows @ self.matrix.astype(np.float64) - self.offset)
        moved[lengths(rows) == 0] = 0
        return unit(moved).astype(np.float32)

    def project(self, vector: Vector) -> NDArray[np.float32]:
        """Return a vector (d,) as float32 (k,) of unit length; an empty vector stays one.

        Several views (n, d) of one thing become (n, k). The sum goes word by word, so that the result is the
        same to the last bit everywhere.
        """
        if isinstance(vector, np.ndarray) and vector.ndim == 2:
            return np.stack([self.project(view) for view in vector])
        if isinstance(vector, SparseVector):
            values, rows = vector.values, self.matrix[vector.indices]
        else:
            values, rows = vector, self.matrix
        if not values.any():
            return np.zeros(self.dimension, dtype=np.float32)
        # Not a matrix product, whose order of sums depends on the BLAS and the number of rows.
        moved = (values.astype(np.float64)[:, None] * rows).sum(axis=0) - self.offset
        length = np.linalg.norm(moved)
        return np.asarray(moved / length if length > 0 else moved, dtype=np.float32)
