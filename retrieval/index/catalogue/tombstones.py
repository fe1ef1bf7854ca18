"""Tombstones: an index remembers what was removed, without keeping its name.

Names and paths become keyed hashes. Whoever has the key can test if a given name was removed from an index;
nobody can read names off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from ...readers.pseudonym import hashed
from .database import Catalogue
from .pixel_hashes import drop_hashes

_MARK = b"\0removed:"
"""The first bytes of the path of a removed file. No real path begins so, as none holds a zero byte."""


def tombstone_key(salt: bytes, name: str) -> str:
    """Return the keyed hash that replaces the name of a removed image or file."""
    return hashed(salt, "removed", name)


def tombstone_path_key(salt: bytes, path: bytes) -> bytes:
    """Return the keyed hash that replaces the path of a removed file below its root."""
    return _MARK + hashed(salt, "removed path", os.fsdecode(path)).encode()


def is_tombstone(path: bytes) -> bool:
    """Tell if the path of a source is that of a removed file."""
    return path.startswith(_MARK)


def add_tombstone(catalogue: Catalogue, id: int, reason: str) -> None:
    """Within a transaction: replace the name and path of a file without images by hashes; drop its labels."""
    name, path = catalogue.rows("SELECT name, path FROM source WHERE id = ?", id)[0]
    below = catalogue.names.path(bytes(path))
    # `substr` and not LIKE: a name may hold % and _.
    catalogue.run(
        "DELETE FROM label WHERE name = ? OR substr(name, 1, ?) = ?", name, len(name) + 1, f"{name}#"
    )
    # The row stays, as `removed`, so that the next scan recognises the file and does not index it again.
    catalogue.run("UPDATE source SET state = 'removed', reason = ? WHERE id = ?", reason, id)
    name_tombstone(catalogue, id, name, below)


def name_tombstone(catalogue: Catalogue, id: int, name: str, below: bytes) -> None:
    """Within a transaction: let a removed file be known by hashes of a name and of a path below its root."""
    key, path = tombstone_key(catalogue.key, name), tombstone_path_key(catalogue.key, below)
    catalogue.run("INSERT OR REPLACE INTO removed VALUES (?, ?)", key, id)
    # Earlier versions gave the name of a removed file to a file of another folder, which may go as well.
    taken = catalogue.rows("SELECT 1 FROM source WHERE name = ? AND id <> ?", f"removed {key}", id)
    called = f"removed {key} {id}" if taken else f"removed {key}"
    catalogue.run("UPDATE source SET name = ?, path = ? WHERE id = ?", called, path, id)


def has_tombstones(catalogue: Catalogue) -> bool:
    """Tell whether anything was removed from an index, be it a file or an image of one."""
    return bool(catalogue.rows("SELECT 1 FROM removed LIMIT 1"))


def move_away(catalogue: Catalogue, id: int) -> None:
    """Within a transaction: let a file be known by no name until it gets one, or is dropped."""
    names = f"removed {id}", _MARK + b"%d" % id
    catalogue.run("UPDATE source SET name = ?, path = ? WHERE id = ?", *names, id)


def add_picture_tombstone(catalogue: Catalogue, id: int, name: str, source: int) -> None:
    """Within a transaction: delete an image and its labels, and keep a hash of its name."""
    drop_hashes(catalogue, "?", [(id,)])
    catalogue.run("DELETE FROM picture WHERE id = ?", id)
    catalogue.run("DELETE FROM label WHERE name = ?", name)
    catalogue.run("INSERT OR REPLACE INTO removed VALUES (?, ?)", tombstone_key(catalogue.key, name), source)


def add_folder_tombstone(catalogue: Catalogue, name: str) -> None:
    """Within a transaction: remember that all below a ``folder/`` was removed, by a hash of its name."""
    # Of no file: numbers of files begin with 1.
    catalogue.run("INSERT OR REPLACE INTO removed VALUES (?, 0)", tombstone_key(catalogue.key, name))


def was_removed(catalogue: Catalogue, name: str) -> bool:
    """Tell if an image, file or ``folder/`` of a name was removed."""
    return were_removed(catalogue, [name])


def were_removed(catalogue: Catalogue, names: Sequence[str]) -> bool:
    """Tell if any image, file or ``folder/`` of some names was removed."""
    if not catalogue.rows("SELECT 1 FROM removed LIMIT 1"):
        return False
    keys = json.dumps([tombstone_key(catalogue.key, name) for name in names])
    sql = "SELECT 1 FROM removed WHERE name IN (SELECT value FROM json_each(?)) LIMIT 1"
    return bool(catalogue.rows(sql, keys))


def all_tombstone_keys(catalogue: Catalogue) -> frozenset[str]:
    """Return the hashes of all that was removed."""
    return frozenset(name for (name,) in catalogue.rows("SELECT name FROM removed"))
