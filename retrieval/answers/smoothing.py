"""Smoothing: the scores of a ranking's best images move towards those of images that are like them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernel import is_worth_loading, kernel
from ..ranker import Ranking, order

POOL = 200
"""How many of the best are smoothed. Their neighbours are among them: those of the whole collection would
have to be kept on disk, and be exact after every change."""

Scores = NDArray[np.float64]


def smooth(ranking: Ranking, cosines: NDArray[np.float32], n: int, alone: int | None = None) -> Ranking:
    """Return a ranking whose best images have the mean of their own score and that of their n neighbours.

    s′(d) = (s(d) + Σ_j w_dj s(j) / Σ_j w_dj) / 2, over the n images j of the best that are most like d, with
    w_dj = max(cos(d, j), 0)³; of those as like, the better ranked. An image that is like none of the others
    keeps its score, and so do those that are not among the best. Only images of the ranking are
    neighbours: what may not be found has no influence.

    Parameters
    ----------
    ranking : best first.
    cosines : float32 (m, m), of its first images with each other, in their order; ``POOL`` are of use.
    n : how many neighbours, at least 1.
    alone : the id of an image that keeps its score and is nobody's neighbour: an indexed query itself.
    """
    m = len(cosines)
    if m < 2:
        return ranking
    own = ranking.scores[:m].astype(np.float64)
    weights = np.maximum(cosines, 0)  # (m, m)
    np.fill_diagonal(weights, 0)
    if alone is not None:
        weights[:, ranking.ids[:m] == alone] = 0
        weights[ranking.ids[:m] == alone] = 0
    means = (_means if is_worth_loading(100.0 * m * m) else _means_in_numpy)(weights, own, min(n, m))
    best = order(ranking.ids[:m], ((own + means) / 2).astype(np.float32), m)
    # Means of the best are no less than what is behind these, which stays in its order.
    ids, scores = (
        np.concatenate([best.ids, ranking.ids[m:]]),
        np.concatenate([best.scores, ranking.scores[m:]]),
    )
    return Ranking(ids, scores)


@kernel()
def _means(weights: NDArray[np.float32], own: Scores, n: int) -> Scores:
    """Return the mean of ``own`` (m,) over the n nearest of each, by the cubes of ``weights`` (m, m)."""
    m = len(own)
    means, nearest, near = own.copy(), np.empty(n + 1, np.int64), np.empty(n + 1, np.float32)
    for row in range(m):
        found, least = 0, np.float32(0)
        for column in range(m):
            weight = weights[row, column]
            if weight <= least:  # as nearly all are
                continue
            place = found
            while place > 0 and near[place - 1] < weight:
                nearest[place], near[place] = nearest[place - 1], near[place - 1]
                place -= 1
            nearest[place], near[place] = column, weight
            found = min(n, found + 1)
            if found == n:
                least = near[n - 1]
        total, scored = 0.0, 0.0
        for place in range(found):
            weight = np.float64(near[place])
            cube = weight * weight * weight  # near ones decide
            total += cube
            scored += cube * own[nearest[place]]
        if total > 0:
            means[row] = scored / total
    return means


def _means_in_numpy(weights: NDArray[np.float32], own: Scores, n: int) -> Scores:
    """Do what ``_means`` does: the same additions in the same order, so the same bits."""
    nearest = np.argsort(-weights, axis=1, kind="stable")[:, :n]
    cubes = np.take_along_axis(weights, nearest, axis=1).astype(np.float64)
    cubes = cubes * cubes * cubes
    total, scored = np.zeros(len(own)), np.zeros(len(own))
    for place in range(n):
        total += cubes[:, place]
        scored += cubes[:, place] * own[nearest[:, place]]
    return np.divide(scored, total, out=own.copy(), where=total > 0)
