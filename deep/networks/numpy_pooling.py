"""Pooling of feature maps by numpy: generalised means over an image, over what weights mark, over windows.

Radenović et al. 2018, eq. 3: (Σ w xᵖ / Σ w)^(1/p).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .architecture import SMALLEST
from .runner import Values


def pooled(found: Values, power: float, share: Values | None = None) -> Values:
    """Return the generalised mean of a map (rows, cols, channels), float32 (1, channels) of unit length.

    ``share`` (rows, cols) says how much of each place counts; by default all.
    """
    raised = _raised(found, power)  # (rows · cols, channels)
    if share is None:
        mean = raised.mean(axis=0, keepdims=True)
    else:
        flat = share.reshape(1, -1)
        mean = flat @ raised / max(float(flat.sum()), SMALLEST)
    return unit(_root(mean, power))


def pooled_windows(
    maps: Sequence[Values], power: float, windows: Values, without: Values | None = None
) -> Values:
    """Return the pooled levels of windows, float32 (k, sum of the levels' channels).

    ``windows`` (k, 4) are row, col, height and width, as shares of the image; a place counts as far as a
    window covers it, less what the window ``without`` (k, 4) covers of it.
    """
    levels = []
    for found in maps:
        share = _shares(windows, *found.shape[:2])  # (k, rows · cols)
        if without is not None:
            share = np.maximum(share - _shares(without, *found.shape[:2]), 0)
        share /= np.maximum(share.sum(axis=1, keepdims=True), SMALLEST)
        # One product of matrices pools all windows.
        levels.append(unit(_root(share @ _raised(found, power), power)))
    return np.concatenate(levels, axis=1)


def unit(vectors: Values) -> Values:
    """Return vectors (n, d) of unit length, as torch does: what is not finite stays so."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # (n, 1)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), dtype=np.float32)


def covered(weights: Values, rows: int, cols: int) -> Values:
    """Return weights (side, side) shrunk by area to float32 (rows, cols)."""
    return _means(_means(weights, rows).T, cols).T


def _means(values: Values, n: int) -> Values:
    """Return the means of n even spans of rows, each from its first whole row to its last, (n, …)."""
    side = len(values)
    sums = np.concatenate(
        [np.zeros_like(values[:1], dtype=np.float64), values.cumsum(axis=0, dtype=np.float64)]
    )
    firsts, ends = np.arange(n) * side // n, -(-np.arange(1, n + 1) * side // n)
    return np.asarray((sums[ends] - sums[firsts]) / (ends - firsts)[:, None], dtype=np.float32)


def _raised(found: Values, power: float) -> Values:
    """Return the values of a map to a power, (rows · cols, channels)."""
    least = np.maximum(found.reshape(-1, found.shape[2]), np.float32(SMALLEST))
    # The power of nearly all networks, by two products: a tenth of the time.
    raised = least * least * least if power == 3 else least ** np.float32(power)
    return np.asarray(raised, dtype=np.float32)


def _root(mean: Values, power: float) -> Values:
    return np.asarray(mean ** (1 / power), dtype=np.float32)


def _shares(windows: Values, rows: int, cols: int) -> Values:
    """Return how much of each place windows (k, 4) cover, float32 (k, rows · cols)."""
    # A window is a product of two spans: (k, rows) and (k, cols).
    down, across = _covers(windows[:, 0], windows[:, 2], rows), _covers(windows[:, 1], windows[:, 3], cols)
    return np.asarray((down[:, :, None] * across[:, None, :]).reshape(len(windows), -1))


def _covers(start: Values, length: Values, n: int) -> Values:
    """Return how much of each of n equal parts of [0, 1] spans (k,) cover, float32 (k, n)."""
    edges = np.arange(n + 1, dtype=np.float32) / np.float32(n)  # part i is [edges[i], edges[i + 1]]
    end = np.minimum((start + length)[:, None], edges[1:])
    inside = np.maximum(end - np.maximum(start[:, None], edges[:-1]), 0)
    return np.asarray(inside * np.float32(n), dtype=np.float32)
