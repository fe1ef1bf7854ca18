"""Ranking: the candidates in the order of their likeness to an encoded query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import REPAIR, IndexFolderError
from ...ranker import Ranking
from ..storage.snapshot import Snapshot
from .candidates import Mask
from .encode_query import EncodedQuery
from .fusion import Fusion
from .query_options import QueryOptions
from .rerank import Reranked


def rank(snapshot: Snapshot, encoded: EncodedQuery, k: int, mask: Mask | None) -> Ranking:
    """Return the best k candidates by one representation. Raise IndexFolderError if a score is no number."""
    ranker = snapshot.ranker(encoded.name) if encoded.ranker is None else encoded.ranker
    ranking = ranker.rank(encoded.encoding.vector, k, mask)
    # Damaged vectors of a dense index are not read one by one; a score of NaN gives them away.
    if not np.isfinite(ranking.scores).all():
        raise IndexFolderError(
            f"{encoded.name}: this index is damaged; {REPAIR} (`semblance verify` says where)"
        )
    return ranking


def rank_by_all(
    snapshot: Snapshot, encoded: Sequence[EncodedQuery], k: int, mask: Mask | None, options: QueryOptions
) -> Ranking:
    """Return the candidates by all representations together, without reranking.

    The best k of a single representation; all of them if several are fused.
    """
    # Fusion needs whole rankings: what is 11th in one may be first of all.
    depth = k if len(encoded) == 1 else len(snapshot)
    # Reranking is left out: volumes and classification rank hundreds of queries for one answer.
    found = [Reranked(one, rank(snapshot, one, depth, mask)) for one in encoded]
    fusion = Fusion.of(snapshot, encoded, options).scaled(snapshot, found)
    return fusion.fuse([one.ranking for one in found])
