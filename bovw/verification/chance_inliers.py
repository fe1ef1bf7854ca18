"""Chance inliers: how many matches of unrelated images would agree in space."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .similarity_transform import ANGLE, REACH

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_INLIERS = 4
"""Two matches determine a transform; fewer than two more prove nothing."""
MAX_FALSE_ALARMS = 1e-3
"""Expected number of transforms per image that as many inliers would support by chance alone."""


@kernel()
def match_probability(places: Floats, theirs: Ints, area: float, is_upright: bool) -> float:
    """Return how likely a random match agrees with a given transform: in its place and in its turn.

    Scales, which differ little, are left out.

    Parameters
    ----------
    places : float64 (m, 4), the candidate's frames.
    theirs : int64 (n,), the candidate's point of each match.
    area : of the candidate image, in pixels.
    """
    reached = 0.0
    for i in range(len(theirs)):
        # The disc of radius REACH · σ within which a point counts as hit, as a share of the image.
        reached += min(1.0, np.pi * REACH * REACH * np.exp(2 * places[theirs[i], 2]) / area)
    # A random orientation is within ±ANGLE of the right one with probability 2 · ANGLE / 2π.
    return (reached / max(len(theirs), 1)) * (1.0 if is_upright else ANGLE / np.pi)


@kernel()
def a_contrario_threshold(n: int, p: float) -> int:
    """Return how many of n matches must agree so that chance is no explanation.

    The least k, at least ``FEWEST_INLIERS``, with n · P(B(n − 2, p) ≥ k − 2) < ``MAX_FALSE_ALARMS``: each
    match proposes a transform, which two matches may fit by themselves (an a-contrario bound; Desolneux,
    Moisan, Morel 2000).
    """
    rest = n - 2
    if rest < FEWEST_INLIERS - 2:
        return FEWEST_INLIERS
    p = min(max(p, 1e-12), 1 - 1e-12)
    mean = rest * p
    # Start beyond the bulk of the binomial, where the tail is nothing, and add its terms downwards: each
    # term follows from the one above it, so one logarithm of the gamma function is enough.
    k = min(rest, int(mean + 12 * math.sqrt(mean) + 12))
    logarithm = math.lgamma(rest + 1.0) - math.lgamma(k + 1.0) - math.lgamma(rest - k + 1.0)
    term = math.exp(logarithm + k * math.log(p) + (rest - k) * math.log1p(-p))
    tail = term
    while k > 0 and n * tail < MAX_FALSE_ALARMS:
        term *= k / (rest - k + 1.0) * (1 - p) / p
        tail += term
        k -= 1
    # At k the bound is broken for the first time; so k + 1 of the rest are enough, and the two that fit.
    return max(FEWEST_INLIERS, k + 3)
