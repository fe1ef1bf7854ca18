"""The sample of a snapshot: the positions of the images whose scores say what an ordinary score is."""

from __future__ import annotations

import numpy as np

from ...ranker import Ids
from ..catalogue.sample import sampled
from .snapshot import Snapshot
from .snapshot_rankers import MovedOnError


def sample_of(snapshot: Snapshot) -> Ids:
    """Return the positions of the sample, int64 (≤ 1,000,), rising; the same for every query of a commit."""
    return snapshot.cached(("sample",), lambda: _positions(snapshot))


def _positions(snapshot: Snapshot) -> Ids:
    with snapshot.catalogue.snapshot():
        # Images of a later commit would have no position in this one.
        if snapshot.catalogue.generation != snapshot.generation:
            raise MovedOnError
        ids, _ = sampled(snapshot.catalogue)
    return np.flatnonzero(np.isin(snapshot.ids, ids))
