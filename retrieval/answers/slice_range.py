"""The slice range: where in a volume a part of the body is, by labelled slices that look like its own.

Every labelled slice has a coordinate u: 0 at the lowest slice that carries the label in its volume, 1 at the
highest, and on in proportion below and above. A slice of the query at height z finds slices that look like
it, with their u. If the part extends from ``bottom`` to ``top`` in the query, then u = (z − bottom) / (top −
bottom): the two ends are found that explain most of what was retrieved (a Hough transform with a soft vote),
and then refined. The 2011 paper (Haas et al., MCBR-CDS) finds the axial position of the lung through the
retrieval of representative slices; how it gets from slices to a position it does not say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError

_TOLERANCE = 0.08
"""Width of a vote in units of u: the standard deviation of a Gaussian."""

_STEPS = 96
"""Lengths that are tried in the first pass, evenly in their logarithm; four times as many bottoms."""
_LOWEST, _HIGHEST, _FINE = -3.0, 4.0, 0.01
"""The grid of u on which votes are summed."""

_LEAST_AGREEMENT = 0.3
"""Below this share of explained votes the slices do not agree on any range."""


@dataclass(frozen=True)
class SliceRange:
    """Where a part of the body is.

    Parameters
    ----------
    bottom, top : millimetres along the axis of the stack, as its slices have them; ``bottom`` below ``top``.
        They may be outside the volume if it holds only a piece of the part.
    agreement : the share of votes that the range explains, in [0, 1].
    """

    bottom: float
    top: float
    agreement: float

    @property
    def is_certain(self) -> bool:
        """Tell whether the retrieved slices agree well enough to be believed."""
        return self.agreement >= _LEAST_AGREEMENT


def coordinates(heights: NDArray[np.float64], is_labelled: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Return u of each slice of a labelled volume, float64 (n,); None without two heights of the label.

    ``heights`` are in mm, rising towards the head; ``is_labelled`` is bool (n,).
    """
    inside = heights[is_labelled]
    if len(inside) == 0 or np.ptp(inside) <= 0:
        return None
    return np.asarray((heights - inside.min()) / np.ptp(inside), dtype=np.float64)


def find_range(
    heights: NDArray[np.float64],
    votes: NDArray[np.float64],
    weights: NDArray[np.float64],
    lengths: tuple[float, float],
) -> SliceRange:
    """Return the range that explains most of the votes.

    Parameters
    ----------
    heights : float64 (n,), mm, of the slices of the query.
    votes : float64 (n, m), u of the m labelled slices that each one found.
    weights : float64 (n, m), not negative: what each of them counts.
    lengths : the shortest and the longest range that is looked for, in mm.

    Raises
    ------
    SettingError : no slice, no vote, or no length to look for.
    """
    if not (0 < lengths[0] <= lengths[1]) or votes.size == 0 or not weights.sum() > 0:
        raise SettingError(
            "locate: no labelled slice was found; give an index with labelled slices of volumes"
        )
    # Beyond its own range a coordinate depends on how large a person is, so that those votes count less.
    outside = np.maximum(np.maximum(-votes, votes - 1), 0)
    weights = weights * np.exp(-2 * outside)
    # Each slice has one vote, divided among what it found, so that a slice with many likenesses is one slice.
    weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    spans = np.geomspace(lengths[0], lengths[1], _STEPS)
    bottoms = np.linspace(heights.min() - lengths[1], heights.max(), 4 * _STEPS)
    has_vote = weights.any(axis=1)
    heights, densities = heights[has_vote], _densities(votes[has_vote], weights[has_vote])
    best = _best(heights, densities, bottoms, spans)
    for shrink in (8.0, 64.0, 512.0):  # finer and finer around the best
        wide, ratio = np.ptp(bottoms) / (4 * _STEPS) * 16 / shrink, (lengths[1] / lengths[0]) ** (1 / shrink)
        near = best[0] + np.linspace(-wide, wide, 33)
        best = _best(heights, densities, near, best[1] * ratio ** np.linspace(-1, 1, 33))
    bottom, span, agreement = best
    return SliceRange(float(bottom), float(bottom + span), float(agreement))


def _densities(votes: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of each slice's votes are for each u of a grid, float64 (n, grid), 0 at both ends."""
    grid = np.arange(_LOWEST, _HIGHEST, _FINE)
    # Σ_m w_nm exp(−(v_nm − g)² / 2σ²): a vote counts less with its distance from a place of the grid.
    off = (votes[:, :, None] - grid) / _TOLERANCE
    found = np.einsum("nm,nmg->ng", weights, np.exp(-0.5 * off * off))
    found[:, [0, -1]] = 0  # what is beyond the grid is clipped to its ends, and must find nothing there
    return np.asarray(found, dtype=np.float64)


def _best(
    heights: NDArray[np.float64],
    densities: NDArray[np.float64],
    bottoms: NDArray[np.float64],
    spans: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Return the bottom and span with the most votes, and the share of the votes that they have."""
    found = (-1.0, 0.0, 0.0)
    slices = np.arange(len(heights))
    for span in spans:
        expected = (heights[None, :] - bottoms[:, None]) / span  # (bottoms, n)
        at = np.clip((expected - _LOWEST) / _FINE, 0, densities.shape[1] - 1.001)
        below = at.astype(np.intp)  # between two places of the grid the density is linear
        part = at - below
        shares = (densities[slices, below] * (1 - part) + densities[slices, below + 1] * part).sum(axis=1)
        best = int(shares.argmax())
        if shares[best] > found[0]:
            found = (float(shares[best]), float(bottoms[best]), float(span))
    return found[1], found[2], found[0] / len(heights)
