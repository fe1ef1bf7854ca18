"""The texts of a catalogue: all that people can read in it, with the table that holds it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from .database import Catalogue

_OWN = {
    "meta": ("value",),  # window, versions, ids of keys: what the program itself writes
    "root": ("folder",),
    "segment": ("folder", "checksum"),
    "representation": ("name", "recipe", "model"),
    "source": ("part", "whole"),
    "removed": ("name",),
    "pixels": ("hash",),
}
"""Columns in which no text of a file, a header or a user can be: hashes, and words of the program."""

_HASH = re.compile(r"(?<![^\W_])[0-9a-f]{16}(?![^\W_])")
"""What stands for a hidden name; some of a hundred thousand hold eight digits that could be a date."""


def catalogue_texts(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Yield every text that a user, a file or a header can have brought in, as (table and column, text)."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    with catalogue.snapshot():
        for (table,) in catalogue.rows(tables):
            columns = [str(row[1]) for row in catalogue.rows(f"PRAGMA table_info({table})")]
            for name in (c for c in columns if c not in _OWN.get(table, ())):
                # Names stand in the SQL as the catalogue itself spells them.
                rows = catalogue.rows(f'SELECT DISTINCT "{name}" FROM "{table}"')
                yield from ((f"{table}.{name}", text) for (value,) in rows if (text := _text(value)))


def _text(value: object) -> str:
    """Return a value as text; nothing for numbers, and for paths that are encrypted or hashed."""
    if isinstance(value, bytes):
        return "" if value.startswith(b"\0") else os.fsdecode(value)
    return _HASH.sub(" ", value) if isinstance(value, str) else ""
