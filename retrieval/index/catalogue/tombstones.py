"""The tombstones: how an index remembers what was removed without keeping its name.

A name and a path become keyed hashes: whoever holds the index can test whether a name was removed from it,
but cannot read one off.
"""

from __future__ import annotations

import os

from ...readers.pseudonym import hashed
from .database import Catalogue

_MARK = b"\0removed:"
"""No path begins with it, as no path holds a zero byte."""


def tombstone_key(salt: bytes, name: str) -> str:
    """Return what stands for the name of a removed picture or file."""
    return hashed(salt, "removed", name)


def tombstone_path_key(salt: bytes, path: bytes) -> bytes:
    """Return what stands for the path of a removed file below its root."""
    return _MARK + hashed(salt, "removed path", os.fsdecode(path)).encode()


def is_buried(path: bytes) -> bool:
    """Tell whether a path of a source is that of a removed file."""
    return path.startswith(_MARK)


def add_tombstone(catalogue: Catalogue, id: int, reason: str) -> None:
    """Within a transaction: forget the name, path and labels of a file without pictures; keep hashes."""
    salt = salt_of(catalogue)
    name, path = catalogue.rows("SELECT name, path FROM source WHERE id = ?", id)[0]
    catalogue.run(
        "DELETE FROM label WHERE name = ? OR substr(name, 1, ?) = ?", name, len(name) + 1, f"{name}#"
    )
    catalogue.run("INSERT OR REPLACE INTO removed VALUES (?, ?)", tombstone_key(salt, name), id)
    catalogue.run(
        "UPDATE source SET name = ?, path = ?, state = 'removed', reason = ? WHERE id = ?",
        *(f"removed {tombstone_key(salt, name)}", tombstone_path_key(salt, bytes(path)), reason, id),
    )


def bury_picture(catalogue: Catalogue, id: int, name: str, source: int) -> None:
    """Within a transaction: forget a picture and its labels, and remember it by a hash."""
    catalogue.run("DELETE FROM picture WHERE id = ?", id)
    catalogue.run("DELETE FROM label WHERE name = ?", name)
    catalogue.run(
        "INSERT OR REPLACE INTO removed VALUES (?, ?)", tombstone_key(salt_of(catalogue), name), source
    )


def all_tombstone_keys(catalogue: Catalogue) -> frozenset[str]:
    """Return what stands for everything that was removed."""
    return frozenset(name for (name,) in catalogue.rows("SELECT name FROM removed"))


def salt_of(catalogue: Catalogue) -> bytes:
    """Return the key of the hashes of an index."""
    return bytes.fromhex(catalogue.meta("salt"))
