"""Splitting regions: the largest are halved until there are as many as wanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .moments import Moments


def split_largest(
    image: NDArray[np.float32], labels: NDArray[np.int32], n_present: int, n_wanted: int
) -> tuple[NDArray[np.int32], Moments]:
    """Halve the largest regions across their major axes until there are ``n_wanted`` of them.

    Parameters
    ----------
    image : float32 (rows, cols).
    labels : int32 (rows, cols), 0 to n_present − 1, or -1; it is not changed.
    n_present, n_wanted : numbers of regions. If there are enough already, nothing is done.

    Returns
    -------
    labels, moments : the new labels and the moments of their regions. Halves of a bent region may be in
        several pieces. There are fewer than wanted only if no region of two pixels is left.
    """
    moments = Moments.of(image, labels, n_present)
    labels = labels.copy()
    while n_present < n_wanted:
        # Many at once, since each round reads the whole image: all at least half as large as the largest.
        halves = np.full(n_present, -1, dtype=np.int32)
        order = np.argsort(-moments.areas, kind="stable")[: n_wanted - n_present]
        order = order[moments.areas[order] >= max(2.0, moments.areas[order[:1]].sum() / 2)]
        if not len(order):
            break
        halves[order] = np.arange(n_present, n_present + len(order))
        _halve(labels, halves, moments.rows, moments.cols, moments.angles)
        n_present += len(order)
        moments = Moments.of(image, labels, n_present)
    return labels, moments


@kernel()
def _halve(
    labels: NDArray[np.int32],
    halves: NDArray[np.int32],
    rows: NDArray[np.float64],
    cols: NDArray[np.float64],
    angles: NDArray[np.float64],
) -> None:
    """Give the far side of each region k with ``halves[k] >= 0`` that new number, in place."""
    # The cut goes through the centre of mass, across the major axis: halves are as round as can be.
    across, along = np.sin(angles), np.cos(angles)
    for r in range(labels.shape[0]):
        for c in range(labels.shape[1]):
            k = labels[r, c]
            if k >= 0 and halves[k] >= 0 and (r - rows[k]) * across[k] + (c - cols[k]) * along[k] > 0:
                labels[r, c] = halves[k]
