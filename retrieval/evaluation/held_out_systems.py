"""Held-out systems: each query is ranked by what was learnt without it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..answers.relevance_feedback import Rocchio
from ..index.search.held_out import held_out_ranker
from ..index.search.metric_folds import metric_folds
from ..index.search.sampled_scores import sampled_scores
from ..index.storage.snapshot import Snapshot
from ..ranker import Ranker, Ranking
from ..representation import Vector
from .systems import Liked, Mask, System


def by_held_out(snapshot: Snapshot, name: str) -> System:
    """Return the system of a representation; one that is learnt ranks by what it learnt without the query.

    By its own ranking it finds what it was taught.
    """

    def query(ranker: Ranker, position: int, liked: Liked) -> Vector:
        return Rocchio().refine(ranker.vector(position), [ranker.vector(one) for one in liked], ())

    def ranking(position: int, allowed: Mask, liked: Liked) -> Ranking:
        # One ranker a fold, of all images in the space of that fold; the snapshot keeps them.
        ranker = held_out_ranker(snapshot, name, position)
        return ranker.rank(query(ranker, position, liked), len(allowed), allowed)

    def sample(position: int, liked: Liked) -> NDArray[np.float32]:
        ranker = held_out_ranker(snapshot, name, position)
        return sampled_scores(snapshot, ranker, query(ranker, position, liked))

    seen = next(iter(metric_folds(snapshot, [name])), None)
    return System(name, ranking, sample=sample, knows_labels=True, seen=seen)
