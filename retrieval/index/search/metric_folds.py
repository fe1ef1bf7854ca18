"""Which images learned metrics have seen, and in which fold, also those that have changed since.

A changed image has another number than the one that the metric was learnt from. Taken for a new one it would
be found, and find, by the label that it gave.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...metric_learning import HeldOut
from ..storage.snapshot import Snapshot
from .candidates import own_position
from .query_options import QueryImage

UNSEEN, CHANGED = -1, -2
"""In the place of a fold: the metric has not seen the image; it may have, and nobody knows in which fold."""

_MANY, _MOSTLY = 0.05, 0.5
"""The share of the images of a metric that is gone, and of what came, from which on these may be the same."""

Folds = NDArray[np.int64]


def metric_folds(snapshot: Snapshot, names: Sequence[str]) -> list[Folds]:
    """Return of each learned metric that keeps folds that of each image, int64 (n,), or one of the above."""
    return [folds for _, folds in _by_name(snapshot, names)]


def can_be_asked(snapshot: Snapshot, names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which images every metric is known to have seen or not, bool (n,)."""
    mask = np.ones(len(snapshot), dtype=np.bool_)
    for folds in metric_folds(snapshot, names):
        mask &= folds != CHANGED
    return mask


def unknown_to(snapshot: Snapshot, query: QueryImage, names: Sequence[str]) -> tuple[str, ...]:
    """Return the metrics of which nobody knows whether they have seen a query."""
    position = own_position(snapshot, query)
    if position is None:
        return ()
    return tuple(name for name, folds in _by_name(snapshot, names) if folds[position] == CHANGED)


def _by_name(snapshot: Snapshot, names: Sequence[str]) -> list[tuple[str, Folds]]:
    held_out = ((name, getattr(snapshot.representation(name), "held_out_", None)) for name in names)
    return [(name, _folds(snapshot, name, held)) for name, held in held_out if held is not None]


def _folds(snapshot: Snapshot, name: str, held_out: HeldOut) -> Folds:
    return snapshot.cached(("metric folds", name), lambda: _folds_now(snapshot, held_out))


def _folds_now(snapshot: Snapshot, held_out: HeldOut) -> Folds:
    ids, seen = snapshot.ids, held_out.ids
    folds = np.full(len(ids), UNSEEN, dtype=np.int64)
    if not len(seen) or not len(ids):
        return folds
    places = np.minimum(np.searchsorted(seen, ids), len(seen) - 1)
    is_seen = seen[places] == ids
    folds[is_seen] = held_out.folds[places[is_seen]]
    is_later = ids > seen[-1]
    if int(is_seen.sum()) == len(seen) or not is_later.any():
        return folds
    # Some went, and some came: a file keeps its number when it changes, and a new one has a higher number
    # than all that were there. Where none is left, any may be one of those.
    sources = snapshot.sources
    last = sources[~is_later].max(initial=-1)
    is_changed = is_later & ((sources <= last) | (last < 0))
    # A file that was renamed is a new one. If many are gone, and not many more came, these may be the same.
    n_gone = len(seen) - int(is_seen.sum() + is_changed.sum())
    if n_gone >= _MANY * len(seen) and n_gone >= _MOSTLY * int((is_later & ~is_changed).sum()):
        is_changed = is_later
    folds[is_changed] = CHANGED
    return folds
