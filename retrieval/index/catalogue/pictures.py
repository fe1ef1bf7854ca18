"""Images in the catalogue: what is known of each one, its labels, and how it is removed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SettingError
from ...metadata.groups import NAMED_IN_FILES
from ...metadata.label_table import LabelRow
from ...metadata.own_columns import without_own
from ...picture import Value
from .database import Catalogue
from .encoded_picture import EncodedPicture
from .number_set import NumberSet
from .sample import draw_of
from .stored_json import parse
from .tombstones import add_folder_tombstone, add_picture_tombstone, add_tombstone, was_removed

# From the narrowest to the widest: the order in which an entry lists them.
GROUPS = NAMED_IN_FILES[::-1]
_PAGE = 20_000  # rows of images that are in memory as such
_REMOVED = "was removed; it comes back when its file changes"


@dataclass(frozen=True)
class Entry:
    """An image as the index knows it.

    Parameters
    ----------
    name : of the image; of a frame ``file#number``.
    source : the name of its file.
    shape : rows and columns in pixels.
    spacing : millimetres between rows and between columns; None if not known.
    groups : series, study and patient of its file; a column of that name in a label table has precedence.
    metadata : the tags of its file, and the other columns of the label table.
    labels : of the image, else of its file.
    given : the names of the columns that a label table gave it.
    """

    name: str
    source: str
    shape: tuple[int, int]
    spacing: tuple[float, float] | None
    groups: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Value] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()


# Labels of the image itself (`own`) have precedence over those of its whole file (`file`).
_SELECT = """SELECT p.name, s.name, p.rows, p.cols, p.row_spacing, p.col_spacing, p.groups, p.metadata,
    coalesce(own.labels, file.labels, '[]'), coalesce(own.columns, file.columns, '{}')
    FROM picture p JOIN source s ON s.id = p.source
    LEFT JOIN label own ON own.name = p.name LEFT JOIN label file ON file.name = s.name """


Row = tuple[Any, ...]
"""Name, source, rows, columns, spacings, and the JSON texts of groups, metadata, labels and table columns."""


KINDS = (dict, dict, list, dict)
"""What the JSON texts of a row hold."""


def entry(catalogue: Catalogue, id: int) -> Entry | None:
    """Return what is known of one image; None if it is gone."""
    rows = catalogue.rows(f"{_SELECT} WHERE p.id = ?", id)
    if not rows:
        return None
    texts = zip(rows[0][6:], KINDS, strict=True)
    return make_entry(rows[0], *(parse(text, kind, f"what it says of {rows[0][0]}") for text, kind in texts))


def shapes(catalogue: Catalogue, ids: Sequence[int]) -> NDArray[np.int64] | None:
    """Return rows and columns of images in pixels, int64 (n, 2), by their numbers; None if one is gone."""
    # One question for all of them: a region asks for the shapes of hundreds of candidates.
    sql = "SELECT id, rows, cols FROM picture WHERE id IN (SELECT value FROM json_each(?))"
    found = {id: (rows, cols) for id, rows, cols in catalogue.rows(sql, json.dumps(ids))}
    if not all(id in found for id in ids):
        return None
    return np.array([found[id] for id in ids], dtype=np.int64).reshape(-1, 2)


def pages_of_rows(catalogue: Catalogue) -> Iterator[list[Row]]:
    """Yield what is known of every image, in the order of their names, some thousand rows at a time.

    The JSON is not parsed here: ``Columns`` parses each distinct text once.
    """
    last = ""
    while page := catalogue.rows(f"{_SELECT} WHERE p.name > ? ORDER BY p.name LIMIT {_PAGE}", last):
        yield page
        last = page[-1][0]


def make_entry(
    row: Row, groups: dict[str, str], metadata: dict[str, Value], labels: list[str], table: dict[str, Value]
) -> Entry:
    """Combine what the catalogue and a label table say of an image; the table has precedence."""
    name, source, rows, cols, row_spacing, col_spacing = row[:6]
    spacing = None if row_spacing is None else (row_spacing, col_spacing)
    table = without_own(table, metadata)
    # A table may hold a number where a file holds text; groups are compared as text.
    own = {key: str(table[key]) for key in GROUPS if key in table}
    rest = {key: value for key, value in table.items() if key not in GROUPS}
    known = ({**groups, **own}, {**metadata, **rest}, tuple(labels), frozenset(table))
    return Entry(name, source, (rows, cols), spacing, *known)


def add_pictures(catalogue: Catalogue, pictures: Iterable[tuple[int, int, EncodedPicture]]) -> None:
    """Add images, each under a number that was never given before, and with the number of its file."""
    rows = (
        (
            *(id, picture.name, source, *picture.shape, *(picture.spacing or (None, None))),
            *(json.dumps(dict(picture.groups)), json.dumps(dict(picture.metadata))),
            int(picture.text),
            draw_of(catalogue.key, picture.name),
        )
        for id, source, picture in pictures
    )
    catalogue.run_many(
        """INSERT INTO picture (id, name, source, rows, cols, row_spacing, col_spacing, groups, metadata,
        burned_in, draw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        rows,
    )


def change_pictures(catalogue: Catalogue, pictures: Iterable[tuple[int, EncodedPicture]]) -> None:
    """Bring what is known of images up to date whose pixels are as they were, by their numbers."""
    rows = (
        (json.dumps(dict(picture.groups)), json.dumps(dict(picture.metadata)), int(picture.text), id)
        for id, picture in pictures
    )
    # Of one spacing: it counts among what an image is encoded from.
    catalogue.run_many("UPDATE picture SET groups = ?, metadata = ?, burned_in = ? WHERE id = ?", rows)


def known_pictures(catalogue: Catalogue, source: int) -> dict[str, int]:
    """Return the numbers of the images of a file, by name."""
    return dict(catalogue.rows("SELECT name, id FROM picture WHERE source = ?", source))


def removed_frames(catalogue: Catalogue, source: int) -> frozenset[str]:
    """Return the tombstone keys of the frames of a file that the user removed."""
    return frozenset(name for (name,) in catalogue.rows("SELECT name FROM removed WHERE source = ?", source))


def partly_removed(catalogue: Catalogue) -> NumberSet:
    """Return the files of which the user removed frames, or all."""
    return NumberSet(catalogue.numbers("SELECT DISTINCT source FROM removed ORDER BY source"))


def next_picture(catalogue: Catalogue) -> int:
    """Return a number above all that were ever given to an image.

    AUTOINCREMENT keeps the highest number in ``sqlite_sequence``, also after its row is deleted. Numbers are
    never given twice, because segments keep the vectors of deleted images until they are merged.
    """
    rows = catalogue.rows("SELECT seq FROM sqlite_sequence WHERE name = 'picture'")
    return int(rows[0][0]) + 1 if rows else 1


def set_labels(catalogue: Catalogue, rows: Iterable[tuple[str, LabelRow]], roots: Sequence[int] = ()) -> None:
    """Set the labels and columns of images or files, by name; they replace earlier ones.

    ``roots`` are the folders that they were given for: a file of another one never takes them.
    """
    given_for = json.dumps(list(roots))
    texts = ((name, json.dumps(list(row.labels)), json.dumps(dict(row.columns))) for name, row in rows)
    catalogue.run_many(
        "INSERT OR REPLACE INTO label (name, labels, columns, roots) VALUES (?, ?, ?, ?)",
        ((*own, given_for) for own in texts),
    )


def drop_labels(catalogue: Catalogue, name: str) -> bool:
    """Within a transaction: delete the labels of a file and of its frames; return whether it had any."""
    # `#` and `$` are neighbours: all names that begin with `name#`, found through the key of the table.
    where = "name = ? OR (name >= ? AND name < ?)"
    names = (name, f"{name}#", f"{name}$")
    had = bool(catalogue.rows(f"SELECT 1 FROM label WHERE {where} LIMIT 1", *names))
    catalogue.run(f"DELETE FROM label WHERE {where}", *names)
    return had


def is_labelled(catalogue: Catalogue, name: str) -> bool:
    """Return whether a file or one of its frames has a row of a label table."""
    sql = "SELECT 1 FROM label WHERE name = ? OR (name >= ? AND name < ?) LIMIT 1"
    return bool(catalogue.rows(sql, name, f"{name}#", f"{name}$"))


def count_pictures(catalogue: Catalogue) -> int:
    """Return the number of images."""
    return int(catalogue.rows("SELECT count(*) FROM picture")[0][0])


def count_unlabelled(catalogue: Catalogue) -> int:
    """Return the number of images without a label."""
    sql = """SELECT count(*) FROM picture p JOIN source s ON s.id = p.source
        LEFT JOIN label own ON own.name = p.name LEFT JOIN label file ON file.name = s.name
        WHERE coalesce(own.labels, file.labels, '[]') = '[]'"""
    return int(catalogue.rows(sql)[0][0])


def remove(catalogue: Catalogue, names: Sequence[str]) -> int:
    """Within a transaction: remove images, files with all frames, or all below a ``folder/``.

    Only keyed hashes of their names are kept; their labels are deleted too. Returns the number of images
    removed; what was removed before counts as none. Raises SettingError, and changes nothing, if a name is
    not in the index, and never was removed from it.
    """
    # All names are looked up before anything is deleted, so that a misspelt one changes nothing.
    chosen = {
        name: next(filter(None, (_matching(catalogue, n) for n in catalogue.names.meant(name))), [])
        for name in names
    }
    if unknown := [n for n in names if not chosen[n] and not _was_removed(catalogue, n)]:
        raise SettingError(f"not in this index: {', '.join(unknown)}; nothing was removed")
    pictures = {id: (name, source) for found in chosen.values() for id, name, source in found}
    for id, (name, source) in pictures.items():
        add_picture_tombstone(catalogue, id, name, source)
    # A file of which no frame is left becomes a tombstone itself.
    for source in {source for _, source in pictures.values()}:
        if not catalogue.rows("SELECT 1 FROM picture WHERE source = ? LIMIT 1", source):
            add_tombstone(catalogue, source, _REMOVED)
    for folder in (meant for name in names if name.endswith("/") for meant in catalogue.names.meant(name)):
        add_folder_tombstone(catalogue, folder)
    return len(pictures)


def _was_removed(catalogue: Catalogue, name: str) -> bool:
    return any(was_removed(catalogue, meant) for meant in catalogue.names.meant(name))


def _matching(catalogue: Catalogue, name: str) -> list[tuple[int, str, int]]:
    sql = "SELECT p.id, p.name, p.source FROM picture p JOIN source s ON s.id = p.source WHERE "
    # `a/` takes all that begins with it; any other name is that of one image, or of a file with all its
    # frames.
    if name.endswith("/"):
        return catalogue.rows(f"{sql} substr(p.name, 1, ?) = ?", len(name), name)
    return catalogue.rows(f"{sql} p.name = ?", name) or catalogue.rows(f"{sql} s.name = ?", name)
