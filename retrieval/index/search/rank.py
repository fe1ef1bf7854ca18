"""Ranking: the candidates in the order of their likeness to an encoded query."""

from __future__ import annotations

import numpy as np

from ...errors import REPAIR, IndexFolderError
from ...ranker import Ranker, Ranking
from ..storage.snapshot import Snapshot
from .candidates import Mask
from .encode_query import EncodedQuery


def ranker_of(snapshot: Snapshot, encoded: EncodedQuery) -> Ranker:
    """Return what ranks by an encoded query."""
    return snapshot.ranker(encoded.name) if encoded.ranker is None else encoded.ranker


def rank(snapshot: Snapshot, encoded: EncodedQuery, k: int, mask: Mask | None) -> Ranking:
    """Return the best k candidates by one representation. Raise IndexFolderError if a score is no number."""
    ranking = ranker_of(snapshot, encoded).rank(encoded.encoding.vector, k, mask)
    # Damaged vectors of a dense index are not read one by one; a score of NaN gives them away.
    if not np.isfinite(ranking.scores).all():
        raise IndexFolderError(
            f"{encoded.name}: this index is damaged; {REPAIR} (`semblance verify` says where)"
        )
    return ranking
