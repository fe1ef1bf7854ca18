"""Labels: match the rows of a label table with the images of an index, and keep them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ...errors import OptionError
from ...metadata.label_table import LabelRow, LabelTable
from ...metadata.own_columns import refuse_own_columns
from ...readers.folder import find_files
from ..catalogue.database import Catalogue
from ..catalogue.pictures import count_unlabelled, set_labels
from ..catalogue.roots import roots
from ..catalogue.stored_json import parse
from ..catalogue.tombstones import all_tombstone_keys, tombstone_key
from ..storage.store import Store
from .scanned import Scope

_PAGE = 1000  # rows that are looked up at a time


@dataclass(frozen=True)
class LabelReport:
    """Result of applying a label table.

    ``n_rows`` is its number of rows, ``unmatched`` the paths that name no image, ``n_unlabelled`` the number
    of images without a label, ``dropped`` of how many rows each column is gone, which a new row lacks.
    """

    n_rows: int
    unmatched: tuple[str, ...]
    n_unlabelled: int
    dropped: Mapping[str, int] = field(default_factory=dict)


def labels_by_folder(folders: Sequence[Path]) -> LabelTable:
    """Label each image of some folders with the name of the folder that it is in."""
    # The same walk as that of the index, so that names agree; files that are no images do no harm.
    return LabelTable.by_folder(
        file.name for folder in folders if folder.is_dir() for file in find_files(folder, follow_links=True)
    )


def apply_labels(store: Store, table: LabelTable, scopes: Sequence[Scope]) -> LabelReport:
    """Keep the rows of a table in one commit; images indexed later under the same name get their labels too.

    A path is looked for in the folders that were just scanned, as a name of the index there, too. Names of
    other folders are not meant: discs number their files alike. If none was scanned, any name is. A folder of
    its own inside a scanned one is meant by paths that begin with its name there.
    """
    catalogue = store.catalogue
    numbers = [scope.number for scope in scopes] or list(roots(catalogue).values())
    places = [*_places(scopes)]
    found = {path: _find(catalogue, path, places) for path in table.rows}
    with catalogue.transaction():
        # Unmatched rows are kept under their path: a file that cannot be read today may be readable later.
        waiting = [
            (path, name, row)
            for path, row in table.rows.items()
            if found[path] is None and (name := _waiting(catalogue, path, scopes, places)) is not None
        ]
        there = [(name, row) for path, row in table.rows.items() if (name := found[path]) is not None]
        rows = [*there, *_without_removed(catalogue, waiting, places)]
        dropped = _dropped(catalogue, rows)
        set_labels(catalogue, rows, numbers)
    unmatched = tuple(catalogue.names.shown(path) for path, name in found.items() if name is None)
    return LabelReport(len(table.rows), unmatched, count_unlabelled(catalogue), dropped)


def count_changed(store: Store, table: LabelTable, scopes: Sequence[Scope]) -> int:
    """Return how many rows of a table are new or say another thing; the catalogue is one to throw away."""
    catalogue, rows = store.catalogue, "SELECT name, labels, columns FROM label"
    catalogue.run(f"CREATE TEMP TABLE before AS {rows}")
    apply_labels(store, table, scopes)
    ((n,),) = catalogue.rows(f"SELECT count(*) FROM ({rows} EXCEPT SELECT * FROM before)")
    return int(n)


def check_table(store: Store, table: LabelTable | None) -> None:
    """Refuse a table with columns that an index fills itself, and labels by folder if it hides folders.

    Raises SettingError.
    """
    refuse_own_columns(table, store.tiling is not None)
    if table is not None and table.is_by_folder and store.catalogue.names.are_hidden:
        raise OptionError("the labels would be names of the folders that this index hides", "label_by")


class _Place(NamedTuple):
    """Where files of a table may be: below which root, what their paths begin with, and begin with there."""

    root: int
    given: str
    prefix: str


def _places(scopes: Sequence[Scope]) -> Iterator[_Place]:
    """Yield the places of the scanned folders, and of those inside them that are folders of their own."""
    for scope in scopes:
        yield _Place(scope.number, "", scope.prefix)
    for scope in scopes:
        folder = scope.root / scope.prefix
        for inner in scopes:
            if inner.root != folder and inner.root.is_relative_to(folder):
                given = f"{inner.root.relative_to(folder).as_posix()}/"
                yield _Place(inner.number, given, "")


def _dropped(catalogue: Catalogue, rows: Sequence[tuple[str, LabelRow]]) -> dict[str, int]:
    """Return of how many of the rows that there are new ones lack each column."""
    found: Counter[str] = Counter()
    for first in range(0, len(rows), _PAGE):
        new = dict(rows[first : first + _PAGE])
        sql = "SELECT name, columns FROM label WHERE name IN (SELECT value FROM json_each(?))"
        for name, text in catalogue.rows(sql, json.dumps(list(new))):
            found.update(parse(text, dict, f"the label of {name}").keys() - new[name].columns.keys())
    return dict(sorted(found.items()))


def _without_removed(
    catalogue: Catalogue, rows: Sequence[tuple[str, str, LabelRow]], places: Sequence[_Place]
) -> Sequence[tuple[str, LabelRow]]:
    """Return the name and row of each path that waits, without removed images: these do not come back."""
    gone, salt = all_tombstone_keys(catalogue), catalogue.key
    ways = {("", ""), *((place.given, place.prefix) for place in places)}

    # Tombstones are hashes, so a removed name cannot be looked up; each name that a row may mean is hashed.
    def is_gone(path: str, name: str) -> bool:
        spelt = (prefix + path[len(given) :] for given, prefix in ways if path.startswith(given))
        whole = {name, *(one for way in spelt for one in catalogue.names.meant(way))}
        names = (part for one in whole for part in (one, one.rpartition("#")[0]) if part)
        return any(tombstone_key(salt, name) in gone for name in names)

    return [(name, row) for path, name, row in rows if not (gone and is_gone(path, name))]


def _find(catalogue: Catalogue, path: str, places: Sequence[_Place]) -> str | None:
    """Return the name of the image or file that a row refers to; None if there is none."""
    for name, tail in _files(catalogue, path, places, "state = 'read'"):
        if not tail or catalogue.rows("SELECT 1 FROM picture WHERE name = ?", name):
            return name
    for sql in (
        "SELECT s.root FROM picture p JOIN source s ON s.id = p.source WHERE p.name = ?",
        "SELECT root FROM source WHERE name = ? AND state = 'read'",
    ):
        numbers = {place.root for place in places}
        for name in catalogue.names.meant(path):
            if any(not places or root in numbers for (root,) in catalogue.rows(sql, name)):
                return name
    return None


def _files(
    catalogue: Catalogue, path: str, places: Sequence[_Place], condition: str
) -> Iterator[tuple[str, str]]:
    """Yield the names that a path may mean of files in the places, and what is of a frame of each."""
    # `scan.dcm#3` is a frame of `scan.dcm`, or a file of that very name; the whole path is tried first.
    file, mark, frame = path.rpartition("#")
    for place in places:
        for relative, tail in ((path, ""), (file, mark + frame)):
            if not relative or not relative.startswith(place.given):
                continue
            below = catalogue.names.keep(os.fsencode(place.prefix + relative[len(place.given) :]))
            sql = f"SELECT name FROM source WHERE root = ? AND path = ? AND {condition}"
            for (name,) in catalogue.rows(sql, place.root, below):
                yield f"{name}{tail}", tail


def _waiting(
    catalogue: Catalogue, path: str, scopes: Sequence[Scope], places: Sequence[_Place]
) -> str | None:
    """Return the name under which a row waits for its file; None if another folder has a file of it."""
    # What cannot be read has a name already, which may be none that its path tells.
    if (known := next(_files(catalogue, path, places, "state != 'read'"), None)) is not None:
        return known[0]
    *_, name = catalogue.names.meant(f"{scopes[0].prefix}{path}" if len(scopes) == 1 else path)
    numbers = {scope.number for scope in scopes}
    sql = "SELECT root FROM source WHERE name = ? OR name = ?"
    taken = catalogue.rows(sql, name, name.rpartition("#")[0])
    return None if any(scopes and root not in numbers for (root,) in taken) else name
