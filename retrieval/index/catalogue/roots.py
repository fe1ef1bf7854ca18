"""The roots: the folders whose files are indexed, and whether they are where they were."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .database import Catalogue
from .schema import ARCHIVES_SINCE


def add_root(catalogue: Catalogue, folder: Path) -> int:
    """Add a folder whose files are indexed, and return its number.

    Paths are kept as bytes, as the file system spells them: a name need not be valid text.
    """
    return catalogue.run("INSERT INTO root (path) VALUES (?)", catalogue.names.keep(os.fsencode(folder)))


def move_root(catalogue: Catalogue, root: int, folder: Path) -> None:
    """Record that an indexed folder has moved, or that its disc is there again."""
    path = catalogue.names.keep(os.fsencode(folder))
    catalogue.run("UPDATE root SET path = ?, displaced = 0 WHERE id = ?", path, root)


def displace_root(catalogue: Catalogue, root: int) -> None:
    """Record that something else is at the path of an indexed folder, such as another disc."""
    catalogue.run("UPDATE root SET displaced = 1, folder = NULL WHERE id = ?", root)


def note_scanned(catalogue: Catalogue, root: int, folder: str | None, now_ns: int) -> None:
    """Record which folder of the file system was scanned, and when."""
    catalogue.run("UPDATE root SET folder = ?, scanned_ns = ? WHERE id = ?", folder, now_ns, root)


def roots(catalogue: Catalogue) -> dict[Path, int]:
    """Return the number of each indexed folder, by its absolute path; displaced ones are left out."""
    where = "WHERE displaced = 0 " if catalogue.format > 1 else ""
    rows = catalogue.rows(f"SELECT path, id FROM root {where}{_no_archive(catalogue, 'AND')}ORDER BY id")
    return {Path(os.fsdecode(catalogue.names.path(path))): int(id) for path, id in rows}


@dataclass(frozen=True)
class IndexedRoot:
    """An indexed folder; ``folder`` and ``scanned_ns`` are None until a scan has noted them."""

    id: int
    path: Path
    is_displaced: bool
    folder: str | None
    scanned_ns: int | None


def all_roots(catalogue: Catalogue) -> list[IndexedRoot]:
    """Return all indexed folders, the displaced ones too."""
    where = _no_archive(catalogue, "WHERE")
    rows = catalogue.rows(f"SELECT id, path, displaced, folder, scanned_ns FROM root {where}ORDER BY id")
    paths = [Path(os.fsdecode(catalogue.names.path(row[1]))) for row in rows]
    return [IndexedRoot(int(r[0]), path, bool(r[2]), r[3], r[4]) for r, path in zip(rows, paths, strict=True)]


def _no_archive(catalogue: Catalogue, word: str) -> str:
    """Return the condition that a root is a folder: the files of an archive come and go."""
    return f"{word} id NOT IN (SELECT root FROM archive) " if catalogue.format >= ARCHIVES_SINCE else ""
