"""The principal axes of many vectors, sparse or dense, without ever filling a sparse matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .matrix import Matrix

_SPARE = 10
"""Random directions beyond those wanted: the oversampling of Halko et al."""
_ROUNDS = 6
"""Power iterations, each of which sets large variances further apart from small ones."""


@dataclass(frozen=True, eq=False)
class Axes:
    """Hold the axes of the largest variance.

    Parameters
    ----------
    mean : float64 (d,), of the vectors.
    directions : float64 (d, k), orthonormal columns, the largest variance first.
    deviations : float64 (k,), the standard deviation along each.
    """

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]
    deviations: NDArray[np.float64]

    def reduce(self, rows: Matrix) -> NDArray[np.float64]:
        """Return vectors (n, d) in the coordinates of the axes, (n, k)."""
        return np.asarray(rows @ self.directions - self.mean @ self.directions)


def principal_axes(rows: Matrix, k: int, seed: int = 0) -> Axes:
    """Find at most ``k`` principal axes of the rows of a matrix, float64 (n, d).

    The mean is removed from the products, never from the matrix, so that a sparse one stays sparse. Fewer
    axes are returned if the vectors span fewer. Source: Halko, Martinsson and Tropp, "Finding structure
    with randomness", SIAM Review 2011, algorithms 4.4 and 5.1; exact if k + 10 is at least the rank.
    """
    n, d = rows.shape
    mean = np.asarray(rows.mean(axis=0)).ravel()
    width = min(k + _SPARE, n, d)
    basis = np.random.default_rng(seed).standard_normal((d, width))
    # (X − 1μᵀ)B is XB − 1(μᵀB): the centred matrix, which is dense, is never formed.
    for _ in range(_ROUNDS):
        spread = np.linalg.qr(rows @ basis - mean @ basis)[0]  # (n, width)
        image = rows.T @ spread - np.outer(mean, spread.sum(axis=0))  # (d, width)
        basis = np.linalg.qr(image)[0]
    _, lengths, turned = np.linalg.svd(image.T, full_matrices=False)
    rank = int(np.count_nonzero(lengths > 1e-9 * max(lengths[0], 1e-30)))
    kept = min(k, rank)
    directions = turned[:kept].T
    # Signs are arbitrary: the largest value of an axis is made positive, so that they are equal everywhere.
    largest = np.abs(directions).argmax(axis=0)
    signs = np.where(directions[largest, np.arange(kept)] < 0, -1.0, 1.0)
    return Axes(mean, directions * signs, lengths[:kept] / np.sqrt(n))
