"""Smoothing: the scores of a ranking's best images move towards those of images that are like them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ranking, order
from ..representation import SparseVector, Vector

POOL = 200
"""How many of the best are smoothed. Their neighbours are among them: those of the whole collection would
have to be kept on disk, and be exact after every change."""
_FULL = 4096
"""Up to this length sparse vectors are multiplied as full rows."""
_POWER = 3
"""Neighbours are weighted by their cosine to this power, so that near ones decide."""


def smooth(ranking: Ranking, vectors: Sequence[Vector], n: int, alone: int | None = None) -> Ranking:
    """Return a ranking whose best images have the mean of their own score and that of their n neighbours.

    s′(d) = (s(d) + Σ_j w_dj s(j) / Σ_j w_dj) / 2, over the n images j of the best that are most like d, with
    w_dj = max(cos(d, j), 0)³. An image that is like none of the others keeps its score, and so do
    those that are not among the best. Only images of the ranking have a say: what may not be found never has.

    Parameters
    ----------
    ranking : best first.
    vectors : those of its first images, in their order; at most ``POOL`` are of use.
    n : how many neighbours, at least 1.
    alone : the id of an image that keeps its score and is nobody's neighbour: an indexed query itself.
    """
    m = len(vectors)
    if m < 2:
        return ranking
    own = ranking.scores[:m].astype(np.float64)
    weights = np.maximum(_cosines(vectors), 0).astype(np.float64)  # (m, m)
    np.fill_diagonal(weights, 0)
    if alone is not None:
        weights[:, ranking.ids[:m] == alone] = 0
        weights[ranking.ids[:m] == alone] = 0
    if n < m:  # all but the n largest of a row are left out
        weights[weights < np.partition(weights, m - n, axis=1)[:, m - n, None]] = 0
    weights **= _POWER
    total = weights.sum(axis=1)
    means = np.divide(weights @ own, total, out=own.copy(), where=total > 0)
    scores = np.concatenate([(own + means) / 2, ranking.scores[m:]])
    return order(ranking.ids, scores.astype(np.float32), len(ranking))


def _cosines(vectors: Sequence[Vector]) -> NDArray[np.float32]:
    """Return the cosines of m vectors with each other, (m, m); those with a vector of zeros are 0."""
    products = _products(vectors)
    lengths = np.sqrt(np.maximum(products.diagonal(), 0))
    scale = np.outer(lengths, lengths)
    return np.asarray(np.divide(products, scale, out=np.zeros_like(products), where=scale > 0))


def _products(vectors: Sequence[Vector]) -> NDArray[np.float32]:
    """Return the dot products of m vectors with each other, (m, m)."""
    first = vectors[0]
    if isinstance(first, SparseVector) and first.size > _FULL:
        few = [vector for vector in vectors if isinstance(vector, SparseVector)]
        ends = np.cumsum([0, *(len(vector.indices) for vector in few)])
        values = np.concatenate([vector.values for vector in few])
        columns = np.concatenate([vector.indices for vector in few]).astype(np.int64)
        from scipy import sparse  # late: reading starts without it

        matrix = sparse.csr_matrix((values, columns, ends), shape=(len(few), first.size))
        return np.asarray((matrix @ matrix.T).toarray(), dtype=np.float32)
    # Bags of a few thousand words are quicker as full rows: one product of matrices.
    rows = np.stack([v.dense() if isinstance(v, SparseVector) else v for v in vectors])
    return np.asarray(rows @ rows.T, dtype=np.float32)
