"""Distinct descriptors: their number bounds how many words they can make."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import FitError
from retrieval.kernel import kernel

_CHUNK = 8192


def n_distinct(descriptors: NDArray[Any], rows: NDArray[np.int64], enough: int) -> int:
    """Count how many of the given rows of descriptors (n, d) differ; stop once there are ``enough``.

    Rows are compared as float32, by a hash of 64 bits. Raises FitError if a value of any row is not finite.
    """
    known = np.empty(0, dtype=np.uint64)
    for first in range(0, len(rows), _CHUNK):
        points = np.asarray(descriptors[rows[first : first + _CHUNK]], dtype=np.float32)
        if not np.isfinite(points).all():
            raise FitError("descriptors: some values are not finite; leave those descriptors out")
        if len(known) < enough:
            known = np.union1d(known, hashes(points))
    return len(known)


def repeats(points: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return for each row whether it equals a row before it, bool (n,)."""
    is_repeat = np.ones(len(points), dtype=bool)
    is_repeat[np.unique(hashes(points), return_index=True)[1]] = False
    return is_repeat


def hashes(points: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return a hash of each row, uint64 (n,); equal rows have equal ones."""
    # Adding 0 turns −0 into 0, so that equal values have equal bits.
    return np.asarray(_hashes((points + np.float32(0)).view(np.uint32)))


@kernel()
def _hashes(rows: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return a hash of each row, uint64 (n,): multiply and fold, the constant of splitmix64."""
    # Sorting whole rows costs n log n comparisons of d values; hashes cost one pass. Among 1e6 rows the
    # chance that two different ones collide is about n² / 2^65, below 1e-7.
    hashes = np.empty(len(rows), dtype=np.uint64)
    for i in range(len(rows)):
        hashed = np.uint64(0x9E3779B97F4A7C15)
        for j in range(rows.shape[1]):
            hashed = (hashed ^ np.uint64(rows[i, j])) * np.uint64(0xBF58476D1CE4E5B9)
            hashed ^= hashed >> np.uint64(29)
        hashes[i] = hashed
    return hashes
