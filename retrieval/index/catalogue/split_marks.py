"""Split marks: what the catalogue of a shard, or of the head of shards, says of the split it belongs to.

Neither is ever written to again. A shard that changed would not be the one that its head knows; so the whole
index is brought up to date, and split again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import IndexFolderError
from .database import Catalogue
from .recipe import canonical
from .stored_json import parse

HEAD, SHARD = "shards", "shard"


def mark_of(catalogue: Catalogue, kind: str) -> dict[str, Any] | None:
    """Return what the catalogue of a ``HEAD`` or a ``SHARD`` says of its split; None if it is none."""
    found = catalogue.rows("SELECT value FROM meta WHERE key = ?", kind)
    return parse(found[0][0], dict, "what it says of its split") if found else None


def set_mark(catalogue: Catalogue, kind: str, mark: dict[str, Any]) -> None:
    """Mark a catalogue, within a transaction."""
    catalogue.run("INSERT INTO meta VALUES (?, ?)", kind, canonical(mark))


def refuse_head(catalogue: Catalogue, folder: Path) -> None:
    """Raise IndexFolderError for the head of shards, which holds no vectors of its own."""
    if mark_of(catalogue, HEAD) is not None:
        raise IndexFolderError(f"{folder}: is the head of shards; ask {folder.parent / 'shards.toml'}")


def refuse_change(catalogue: Catalogue, folder: Path) -> None:
    """Raise IndexFolderError for a shard, which its head would not know any more."""
    if mark_of(catalogue, SHARD) is not None:
        raise IndexFolderError(
            f"{folder}: is a shard, and is not changed; change the whole index, and split that again with "
            "`semblance shard`"
        )
