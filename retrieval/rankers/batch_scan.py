"""The batch scan: many queries at once, by one matrix product a piece, re-scored so that nothing changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids, Ranking
from .dense_block import Part
from .top_k import Selection

_PIECE = 4096
"""Vectors of a product: with 64 queries their scores, 1 MB, stay in the cache."""

_MORE = 32
"""Rows that are kept besides the best k, for those that rounding may bring up."""

_ROUNDING = 2.0**-24


def scan_batch(
    parts: Sequence[Part], queries: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None
) -> list[Ranking | None]:
    """Rank rows by the cosine with each query, float32 (m, d) of unit length or zeros.

    A matrix product sums in another order than a single score, so that it only chooses what is scored. Its
    error has a bound; None for a query for which the bound leaves too many rows to choose.
    """
    chosen = [Selection(k + _MORE, among) for _ in queries]
    for ids, block in parts:
        block.check.all()
        # Rows of zeros have the length 0 and the product 0.
        lengths = np.maximum(block.lengths, np.finfo(np.float32).tiny)
        for first in range(0, block.n, _PIECE):
            rows = slice(first, first + _PIECE)
            scores = queries @ block.vectors[rows].T
            scores /= lengths[rows]
            for selection, own in zip(chosen, scores, strict=True):
                selection.offer(ids[rows], own)
    place = _places(parts)
    error = 2.2 * (queries.shape[1] + 16) * _ROUNDING
    return [
        _scored(parts, place, query, selection.ranking(), k, error)
        for query, selection in zip(queries, chosen, strict=True)
    ]


def _places(parts: Sequence[Part]) -> tuple[Ids, NDArray[np.int64]]:
    """Return all ids, rising, and for each the row that it has when the blocks follow each other."""
    ids = np.concatenate([np.empty(0, np.int64), *(own for own, _ in parts)])
    order = np.argsort(ids, kind="stable")
    return ids[order], order


def _scored(
    parts: Sequence[Part],
    place: tuple[Ids, NDArray[np.int64]],
    query: NDArray[np.float32],
    found: Ranking,
    k: int,
    error: float,
) -> Ranking | None:
    """Return the best k of what a product found, by their scores; None if others may be as good."""
    if len(found) > k and len(found) == k + _MORE and found.scores[-1] >= found.scores[k - 1] - 2 * error:
        return None
    ids, order = place
    rows = order[np.searchsorted(ids, found.ids)]
    best = Selection(min(k, len(found)))
    first = 0
    for own, block in parts:
        here = rows[(rows >= first) & (rows < first + block.n)] - first
        best.offer(own[here], block.scores_of(here, [query], is_cosine=True))
        first += block.n
    return best.ranking()
