"""Expansion: a query grows by what its proven hits hold where it matched, and asks again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...localization import Expander
from ..storage.snapshot import Snapshot
from .rerank import EncodedQuery, Reranked, candidates_of, n_wanted


def expanded(snapshot: Snapshot, sought: EncodedQuery, look: Reranked) -> EncodedQuery | None:
    """Return a query to which the best proven hits of its second look are added.

    None where its representation adds none, or nothing is proven: then the answer stays as it is.
    """
    representation = sought.representation
    if not isinstance(representation, Expander) or not representation.n_expanding:
        return None
    among = look.ranking.ids[: n_wanted(sought)].tolist()
    proven = [p for p in among if p in look.matches and look.matches[p].proof > 0]
    proven = proven[: representation.n_expanding]
    positions = np.array(proven, dtype=np.int64)
    hits = candidates_of(snapshot, sought.name, positions, np.zeros(len(proven), np.float32))
    if hits is None:
        return None
    boxes = np.array([look.matches[p].box for p in proven])
    return replace(sought, encoding=representation.expanded(sought.encoding, hits, boxes))
