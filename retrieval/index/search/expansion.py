"""Expansion: a query grows by what its verified hits hold where it matched, and ranks again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...evidence.localization import Expander
from ..storage.snapshot import Snapshot
from .encode_query import EncodedQuery
from .rerank import Reranked, gather_evidence, n_reranked


def expand(snapshot: Snapshot, reranked: Reranked) -> EncodedQuery | None:
    """Return a query to which its best verified hits are added (average query expansion, Chum et al. 2007).

    None if its representation adds none, or no hit is verified: then the answer stays as it is.
    """
    encoded, representation = reranked.query, reranked.query.representation
    if not isinstance(representation, Expander) or not representation.n_expanding:
        return None
    # Only verified hits: one wrong hit would add words of another scene, and drag in more of that.
    verified = _verified(reranked)[: representation.n_expanding]
    positions = np.array(verified, dtype=np.int64)
    hits = gather_evidence(snapshot, encoded.name, positions, np.zeros(len(verified), np.float32))
    if hits is None:
        return None
    # Words outside the box are of what the hit shows besides what was searched for.
    boxes = np.array([reranked.matches[p].box for p in verified])
    return replace(encoded, encoding=representation.expanded(encoded.encoding, hits, boxes))


def _verified(reranked: Reranked) -> list[int]:
    """Return the positions of the reranked images with an inlier, best first."""
    best = reranked.ranking.ids[: n_reranked(reranked.query)].tolist()
    return [p for p in best if p in reranked.matches and reranked.matches[p].n_inliers > 0]
