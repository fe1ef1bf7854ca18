"""The setup of workers: what they restore the representations of an index from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ...readers.limits import current_limits
from ..catalogue.representations import StoredRepresentation
from ..storage.store import Store
from .worker_messages import Setup, Spec


def setup(
    store: Store,
    chosen: Sequence[StoredRepresentation],
    in_batches: Collection[int] = frozenset(),
    descriptions: Path | None = None,
) -> Setup:
    """Return what workers need to restore representations; those ``in_batches`` by number."""
    # Absolute: a worker process may start in another working directory.
    models = store.folder.absolute() / "models"
    specs = tuple(
        Spec(b.id, b.name, b.settings, None if b.model is None else models / b.model, b.id in in_batches)
        for b in chosen
    )
    about = (store.window.text, store.salt, specs, store.factories, store.privacy)
    kept = None if descriptions is None else descriptions.absolute()
    return Setup(*about, current_limits(), store.tiling, kept)
