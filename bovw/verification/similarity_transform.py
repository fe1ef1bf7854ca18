"""Similarity transforms between the points of two images: robust fits and the matches that agree.

A transform (a, b, c, d) takes (row, col) to (c + a row + b col, d − b row + a col): with a = s cos δ and
b = s sin δ it scales by s and turns by δ from rising columns towards rising rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .matching import Matches

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REACH = 2.0
"""Points agree if they are within this many σ of the candidate's frame of where they should be."""
LOG_SCALE = 0.7
"""Their scales agree within this, in logarithms: a factor of 2."""
ANGLE = 0.6
"""Their orientations agree within this, in radians: 34°."""
_REACHES = np.array([3.0, 2.0, 1.5, 1.0, 1.0])
"""A fit begins with a wider reach, so that a rough hypothesis still finds its inliers."""


class Used(NamedTuple):
    """Which match uses each point of the query, int64 (n,), and of the candidate, int64 (m,); −1 for none."""

    ours: Ints
    theirs: Ints


@kernel()
def turn(angle: float) -> float:
    """Return an angle as one within ±π."""
    return float(angle - 2 * np.pi * np.floor(angle / (2 * np.pi) + 0.5))


@kernel()
def transform(log_scale: float, angle: float, centre: Floats, row: float, col: float, out: Floats) -> None:
    """Set the transform of a scale and a turn that takes ``centre`` (row, col) to (row, col)."""
    out[0] = np.exp(log_scale) * np.cos(angle)
    out[1] = np.exp(log_scale) * np.sin(angle)
    out[2] = row - out[0] * centre[0] - out[1] * centre[1]
    out[3] = col + out[1] * centre[0] - out[0] * centre[1]


@kernel()
def distances(fit: Floats, query: Floats, candidate: Floats, matches: Matches, out: Floats) -> None:
    """Set how far each of n matches is from a transform, in units of ``REACH`` σ; infinite beyond doubt.

    ``query`` (n_ours, 4) and ``candidate`` (n_theirs, 4) are frames, as in ``Points.places``.
    """
    log_scale = 0.5 * np.log(max(fit[0] ** 2 + fit[1] ** 2, 1e-12))
    angle = np.arctan2(fit[1], fit[0])
    for i in range(len(matches.ours)):
        q, c = query[matches.ours[i]], candidate[matches.theirs[i]]
        out[i] = np.inf
        # A frame holds a scale and a turn of its own: both must agree with the transform's, which rules most
        # matches out before their places are even looked at.
        if abs(c[2] - q[2] - log_scale) > LOG_SCALE or abs(turn(c[3] - q[3] - angle)) > ANGLE:
            continue
        row = fit[2] + fit[0] * q[0] + fit[1] * q[1] - c[0]
        col = fit[3] - fit[1] * q[0] + fit[0] * q[1] - c[1]
        out[i] = np.sqrt(row * row + col * col) / (REACH * np.exp(c[2]))


@kernel()
def refit(fit: Floats, query: Floats, candidate: Floats, matches: Matches, apart: Floats) -> None:
    """Fit a transform anew to the matches that agree with it, several times, and leave their distances.

    Least squares under Tukey's biweight; squares are in units of the frames, so that large frames, which are
    placed less exactly, count for less. ``apart`` is float64 (n,).
    """
    for reach in _REACHES:
        distances(fit, query, candidate, matches, apart)
        if not _least_squares(fit, query, candidate, matches, apart, reach):
            break
    distances(fit, query, candidate, matches, apart)


@kernel()
def _least_squares(
    fit: Floats, query: Floats, candidate: Floats, matches: Matches, apart: Floats, reach: float
) -> bool:
    """Set the transform of least weighted squares of the matches within reach; False if two are lacking.

    In complex numbers, z = col + i row, the fit is z' = m z + t with m = Σ w z̄ z' / Σ w |z|² about the means
    (Umeyama 1991 in the plane).
    """
    total = q_row = q_col = c_row = c_col = 0.0
    n_within = 0
    for i in range(len(matches.ours)):
        if apart[i] < reach:
            w = _weight(apart[i] / reach, matches.weights[i], candidate[matches.theirs[i], 2])
            q, c = query[matches.ours[i]], candidate[matches.theirs[i]]
            total += w
            q_row, q_col = q_row + w * q[0], q_col + w * q[1]
            c_row, c_col = c_row + w * c[0], c_col + w * c[1]
            n_within += 1
    if n_within < 2 or total <= 0:
        return False
    q_row, q_col, c_row, c_col = q_row / total, q_col / total, c_row / total, c_col / total
    # A second pass about the means: sums of products of coordinates of large images would cancel badly.
    square = real = imaginary = 0.0
    for i in range(len(matches.ours)):
        if apart[i] < reach:
            w = _weight(apart[i] / reach, matches.weights[i], candidate[matches.theirs[i], 2])
            q, c = query[matches.ours[i]], candidate[matches.theirs[i]]
            y, x, v, u = q[0] - q_row, q[1] - q_col, c[0] - c_row, c[1] - c_col
            square += w * (x * x + y * y)
            real += w * (x * u + y * v)
            imaginary += w * (x * v - y * u)
    # Points that coincide here, or all go to one point there, determine no scale and no turn.
    if square < 1e-9 * total or real * real + imaginary * imaginary < 1e-12 * square * square:
        return False
    fit[0], fit[1] = real / square, imaginary / square
    fit[2] = c_row - fit[0] * q_row - fit[1] * q_col
    fit[3] = c_col + fit[1] * q_row - fit[0] * q_col
    return True


@kernel()
def _weight(apart: float, weight: float, log_scale: float) -> float:
    """Return Tukey's biweight (1 − d²)² of a distance in [0, 1), times the match's weight, over σ²."""
    inner = 1.0 - apart * apart
    return float(weight * inner * inner * np.exp(-2 * log_scale))


@kernel()
def one_to_one(apart: Floats, matches: Matches, used: Used, inliers: Ints) -> int:
    """Choose the matches that agree, the nearest first, no point twice; return how many.

    ``apart`` is float64 (n,). ``used`` is all −1, and left so; ``inliers`` (≥ n,) gets the matches.
    """
    within = np.flatnonzero(apart < 1)
    found = 0
    # Greedy by distance rather than an optimal assignment: ties are rare, and this costs a sort only. Merge
    # sort is stable, so that equal distances keep the order of the matches.
    for i in within[np.argsort(apart[within], kind="mergesort")]:
        if used.ours[matches.ours[i]] < 0 and used.theirs[matches.theirs[i]] < 0:
            used.ours[matches.ours[i]] = used.theirs[matches.theirs[i]] = i
            inliers[found] = i
            found += 1
    for k in range(found):
        used.ours[matches.ours[inliers[k]]] = used.theirs[matches.theirs[inliers[k]]] = -1
    return found
