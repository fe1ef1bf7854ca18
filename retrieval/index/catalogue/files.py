"""The sources: the files that an index was made of, their folders, and the state of each file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from .contents import Contents
from .database import Catalogue
from .pixel_hashes import drop_hashes
from .source_names import free_name, may_name_images
from .tombstones import were_removed

_PAGE = 256
"""Sources are looked up this many at a time: an index of millions never has all of them in memory."""


_NOT_DISPLACED = "root NOT IN (SELECT id FROM root WHERE displaced = 1)"
"""What is at the path of a displaced folder is of another one, and must not be read in its name."""


_MAY_HOLD_IMAGES = f"state IN ('pending', 'failed', 'read') AND {_NOT_DISPLACED}"


class State(StrEnum):
    """The state of a source after the last update."""

    PENDING = "pending"  # new or changed, and not read yet
    READ = "read"
    IGNORED = "ignored"  # not an image, and does not claim to be one
    SKIPPED = "skipped"  # cannot be read, and is not tried again until it changes
    FAILED = "failed"  # could not be read this time; the next update tries again
    REMOVED = "removed"  # removed by the user


_STATES = {state.value: state for state in State}  # many times as fast as to call it


class IndexedSource(NamedTuple):
    """One file of the index; ``path`` is absolute, ``name`` is what the index calls it.

    ``part`` is the hash of what was read of it, None if that is not known.
    """

    id: int
    path: Path
    name: str
    state: State
    part: bytes | None = None


class Stat(NamedTuple):
    """What the file system says of a file, without reading it; the last two are None if not known."""

    size: int
    mtime_ns: int
    inode: int | None = None
    ctime_ns: int | None = None


NewSource = tuple[bytes, str, Stat]
"""A file that is new: its path below the folder, its name, and how the file system shows it."""

_INSERT = """INSERT INTO source (root, path, name, size, mtime_ns, inode, ctime_ns, state)
    VALUES (?, ?, ?, ?, ?, ?, ?, 'pending')"""


def add_source(catalogue: Catalogue, root: int, path: bytes, name: str, stat: Stat) -> int:
    """Add a new file and return its number; if ``name`` is taken it gets the next free one.

    The second file of a name gets its folder's name before its own, the third ``folder~2/``, and so on. A
    name is taken as well if a label waits under it that was given for other folders, or if it is that of a
    removed file: what keeps that one out, and its labels, must not meet another. So is ``a.tif#0`` beside
    ``a.tif``, whose first image may be called that.
    """
    chosen = free_name(catalogue, root, name)
    return catalogue.run(
        _INSERT,
        *(root, catalogue.names.keep(path), chosen, stat.size, stat.mtime_ns, stat.inode, stat.ctime_ns),
    )


def add_sources(catalogue: Catalogue, root: int, files: Sequence[NewSource]) -> list[int]:
    """Add new files of one folder as ``add_source`` does, faster; return their numbers, in their order.

    Memory holds all of them at once: for many, it is called for some thousands at a time.
    """
    names = [name for _, name, _ in files]
    sql = "SELECT 1 FROM source WHERE name IN (SELECT value FROM json_each(?)) LIMIT 1"
    # Three statements for each file took a quarter of its time: they are for names that may be taken.
    may_be_taken = len(set(names)) < len(names) or catalogue.rows("SELECT 1 FROM label LIMIT 1")
    if (
        may_be_taken
        or catalogue.rows(sql, json.dumps(names))
        or were_removed(catalogue, names)
        or may_name_images(catalogue, names)
    ):
        return [add_source(catalogue, root, *file) for file in files]
    last = catalogue.rows("SELECT coalesce(max(id), 0) FROM source")[0][0]
    rows = (
        (root, catalogue.names.keep(path), name, stat.size, stat.mtime_ns, stat.inode, stat.ctime_ns)
        for path, name, stat in files
    )
    catalogue.run_many(_INSERT, rows)
    return [int(id) for (id,) in catalogue.rows("SELECT id FROM source WHERE id > ? ORDER BY id", last)]


def mark_changed(catalogue: Catalogue, id: int, stat: Stat) -> None:
    """Record that a file is to be read again; its images stay in the index until then."""
    catalogue.run(
        """UPDATE source SET state = 'pending', reason = '', part = NULL, whole = NULL,
        size = ?, mtime_ns = ?, inode = ?, ctime_ns = ? WHERE id = ?""",
        *(stat.size, stat.mtime_ns, stat.inode, stat.ctime_ns, id),
    )


def note_stat(catalogue: Catalogue, id: int, stat: Stat) -> None:
    """Record how the file system shows a file whose contents are as they were."""
    catalogue.run(
        "UPDATE source SET size = ?, mtime_ns = ?, inode = ?, ctime_ns = ? WHERE id = ?",
        *(stat.size, stat.mtime_ns, stat.inode, stat.ctime_ns, id),
    )


def note_contents(catalogue: Catalogue, found: Iterable[tuple[int, Contents]]) -> None:
    """Record the hashes of what was read of files, by their numbers."""
    rows = ((contents.part, contents.whole, id) for id, contents in found)
    catalogue.run_many("UPDATE source SET part = ?, whole = ? WHERE id = ?", rows)


def mark_outcomes(catalogue: Catalogue, outcomes: Iterable[tuple[int, State, str]]) -> None:
    """Record the number and the state of files, and the reason of each that is not in the index."""
    rows = ((state, reason, id) for id, state, reason in outcomes)
    catalogue.run_many("UPDATE source SET state = ?, reason = ? WHERE id = ?", rows)


def mark_read(catalogue: Catalogue, found: Iterable[tuple[int, str, Contents | None]]) -> None:
    """Record that files are in the index: of each its number, what of it is not, and its hashes if known."""
    # One statement: each change of a row costs as much as the row.
    contents = "part = CASE WHEN ? THEN ? ELSE part END, whole = CASE WHEN ? THEN ? ELSE whole END"
    rows = (
        (State.READ, reason, *(2 * (False, None) if own is None else (True, own.part, True, own.whole)), id)
        for id, reason, own in found
    )
    catalogue.run_many(f"UPDATE source SET state = ?, reason = ?, {contents} WHERE id = ?", rows)


def drop_sources(catalogue: Catalogue, ids: Iterable[int]) -> None:
    """Delete files with their images."""
    ids = list(ids)
    drop_pictures(catalogue, ids)
    drop_tombstones(catalogue, ids)
    catalogue.run_many("DELETE FROM source WHERE id = ?", [(id,) for id in ids])


def drop_tombstones(catalogue: Catalogue, sources: Iterable[int]) -> None:
    """Forget what was removed of files: these are gone, or hold something else."""
    sql = "DELETE FROM removed WHERE source IN (SELECT value FROM json_each(?))"
    catalogue.run(sql, json.dumps(list(sources)))


def drop_pictures(catalogue: Catalogue, sources: Iterable[int]) -> None:
    """Delete the images of files, and what has encoded them."""
    tables = ("picture", "encoded")
    asked = "SELECT source FROM {} WHERE source IN (SELECT value FROM json_each(?1))"
    # Of new files there is nothing: to delete it from each table would take as long as to add them.
    sql = " UNION ".join(asked.format(table) for table in tables)
    rows = [(id,) for id in catalogue.numbers(sql, json.dumps(list(sources)))]
    drop_hashes(catalogue, "SELECT id FROM picture WHERE source = ?", rows)
    for table in tables:
        catalogue.run_many(f"DELETE FROM {table} WHERE source = ?", rows)


def lacking(catalogue: Catalogue, representations: Sequence[int]) -> Sequence[int]:
    """Return the files to be read: new, changed, failed, or not encoded by every representation."""
    # Representations are numbers of the catalogue, made int here, so that they are safe inside the SQL.
    wanted = ", ".join(str(int(r)) for r in representations)
    sql = f"""SELECT id FROM source s WHERE (state IN ('pending', 'failed') OR (state = 'read' AND
        (SELECT count(*) FROM encoded e WHERE e.source = s.id AND e.representation IN ({wanted})) < ?))
        AND {_NOT_DISPLACED} ORDER BY id"""
    return catalogue.numbers(sql, len(representations))


def n_lacking(catalogue: Catalogue, representation: int) -> int:
    """Return the number of files in the index that a representation has not encoded yet."""
    sql = """SELECT count(*) FROM source s WHERE state = 'read' AND NOT EXISTS
        (SELECT 1 FROM encoded e WHERE e.source = s.id AND e.representation = ?)"""
    return int(catalogue.rows(sql, representation)[0][0])


def encoded_by(catalogue: Catalogue, source: int) -> frozenset[int]:
    """Return the numbers of the representations that have encoded a source."""
    rows = catalogue.rows("SELECT representation FROM encoded WHERE source = ?", source)
    return frozenset(row[0] for row in rows)


def readable(catalogue: Catalogue) -> Sequence[int]:
    """Return the files that may hold images: all but the ignored, skipped and removed."""
    return catalogue.numbers(f"SELECT id FROM source WHERE {_MAY_HOLD_IMAGES} ORDER BY id")


def n_readable(catalogue: Catalogue) -> int:
    """Return the number of files that may hold images."""
    return int(catalogue.rows(f"SELECT count(*) FROM source WHERE {_MAY_HOLD_IMAGES}")[0][0])


def knows_contents(catalogue: Catalogue, root: int) -> bool:
    """Tell if the contents of any image of an indexed folder are known; those of format 1 had none."""
    sql = "SELECT 1 FROM source WHERE root = ? AND state = 'read' AND part IS NOT NULL LIMIT 1"
    return bool(catalogue.rows(sql, root))


def fetch(catalogue: Catalogue, ids: Sequence[int]) -> Iterator[IndexedSource]:
    """Yield sources in the given order; those that are gone are left out."""
    for start in range(0, len(ids), _PAGE):
        page = [int(id) for id in ids[start : start + _PAGE]]
        rows = catalogue.rows(
            f"""SELECT s.id, r.path, s.path, s.name, s.state, s.part
            FROM source s JOIN root r ON r.id = s.root WHERE s.id IN ({", ".join(map(str, page))})"""
        )
        found = {row[0]: row for row in rows}  # SQL returns them in any order
        for number, root, path, name, state, part in (found[id] for id in page if id in found):
            path = joined(*map(catalogue.names.path, (root, path)))
            yield IndexedSource(number, path, name, _STATES[state], part)


def joined(root: bytes, path: bytes) -> Path:
    """Return the path of a file, of its folder's path and its own below that."""
    return Path(os.fsdecode(root), os.fsdecode(path))
