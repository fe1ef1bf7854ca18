"""Changed files: what is recorded of those whose contents are no longer what they were."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from ..catalogue.database import Catalogue
from ..catalogue.files import State, add_source, drop_pictures, drop_sources, drop_tombstones, mark_changed
from ..catalogue.known_sources import KnownSource
from ..catalogue.pictures import drop_labels
from ..catalogue.tombstones import move_away
from .packed_files import Found
from .renamed import displaced
from .scanned import Changes, Scope


def record_changed(
    catalogue: Catalogue,
    scope: Scope,
    new: array[int],
    gone: list[KnownSource],
    changed: Sequence[tuple[Found, KnownSource]],
    changes: Changes,
) -> None:
    """Record files that have changed. One that took the name of another is new, and what was there is gone.

    Such are added to ``new`` and ``gone`` where something that was removed is among them.
    """
    taken = displaced(catalogue, scope, new, gone, changed) if changed else set()
    for file, found in changed:
        if file.at not in taken:
            mark_or_add(catalogue, scope, file, found, changes)
            continue
        # Their names are free for the new ones; which frames were removed is asked for later.
        drop_file_labels(catalogue, found, changes)
        drop_pictures(catalogue, [found.id])
        if found.state is State.REMOVED:
            drop_tombstones(catalogue, [found.id])
        move_away(catalogue, found.id)
        new.append(file.at)
        gone.append(found)


def mark_or_add(catalogue: Catalogue, scope: Scope, file: Found, found: KnownSource, changes: Changes) -> int:
    """Record that a file is to be read again, a removed one under its name; return its number."""
    drop_file_labels(catalogue, found, changes)
    id = found.id
    if found.state is not State.REMOVED:
        mark_changed(catalogue, id, file.stat)
    else:
        drop_sources(catalogue, [id])
        id = add_source(catalogue, scope.number, file.below, catalogue.names.name(file.name), file.stat)
    changes.changed.add(id)
    return id


def drop_file_labels(catalogue: Catalogue, found: KnownSource, changes: Changes) -> None:
    """Forget the labels of a file that was in the index: they are those of what it held then.

    The labels of a file that was never read wait for it.
    """
    if found.state is State.READ and drop_labels(catalogue, found.name):
        changes.unlabelled.append(found.name)
