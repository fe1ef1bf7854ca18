"""Which images learned metrics have seen, and in which fold, also those that have changed since.

A changed image has another number than the one that the metric was learnt from. Taken for a new one it would
be found, and find, by the label that it gave.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...metric_learning.held_out import UNSEEN, HeldOut
from ..storage.snapshot import Snapshot
from .candidates import own_position
from .query_options import QueryImage

CHANGED = -2
"""In the place of a fold: the metric may have seen the image, and nobody knows in which fold."""

_MANY, _MOSTLY = 0.05, 0.5
"""The share of the images of a metric that is gone, and of what came, from which on these may be the same."""

Folds = NDArray[np.int64]


def metric_folds(snapshot: Snapshot, names: Sequence[str]) -> list[Folds]:
    """Return of each learned metric that keeps folds that of each image, int64 (n,), UNSEEN, or CHANGED."""
    return [folds for _, folds in _by_name(snapshot, names)]


def comparable_with(folds: Folds, fold: int) -> NDArray[np.bool_]:
    """Return which images a query of a fold may find, bool (n,): its ranking must not know their labels.

    ``folds`` int64 (n,) are those of the images; the query's may be UNSEEN or CHANGED, too.
    """
    known: NDArray[np.bool_] = folds != CHANGED
    return known if fold == UNSEEN else known & ((folds == fold) | (folds == UNSEEN))


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
    folds = held_out.folds_of(ids)
    n_seen = int((folds != UNSEEN).sum())
    is_later = ids > seen.max(initial=-1)
    if n_seen == len(seen) or not is_later.any():
        return folds
    # Some went, and some came: a file keeps its number when it changes, and a new one has a higher number
    # than all that were there. Where none is left, any may be one of those.
    sources = snapshot.sources
    last = sources[~is_later].max(initial=-1)
    is_changed = is_later & ((sources <= last) | (last < 0))
    # A file that was renamed is a new one. If many are gone, and not many more came, these may be the same.
    n_gone = len(seen) - n_seen - int(is_changed.sum())
    if n_gone >= _MANY * len(seen) and n_gone >= _MOSTLY * int((is_later & ~is_changed).sum()):
        is_changed = is_later
    folds[is_changed] = CHANGED
    return folds
