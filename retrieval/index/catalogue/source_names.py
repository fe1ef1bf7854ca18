"""The names of files: each is one file's alone, and no name of an image of another file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from itertools import chain, count
from pathlib import Path

from .database import Catalogue
from .stored_json import parse
from .tombstones import were_removed

_FRAME = re.compile(r"#\d+$")
"""The end of the name of one of several images of a file."""


def free_name(catalogue: Catalogue, root: int, name: str) -> str:
    """Return the name of a new file of a folder: its own, or the next that is not taken."""
    candidates = chain([name], _prefixed(catalogue, root, name))
    return next(n for n in candidates if not _is_taken(catalogue, root, n))


def may_name_images(catalogue: Catalogue, names: Sequence[str]) -> bool:
    """Tell whether new files could be called as images of others are, or the other way round."""
    if any(_FRAME.search(name) for name in names):
        return True
    # "$" is the letter behind "#": the index of names finds all that go on with one.
    sql = """SELECT 1 FROM json_each(?) new CROSS JOIN source s
        ON s.name > new.value || '#' AND s.name < new.value || '$' LIMIT 1"""
    return bool(catalogue.rows(sql, json.dumps(names)))


def _is_taken(catalogue: Catalogue, root: int, name: str) -> bool:
    if catalogue.rows("SELECT 1 FROM source WHERE name = ?", name) or were_removed(catalogue, [name]):
        return True
    if _FRAME.search(name) and catalogue.rows("SELECT 1 FROM source WHERE name = ?", _FRAME.sub("", name)):
        return True
    longer = catalogue.rows("SELECT name FROM source WHERE name > ? AND name < ?", f"{name}#", f"{name}$")
    if any(_FRAME.fullmatch(other[len(name) :]) for (other,) in longer):
        return True
    sql = "SELECT roots FROM label WHERE name = ? OR (name >= ? AND name < ?)"
    waiting = catalogue.rows(sql, name, f"{name}#", f"{name}$")  # of the file, and of its frames
    return any(root not in parse(roots, list, f"the label of {name}") for (roots,) in waiting)


def _prefixed(catalogue: Catalogue, root: int, name: str) -> Iterator[str]:
    path = catalogue.rows("SELECT path FROM root WHERE id = ?", root)[0][0]
    # A file name that is not valid UTF-8 cannot be a TEXT of SQLite.
    folder = Path(os.fsdecode(catalogue.names.path(path))).name
    base = catalogue.names.name(folder.encode("utf-8", "replace").decode("utf-8"))
    yield f"{base}/{name}"
    yield from (f"{base}~{number}/{name}" for number in count(2))
