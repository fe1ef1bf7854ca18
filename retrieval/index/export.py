"""Vectors for other tools: all those of one representation, with ids and labels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..rankers.atomic_write import write_atomically
from ..representation import SparseVector, Vector
from .index import Index

Matrix = Any
"""Dense, float32 (n, d), or a ``scipy.sparse.csr_array`` of that shape."""


@dataclass(frozen=True, eq=False)
class Vectors:
    """The vectors of one representation, a row for each image.

    Parameters
    ----------
    by : the representation.
    ids : the images, in order.
    labels : of each image, several joined by ``;``; empty if it has none.
    matrix : float32 (n, d): an array, or a ``scipy.sparse.csr_array`` of bags of visual words.
    """

    by: str
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    matrix: Matrix

    @property
    def is_sparse(self) -> bool:
        """Tell whether the matrix is sparse."""
        return not isinstance(self.matrix, np.ndarray)

    def dense(self) -> NDArray[np.float32]:
        """Return the vectors as an array, float32 (n, d)."""
        return np.asarray(self.matrix.toarray() if self.is_sparse else self.matrix, dtype=np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return named arrays without Python objects.

        ``ids`` and ``labels`` are text (n,). Dense vectors are ``vectors``; sparse ones are ``data``,
        ``indices``, ``indptr``, ``shape`` and ``format``, which ``scipy.sparse.load_npz`` reads.
        """
        # Of no images numpy would make arrays of floats.
        about = {"ids": np.array(self.ids, dtype=np.str_), "labels": np.array(self.labels, dtype=np.str_)}
        if not self.is_sparse:
            return {**about, "vectors": self.matrix}
        matrix = self.matrix
        return {
            **about,
            "data": matrix.data,
            "indices": matrix.indices,
            "indptr": matrix.indptr,
            "shape": np.array(matrix.shape),
            "format": np.array(b"csr"),
            "_is_array": np.array(True),
        }

    def save(self, path: Path) -> None:
        """Write the arrays as an ``.npz`` file, whole or not at all."""
        content = io.BytesIO()
        np.savez_compressed(content, **self.arrays())  # type: ignore[arg-type]
        write_atomically(content.getvalue(), Path(path))


def export_vectors(index: Index, by: str) -> Vectors:
    """Return the vectors of all images by one representation.

    Raises
    ------
    SettingError : no such representation, or no image.
    """
    index.representation(by)  # says which there are
    entries = list(index.pictures())
    if not entries:
        raise SettingError(f"by: the index holds no image, so {by} has no vectors; index a folder first")
    names = tuple(entry.name for entry in entries)
    labels = tuple(";".join(entry.labels) for entry in entries)
    return Vectors(by, names, labels, _stacked([index.vector(name, by) for name in names]))


def _stacked(vectors: Sequence[Vector]) -> Matrix:
    sparse = [vector for vector in vectors if isinstance(vector, SparseVector)]
    return _csr(sparse) if sparse else np.stack([np.asarray(one, dtype=np.float32) for one in vectors])


def _csr(vectors: Sequence[SparseVector]) -> Matrix:
    from scipy.sparse import csr_array

    starts = np.cumsum([0, *(len(vector.indices) for vector in vectors)])
    data = np.concatenate([vector.values for vector in vectors])
    indices = np.concatenate([vector.indices for vector in vectors]).astype(np.int64)
    return csr_array((data, indices, starts), shape=(len(vectors), vectors[0].size))
