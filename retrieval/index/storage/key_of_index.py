"""The key of an index: found by the id that the catalogue keeps, and moved out of indexes that held it."""

from __future__ import annotations

from pathlib import Path

from ...errors import IndexFolderError
from ...readers.pseudonym import FAST, SLOW, Key
from ..catalogue.database import Catalogue
from .key_file import find_key, keep_key, key_id, make_key


def new_key_rows(folder: Path) -> dict[str, str]:
    """Return what the catalogue of a new index says of its key, which is made if there is none."""
    return {"key": key_id(make_key(folder)), "hash": str(SLOW)}


def key_of(catalogue: Catalogue) -> Key:
    """Return the key of an index: its own, as formats 1 and 2 kept it, or that of its id.

    A key that is not at hand is stood for by one whose hashes match nothing (``is_known`` is False).
    """
    function = int(_meta(catalogue, "hash") or FAST)
    if salt := _meta(catalogue, "salt"):
        return Key.of(bytes.fromhex(salt), function)
    found = find_key(catalogue.meta("key"))
    return Key.unknown(function) if found is None else Key.of(found, function)


def move_out(catalogue: Catalogue) -> bool:
    """Move the key of an index that holds it to a key file; tell if it was moved.

    It stays where it is if no key file can be written: an index that could be written to still can.
    """
    salt = _meta(catalogue, "salt")
    if not salt:
        return False
    secret = bytes.fromhex(salt)
    try:
        keep_key(secret, catalogue.folder)
    except IndexFolderError:
        return False
    # The file is on the disk by now: a kill between the two leaves the key in both places.
    with catalogue.transaction():
        catalogue.run("DELETE FROM meta WHERE key = 'salt'")
        catalogue.run("INSERT INTO meta VALUES ('key', ?)", key_id(secret))
    return True


def _meta(catalogue: Catalogue, name: str) -> str | None:
    found = catalogue.rows("SELECT value FROM meta WHERE key = ?", name)
    return str(found[0][0]) if found else None
