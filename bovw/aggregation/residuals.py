"""Residuals: the descriptors of one word become one, the sum of their differences from its center."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

Floats = NDArray[np.float32]


def residuals(
    words: NDArray[np.intp], descriptors: Floats, centers: Floats
) -> tuple[NDArray[np.int64], Floats]:
    """Sum up the residuals x − c of descriptors (n, d) to the centres (K, d) of their words (n,).

    VLAD's vᵢ (Jégou et al., CVPR 2010, eq. 1) of the words that occur.

    Returns
    -------
    present : int64 (m,), these words, rising.
    sums : float32 (m, d), the residuals of each, added in the order of the descriptors.
    """
    present, places = np.unique(words, return_inverse=True)
    sums = np.zeros((len(present), centers.shape[1]), dtype=np.float32)
    points = np.ascontiguousarray(descriptors, dtype=np.float32)
    _add(words.astype(np.int64), places.astype(np.int64).reshape(-1), points, centers, sums)
    return present.astype(np.int64), sums


def scaled(rows: Floats) -> Floats:
    """Return rows (…, d) at unit length; those of length zero stay zero."""
    lengths = np.linalg.norm(rows.astype(np.float64), axis=-1, keepdims=True)
    unit = np.divide(rows, lengths, out=np.zeros(rows.shape), where=lengths > 0)
    return np.asarray(unit, dtype=np.float32)


@kernel()
def _add(
    words: NDArray[np.int64],
    places: NDArray[np.int64],
    descriptors: Floats,
    centers: Floats,
    sums: Floats,
) -> None:
    """Add each residual of ``descriptors`` (n, d) to the row of ``sums`` (m, d) at ``places`` (n,)."""
    # In the order of the descriptors and without an array (n, d) of residuals: one pass, the same bits.
    for i in range(len(words)):
        for j in range(descriptors.shape[1]):
            sums[places[i], j] += descriptors[i, j] - centers[words[i], j]
