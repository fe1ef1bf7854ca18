"""The scores of a query over the sample of the index: what scales them for a fusion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...answers.fusion import Scale, scale_of
from ...ranker import HoldsSample, Ranker
from ..storage.sample import sample_of
from ..storage.snapshot import Snapshot
from .rerank import Reranked, n_reranked


def sampled_scores(snapshot: Snapshot, ranker: Ranker, vector: object) -> NDArray[np.float32]:
    """Return the scores of a query's vector over the sample, float32 (≤ 1,000,), highest first."""
    sample = sample_of(snapshot)
    # Whichever shards are away, a score is scaled as it always is.
    ranker = ranker.sampled if isinstance(ranker, HoldsSample) else ranker
    mask = None
    # A mask of all would only cost time.
    if len(sample) < len(snapshot):
        mask = np.zeros(len(snapshot), dtype=bool)
        mask[sample] = True
    return ranker.rank(vector, len(sample), mask).scores


def scale_for(snapshot: Snapshot, reranked: Reranked, how: str) -> Scale:
    """Return the scale of what one representation answers, by the first scores of its query."""
    query, ranking = reranked.query, reranked.ranking
    if n_reranked(query) is None:
        # All were scored anew, on another scale than the first: those of the sample that may be found tell.
        own = ranking.scores[np.isin(ranking.ids, sample_of(snapshot))]
        return scale_of(own if len(own) > 1 else ranking.scores, how)
    ranker = snapshot.ranker(query.name) if query.ranker is None else query.ranker
    return scale_of(sampled_scores(snapshot, ranker, query.encoding.vector), how)
