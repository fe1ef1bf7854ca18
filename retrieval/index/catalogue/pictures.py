"""The pictures: what the catalogue knows of each one, and what label tables say of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import SettingError
from ...metadata.groups import NAMED_IN_FILES
from ...metadata.label_table import LabelRow
from ...picture import Value
from .database import Catalogue
from .encoded_picture import EncodedPicture
from .tombstones import add_tombstone, bury_picture

GROUPS = NAMED_IN_FILES[::-1]
_REMOVED = "was removed; it comes back when its file changes"


@dataclass(frozen=True)
class Entry:
    """A picture as the index knows it.

    ``groups`` are those of its file, where a label table has a column of that name the table's; ``metadata``
    the tags of its file and the other columns of the table; ``shape`` is in pixels, ``spacing`` in
    millimetres, both (row, col).
    """

    name: str
    source: str
    shape: tuple[int, int]
    spacing: tuple[float, float] | None
    groups: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Value] = field(default_factory=dict)
    labels: tuple[str, ...] = ()


_SELECT = """SELECT p.name, s.name, p.rows, p.cols, p.row_spacing, p.col_spacing, p.groups, p.metadata,
    coalesce(own.labels, file.labels, '[]'), coalesce(own.columns, file.columns, '{}')
    FROM picture p JOIN source s ON s.id = p.source
    LEFT JOIN label own ON own.name = p.name LEFT JOIN label file ON file.name = s.name """


Row = tuple[Any, ...]
"""Name, source, rows, columns, spacings, and the JSON texts of groups, metadata, labels and table columns."""


def entry(catalogue: Catalogue, id: int) -> Entry | None:
    """Return what is known of one picture; None where it is gone."""
    rows = catalogue.rows(f"{_SELECT} WHERE p.id = ?", id)
    return make_entry(rows[0], *(json.loads(text) for text in rows[0][6:])) if rows else None


def all_rows(catalogue: Catalogue) -> list[Row]:
    """Return what is known of every picture, in the order of their names."""
    return catalogue.rows(f"{_SELECT} ORDER BY p.name")


def make_entry(
    row: Row, groups: dict[str, str], metadata: dict[str, Value], labels: list[str], table: dict[str, Value]
) -> Entry:
    """Bring together what the catalogue and a label table say of a picture."""
    name, source, rows, cols, row_spacing, col_spacing = row[:6]
    spacing = None if row_spacing is None else (row_spacing, col_spacing)
    own = {key: str(table[key]) for key in GROUPS if key in table}
    rest = {key: value for key, value in table.items() if key not in GROUPS}
    return Entry(name, source, (rows, cols), spacing, {**groups, **own}, {**metadata, **rest}, tuple(labels))


def add_picture(catalogue: Catalogue, id: int, source: int, picture: EncodedPicture) -> None:
    """Note a picture under a number that was never given before."""
    spacing = picture.spacing or (None, None)
    catalogue.run(
        "INSERT INTO picture VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(id, picture.name, source, *picture.shape, *spacing),
        *(json.dumps(dict(picture.groups)), json.dumps(dict(picture.metadata))),
    )


def known_pictures(catalogue: Catalogue, source: int) -> dict[str, int]:
    """Return the numbers of the pictures of a file, by name."""
    return dict(catalogue.rows("SELECT name, id FROM picture WHERE source = ?", source))


def removed_frames(catalogue: Catalogue, source: int) -> frozenset[str]:
    """Return what stands for the frames of a file that the user took out (``tombstones``)."""
    return frozenset(name for (name,) in catalogue.rows("SELECT name FROM removed WHERE source = ?", source))


def next_picture(catalogue: Catalogue) -> int:
    """Return a number above all that were ever given to a picture."""
    rows = catalogue.rows("SELECT seq FROM sqlite_sequence WHERE name = 'picture'")
    return int(rows[0][0]) + 1 if rows else 1


def set_labels(catalogue: Catalogue, rows: Iterable[tuple[str, LabelRow]]) -> None:
    """Note what a label table says of pictures or files, by name, in place of what was said before."""
    catalogue.run_many(
        "INSERT OR REPLACE INTO label VALUES (?, ?, ?)",
        [(name, json.dumps(list(row.labels)), json.dumps(dict(row.columns))) for name, row in rows],
    )


def count_unlabelled(catalogue: Catalogue) -> int:
    """Return how many pictures have no label."""
    sql = """SELECT count(*) FROM picture p JOIN source s ON s.id = p.source
        LEFT JOIN label own ON own.name = p.name LEFT JOIN label file ON file.name = s.name
        WHERE coalesce(own.labels, file.labels, '[]') = '[]'"""
    return int(catalogue.rows(sql)[0][0])


def remove(catalogue: Catalogue, names: Sequence[str]) -> int:
    """Take pictures out and remember it: a picture, a file with all its frames, or all below ``folder/``.

    Their names are kept as keyed hashes alone, and what a label table says of them goes too. Returns how many
    pictures went. Raises SettingError, and changes nothing, where a name is not there.
    """
    chosen = {name: _matching(catalogue, name) for name in names}
    if unknown := [name for name in names if not chosen[name]]:
        raise SettingError(f"not in this index: {', '.join(unknown)}; nothing was removed")
    pictures = {id: (name, source) for found in chosen.values() for id, name, source in found}
    for id, (name, source) in pictures.items():
        bury_picture(catalogue, id, name, source)
    for source in {source for _, source in pictures.values()}:
        if not catalogue.rows("SELECT 1 FROM picture WHERE source = ? LIMIT 1", source):
            add_tombstone(catalogue, source, _REMOVED)
    return len(pictures)


def _matching(catalogue: Catalogue, name: str) -> list[tuple[int, str, int]]:
    sql = "SELECT p.id, p.name, p.source FROM picture p JOIN source s ON s.id = p.source WHERE "
    if name.endswith("/"):
        return catalogue.rows(f"{sql} substr(p.name, 1, ?) = ?", len(name), name)
    return catalogue.rows(f"{sql} p.name = ?", name) or catalogue.rows(f"{sql} s.name = ?", name)
