"""The Hamming distance of signatures, and what a match at some distance counts for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel
from retrieval.rankers.binary_codes import count_ones

REACH = 3 / 8
"""Points whose signatures differ in more than this share of the bits do not match: 24 of 64."""
SIGMA = 1 / 4
"""Of the Gaussian that weighs the others, as a share of the bits: 16 of 64."""


@kernel()
def distance(one: np.uint64, other: np.uint64) -> int:
    """Return in how many bits two signatures differ."""
    return int(count_ones(one ^ other))


def reach(n_bits: int) -> int:
    """Return the largest distance at which points with signatures of ``n_bits`` match."""
    return int(REACH * n_bits)


def amounts(n_bits: int) -> NDArray[np.float64]:
    """Return what a match counts for by its distance h, float64 (65,): exp(−h² / σ²), 0 beyond ``reach``.

    Jégou, Douze and Schmid, "Improving bag-of-features for large scale image search", IJCV 2010, section 4.2.
    Without signatures, of 0 bits, each counts 1.
    """
    # A table over all distances that 64 bits can have: kernels look up instead of computing exponentials.
    h = np.arange(65)
    if not n_bits:
        return np.ones(len(h))
    return np.asarray(np.where(h <= reach(n_bits), np.exp(-((h / (SIGMA * n_bits)) ** 2)), 0.0))
