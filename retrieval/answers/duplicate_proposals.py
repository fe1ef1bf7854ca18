"""Proposals: which pairs of many images may be near-duplicates, by one matrix product of short signatures.

A shift changes the phases of a spectrum and leaves its amplitudes, so that amplitudes can be compared without
a search over shifts (as by the Fourier-Mellin transform). Only pairs that are proposed need be correlated.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .near_duplicates import BAND, Spectrum

Signature = NDArray[np.float32]

LEAST = 0.3
"""Pairs whose signatures have a cosine below this are not proposed.

On sets of 300 images this and ``NEAREST`` propose 3 to 9 pairs an image, among them 96 to 100 % of all
near-duplicates (``benchmarks/quality/near_duplicates.py``).
"""

NEAREST = 10
"""One of a pair must be among this many nearest of the other."""

_RINGS, _SECTORS = 16, 16
_BLOCK = 1024
"""Rows of the matrix of cosines that are in memory at once."""


def signature(spectrum: Spectrum) -> Signature:
    """Return what of a fine structure neither shift nor mirror image changes, float32 (256,), at unit length.

    Mean amplitudes in 16 rings of frequency and 16 sectors of direction, less the mean of each ring: how an
    image's amplitudes fall with frequency is much the same in all images. A blank image gives zeros.
    """
    n_kept, amplitude = BAND[1] + 1, np.abs(spectrum)
    # A mirror image has the frequencies of −row in place of those of +row: their mean is the same for both.
    rising, falling = amplitude[:n_kept], amplitude[np.r_[0, -1:-n_kept:-1]]
    bins, counts = _bins()
    sums = np.bincount(bins, (rising + falling).ravel() / 2, minlength=_RINGS * _SECTORS + 1)[:-1]
    means = (sums / np.maximum(counts, 1)).reshape(_RINGS, _SECTORS)
    is_filled = (counts > 0).reshape(_RINGS, _SECTORS)
    # Inner rings have fewer frequencies than sectors: an empty bin says nothing, and counts as the mean.
    level = means.sum(axis=1, keepdims=True) / is_filled.sum(axis=1, keepdims=True)
    found = np.where(is_filled, means - level, 0).ravel()
    return np.asarray(found / max(float(np.linalg.norm(found)), 1e-9), dtype=np.float32)


def propose(signatures: Sequence[Signature]) -> NDArray[np.int64]:
    """Return the pairs (i, j), i < j, that may be near-duplicates, int64 (n_pairs, 2), rising."""
    rows = np.array(signatures, dtype=np.float32).reshape(len(signatures), _RINGS * _SECTORS)
    near = [_nearest(rows, start) for start in range(0, len(rows), _BLOCK)]
    # One way is enough: the nearest of an image with many copies are its copies, never all of them. The
    # finder compares two groups of many copies.
    pairs = sorted({(min(pair), max(pair)) for part in near for pair in part})
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _nearest(rows: NDArray[np.float32], start: int) -> list[tuple[int, int]]:
    """Return pairs of each of a block of signatures and its nearest others."""
    cosines = rows[start : start + _BLOCK] @ rows.T
    own = np.arange(len(cosines))
    cosines[own, own + start] = -1
    k = min(NEAREST, cosines.shape[1])
    best = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
    block, place = np.nonzero(np.take_along_axis(cosines, best, axis=1) >= LEAST)
    return list(zip((block + start).tolist(), best[block, place].tolist(), strict=True))


@cache
def _bins() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the bin of each frequency of a quadrant, 256 for those that do not count, and their sizes."""
    low, high = BAND
    rows, cols = np.indices((high + 1, high + 1))
    radius, angle = np.hypot(rows, cols), np.arctan2(rows, cols)
    ring = np.clip((radius - low) / (high - low) * _RINGS, 0, _RINGS - 1).astype(np.int64)
    sector = np.clip(angle / (np.pi / 2) * _SECTORS, 0, _SECTORS - 1).astype(np.int64)
    is_kept = (radius >= low) & (radius <= high)
    bins = np.where(is_kept, ring * _SECTORS + sector, _RINGS * _SECTORS).ravel()
    return bins, np.bincount(bins, minlength=_RINGS * _SECTORS + 1)[:-1]
