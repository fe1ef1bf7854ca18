"""The best of several representations together, by no more of their rankings than it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...answers.bounded_fusion import fuse_best, may_save
from ...ranker import Ranking
from ..storage.snapshot import Snapshot
from .candidates import Mask
from .encode_query import EncodedQuery
from .fusion import Fusion
from .look_up import LookUp
from .query_options import QueryOptions
from .rank import rank
from .rerank import Reranked, n_reranked
from .smooth import Smoothing


class Fused(NamedTuple):
    """A fused ranking, what each representation answered, and how they were fused."""

    ranking: Ranking
    reranked: Sequence[Reranked]
    fusion: Fusion


def best_fused(
    snapshot: Snapshot,
    encoded: Sequence[EncodedQuery],
    k: int,
    mask: Mask | None,
    fusion: Fusion,
    smoothing: Smoothing | None = None,
) -> Fused | None:
    """Return the best k images by several representations; None if whole rankings are needed.

    They are if one is reranked, which orders images anew, or if the index is small.
    """
    if len(encoded) == 1 or any(n_reranked(one) != 0 for one in encoded):
        return None
    n = len(snapshot) if mask is None else int(np.count_nonzero(mask))
    if not may_save(n, k):  # else the scales of a small index would be found twice
        return None
    scaled = fusion.scaled(snapshot, [Reranked(one, Ranking.of_nothing()) for one in encoded])
    # The places of smoothed images are known by their ranking alone.
    is_smoothed = smoothing is not None and smoothing.n > 0
    look_up = None if is_smoothed else LookUp.of(snapshot, encoded, mask)
    found = fuse_best(
        lambda depth: (
            [_ranked(snapshot, one, depth, mask, smoothing) for one in encoded]
            if look_up is None
            else look_up.rankings(depth)
        ),
        *(n, k, scaled.rule, scaled.weights, scaled.scales, look_up),
    )
    if found is None:
        return None
    best, rankings = found
    reranked = [Reranked(one, ranking) for one, ranking in zip(encoded, rankings, strict=True)]
    return Fused(best, reranked, scaled)


def _ranked(
    snapshot: Snapshot, encoded: EncodedQuery, depth: int, mask: Mask | None, smoothing: Smoothing | None
) -> Ranking:
    if smoothing is None:
        return rank(snapshot, encoded, depth, mask)
    # The pool's new scores are means of its own: none falls below what stands behind it.
    ranking = rank(snapshot, encoded, smoothing.depth(depth), mask)
    return smoothing.of(Reranked(encoded, ranking)).ranking


def rank_by_all(
    snapshot: Snapshot, encoded: Sequence[EncodedQuery], k: int, mask: Mask | None, options: QueryOptions
) -> Ranking:
    """Return the candidates by all representations together, without reranking.

    The best k, or more.
    """
    fusion = Fusion.of(snapshot, encoded, options)
    best = best_fused(snapshot, encoded, k, mask, fusion)
    if best is not None:
        return best.ranking
    # What is 11th in one may be first of all.
    depth = k if len(encoded) == 1 else len(snapshot)
    # Reranking is left out: volumes and classification rank hundreds of queries for one answer.
    found = [Reranked(one, rank(snapshot, one, depth, mask)) for one in encoded]
    return fusion.scaled(snapshot, found).fuse([one.ranking for one in found])
