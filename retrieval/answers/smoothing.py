"""Smoothing: the scores of a ranking's best images move towards those of images that are like them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ranking, order

POOL = 200
"""How many of the best are smoothed. Their neighbours are among them: those of the whole collection would
have to be kept on disk, and be exact after every change."""


def smooth(ranking: Ranking, cosines: NDArray[np.float32], n: int, alone: int | None = None) -> Ranking:
    """Return a ranking whose best images have the mean of their own score and that of their n neighbours.

    s′(d) = (s(d) + Σ_j w_dj s(j) / Σ_j w_dj) / 2, over the n images j of the best that are most like d, with
    w_dj = max(cos(d, j), 0)³. An image that is like none of the others keeps its score, and so do
    those that are not among the best. Only images of the ranking are neighbours: what may not be found has
    no influence.

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
    if n < m:  # all but the n largest of a row are left out
        weights *= weights >= np.partition(weights, m - n, axis=1)[:, m - n, None]
    weights = weights.astype(np.float64)
    weights *= weights * weights  # near ones decide
    total = weights.sum(axis=1)
    means = np.divide(weights @ own, total, out=own.copy(), where=total > 0)
    best = order(ranking.ids[:m], ((own + means) / 2).astype(np.float32), m)
    # Means of the best are no less than what is behind these, which stays in its order.
    ids, scores = (
        np.concatenate([best.ids, ranking.ids[m:]]),
        np.concatenate([best.scores, ranking.scores[m:]]),
    )
    return Ranking(ids, scores)
