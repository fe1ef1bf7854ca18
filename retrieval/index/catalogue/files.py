"""The sources: the files that an index was made of, their folders, and the state of each file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, count
from pathlib import Path

from .database import Catalogue

_PAGE = 256
"""Sources are looked up this many at a time: an index of millions never has all of them in memory."""


class State(StrEnum):
    """The state of a source after the last update."""

    PENDING = "pending"  # new or changed, and not read yet
    READ = "read"
    IGNORED = "ignored"  # not an image, and does not claim to be one
    SKIPPED = "skipped"  # cannot be read, and is not tried again until it changes
    FAILED = "failed"  # could not be read this time; the next update tries again
    REMOVED = "removed"  # removed by the user


@dataclass(frozen=True)
class IndexedSource:
    """One file of the index; ``path`` is absolute, ``name`` is what the index calls it."""

    id: int
    path: Path
    name: str
    state: State


def add_root(catalogue: Catalogue, folder: Path) -> int:
    """Add a folder whose files are indexed, and return its number.

    Paths are kept as bytes, as the file system spells them: a name need not be valid text.
    """
    return catalogue.run("INSERT INTO root (path) VALUES (?)", os.fsencode(folder))


def move_root(catalogue: Catalogue, root: int, folder: Path) -> None:
    """Record that an indexed folder has moved."""
    catalogue.run("UPDATE root SET path = ? WHERE id = ?", os.fsencode(folder), root)


def roots(catalogue: Catalogue) -> dict[Path, int]:
    """Return the number of each indexed folder, by its absolute path."""
    rows = catalogue.rows("SELECT path, id FROM root ORDER BY id")
    return {Path(os.fsdecode(path)): int(id) for path, id in rows}


def add_source(catalogue: Catalogue, root: int, path: bytes, name: str, size: int, mtime_ns: int) -> int:
    """Add a new file and return its number; if ``name`` is taken it gets the next free one.

    The second file of a name gets its folder's name before its own, the third ``folder~2/``, and so on.
    """
    candidates = chain([name], _prefixed(catalogue, root, name))
    chosen = next(n for n in candidates if not catalogue.rows("SELECT 1 FROM source WHERE name = ?", n))
    return catalogue.run(
        "INSERT INTO source (root, path, name, size, mtime_ns, state) VALUES (?, ?, ?, ?, ?, 'pending')",
        *(root, path, chosen, size, mtime_ns),
    )


def mark_changed(catalogue: Catalogue, id: int, size: int, mtime_ns: int) -> None:
    """Record that a file is to be read again; its images stay in the index until then."""
    catalogue.run(
        "UPDATE source SET state = 'pending', reason = '', size = ?, mtime_ns = ? WHERE id = ?",
        *(size, mtime_ns, id),
    )


def mark_outcome(catalogue: Catalogue, id: int, state: State, reason: str = "") -> None:
    """Record the state of a file, and the reason if it is not in the index."""
    catalogue.run("UPDATE source SET state = ?, reason = ? WHERE id = ?", state, reason, id)


def drop_sources(catalogue: Catalogue, ids: Iterable[int]) -> None:
    """Delete files with their images."""
    for id in ids:
        drop_pictures(catalogue, id)
        catalogue.run("DELETE FROM source WHERE id = ?", id)


def drop_pictures(catalogue: Catalogue, source: int) -> None:
    """Delete the images of a file, the tombstones of its frames, and what has encoded it."""
    for table in ("picture", "removed", "encoded"):
        catalogue.run(f"DELETE FROM {table} WHERE source = ?", source)


def lacking(catalogue: Catalogue, representations: Sequence[int]) -> list[int]:
    """Return the files to be read: new, changed, failed, or not encoded by every representation."""
    # Representations are numbers of the catalogue, made int here, so that they are safe inside the SQL.
    wanted = ", ".join(str(int(r)) for r in representations)
    sql = f"""SELECT id FROM source s WHERE state IN ('pending', 'failed') OR (state = 'read' AND
        (SELECT count(*) FROM encoded e WHERE e.source = s.id AND e.representation IN ({wanted})) < ?)
        ORDER BY id"""
    return [int(id) for (id,) in catalogue.rows(sql, len(representations))]


def n_lacking(catalogue: Catalogue, representation: int) -> int:
    """Return the number of files in the index that a representation has not encoded yet."""
    sql = """SELECT count(*) FROM source s WHERE state = 'read' AND NOT EXISTS
        (SELECT 1 FROM encoded e WHERE e.source = s.id AND e.representation = ?)"""
    return int(catalogue.rows(sql, representation)[0][0])


def readable(catalogue: Catalogue) -> list[int]:
    """Return the files that may hold images: all but the ignored, skipped and removed."""
    rows = catalogue.rows("SELECT id FROM source WHERE state IN ('pending', 'failed', 'read') ORDER BY id")
    return [int(id) for (id,) in rows]


def fetch(catalogue: Catalogue, ids: Sequence[int]) -> Iterator[IndexedSource]:
    """Yield sources in the given order; those that are gone are left out."""
    for start in range(0, len(ids), _PAGE):
        page = [int(id) for id in ids[start : start + _PAGE]]
        rows = catalogue.rows(
            f"""SELECT s.id, r.path, s.path, s.name, s.state FROM source s JOIN root r ON r.id = s.root
            WHERE s.id IN ({", ".join(map(str, page))})"""
        )
        found = {row[0]: row for row in rows}  # SQL returns them in any order
        for number, root, path, name, state in (found[id] for id in page if id in found):
            yield IndexedSource(int(number), _joined(root, path), str(name), State(state))


def _prefixed(catalogue: Catalogue, root: int, name: str) -> Iterator[str]:
    path = catalogue.rows("SELECT path FROM root WHERE id = ?", root)[0][0]
    # A file name that is not valid UTF-8 cannot be a TEXT of SQLite.
    base = Path(os.fsdecode(path)).name.encode("utf-8", "replace").decode("utf-8")
    yield f"{base}/{name}"
    yield from (f"{base}~{number}/{name}" for number in count(2))


def locate(catalogue: Catalogue, name: str) -> Path | None:
    """Return the path of the file of a name; None if the index has none of that name."""
    rows = catalogue.rows(
        "SELECT r.path, s.path FROM source s JOIN root r ON r.id = s.root WHERE s.name = ?", name
    )
    return _joined(*rows[0]) if rows else None


def sources_at(catalogue: Catalogue, path: Path) -> list[int]:
    """Return the numbers under which a file on disk is indexed, that of its own path first.

    It is recognised by its path, or as the same file that was indexed through a link.
    """
    spellings = dict.fromkeys((path.absolute(), path.parent.resolve() / path.name, path.resolve()))
    found = [id for spelling in spellings for id in _at(catalogue, spelling)]
    try:
        status = path.stat()
    except OSError:
        return found
    # Links: only files of the same size and time can be the same file, so that few are looked at on disk.
    rows = catalogue.rows(
        """SELECT s.id, r.path, s.path FROM source s JOIN root r ON r.id = s.root
        WHERE s.size = ? AND s.mtime_ns = ? AND s.state != 'removed' ORDER BY s.id""",
        *(status.st_size, status.st_mtime_ns),
    )
    found += [int(id) for id, root, below in rows if _is_same(_joined(root, below), status)]
    return list(dict.fromkeys(found))


def _at(catalogue: Catalogue, path: Path) -> Iterator[int]:
    for root, number in roots(catalogue).items():
        if path.is_relative_to(root):
            below = os.fsencode(path.relative_to(root))
            sql = "SELECT id FROM source WHERE root = ? AND path = ?"
            yield from (int(id) for (id,) in catalogue.rows(sql, number, below))


def _is_same(path: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), status)
    except OSError:
        return False


def _joined(root: bytes, path: bytes) -> Path:
    return Path(os.fsdecode(root)) / os.fsdecode(path)
