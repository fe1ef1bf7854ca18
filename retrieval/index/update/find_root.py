"""Finding the root: which indexed folder a scanned one is, though it has moved, or another disc is there."""

from __future__ import annotations

from pathlib import Path

from ..catalogue.database import Catalogue
from ..catalogue.roots import IndexedRoot, add_root, all_roots, displace_root, move_root
from .recognise import could_hold, has_files, holds_files_of, is_another, is_there


def root_of(catalogue: Catalogue, folder: Path, salt: bytes, notes: list[str]) -> int:
    """Within a transaction: return the number of a folder's root: a known one, a moved one, or a new one.

    What the user should know is added to ``notes``.
    """
    known, called = all_roots(catalogue), catalogue.names.shown(str(folder))
    here = next((r for r in known if r.path == folder and not r.is_displaced), None)
    if here is not None and not is_another(catalogue, here, salt):
        return here.id
    before = _moved_here(catalogue, folder, [r for r in known if r is not here], salt)
    if here is not None:
        displace_root(catalogue, here.id)
        notes.append(
            f"{called}: no image indexed here holds what it held, so that it is taken for another "
            "folder or disc; what was indexed stays: take it out with `semblance remove` if it is no more"
        )
    if before is not None:
        move_root(catalogue, before.id, folder)
        return before.id
    notes += _doubts(catalogue, folder, [r for r in known if r is not here])
    return add_root(catalogue, folder)


def _moved_here(
    catalogue: Catalogue, folder: Path, others: list[IndexedRoot], salt: bytes
) -> IndexedRoot | None:
    """Return the root whose files are in a folder now, and not where they were; None if there is none."""
    if not has_files(folder):
        return None
    found = (r for r in others if holds_files_of(catalogue, folder, r, salt))
    # A copy of a folder that is still there is another folder.
    return next((r for r in found if not is_there(catalogue, r, salt)), None)


def _doubts(catalogue: Catalogue, folder: Path, others: list[IndexedRoot]) -> list[str]:
    """Say which vanished folders a new one looks like, if the index does not know what these held."""
    shown = catalogue.names.shown
    return [
        f"{shown(str(folder))}: its files have the names and sizes of those of {shown(str(r.path))}, which "
        "is not there; an index of format 1 does not know their contents, so that nothing is carried over "
        "and they are indexed anew"
        for r in others
        if not r.path.exists() and could_hold(catalogue, folder, r)
    ]
