"""Chance: how many matches of unrelated pictures would agree in space."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .similarity_transform import ANGLE, REACH

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST = 4
"""Two matches determine a transform; fewer than two more prove nothing."""
DOUBT = 1e-3
"""The expected number of chance transforms per picture that are taken for a proof."""


@kernel()
def likelihood(theirs_places: Floats, theirs: Ints, n: int, area: float, is_upright: bool) -> float:
    """Return how likely a random match agrees with a given transform: its point within reach, and its turn.

    ``area`` is that of the candidate picture, in pixels. Scales, which differ little, are left out.
    """
    reached = 0.0
    for i in range(n):
        reached += min(1.0, np.pi * REACH * REACH * np.exp(2 * theirs_places[theirs[i], 2]) / area)
    return (reached / max(n, 1)) * (1.0 if is_upright else ANGLE / np.pi)


@kernel()
def needed(n: int, p: float) -> int:
    """Return how many of n matches must agree so that chance is no explanation.

    The least k, at least ``FEWEST``, with n · P(B(n − 2, p) ≥ k − 2) < ``DOUBT``: each match proposes a
    transform, which two matches may fit by themselves (an a-contrario bound; Desolneux, Moisan, Morel 2000).
    """
    rest = n - 2
    if rest < FEWEST - 2:
        return FEWEST
    p = min(max(p, 1e-12), 1 - 1e-12)
    mean = rest * p
    k = min(rest, int(mean + 12 * math.sqrt(mean) + 12))  # beyond it the tail is nothing
    logarithm = math.lgamma(rest + 1.0) - math.lgamma(k + 1.0) - math.lgamma(rest - k + 1.0)
    term = math.exp(logarithm + k * math.log(p) + (rest - k) * math.log1p(-p))
    tail = term
    while k > 0 and n * tail < DOUBT:
        term *= k / (rest - k + 1.0) * (1 - p) / p
        tail += term
        k -= 1
    return max(FEWEST, k + 3)
