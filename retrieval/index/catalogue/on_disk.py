"""On disk: where the files of an index are, and whether what is there is what was indexed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import PictureError
from ...readers.folder import stamps_of
from .contents import part_of
from .database import Catalogue
from .files import Stat, joined
from .roots import roots


def locate(catalogue: Catalogue, name: str) -> Path | None:
    """Return the path of the file of a name; None if the index has none of that name.

    Raises PictureError if another file is there now: nothing of it may be taken for what was indexed.
    """
    recent = "r.displaced, s.size, s.mtime_ns, s.inode, s.ctime_ns, s.part" if catalogue.format > 1 else "0"
    rows = catalogue.rows(
        f"SELECT r.path, s.path, {recent} FROM source s JOIN root r ON r.id = s.root WHERE s.name = ?", name
    )
    if not rows:
        return None
    root, below, is_displaced, *known = rows[0]
    root, below = map(catalogue.names.path, (root, below))
    path = joined(root, below)
    if is_displaced:
        raise PictureError(f"{name}: its folder or disc is not there; another one is at {os.fsdecode(root)}")
    if not _is_as_indexed(catalogue, path, known):
        raise PictureError(f"{name}: its file has changed since it was indexed; run `semblance index` again")
    return path


def _is_as_indexed(catalogue: Catalogue, path: Path, known: list[Any]) -> bool:
    """Tell if a file holds what was indexed, by size, times and inode, else by a hash; True if nobody can."""
    if not known or known[4] is None:
        return True
    stat, part = Stat(*known[:4]), bytes(known[4])
    try:
        if stat_of(path) == stat:
            return True
        if not catalogue.key.is_known:
            raise PictureError(
                f"{path.name}: its size or times differ from when it was indexed, and without the key of the "
                "index nobody can tell if it is the same; give --key FILE"
            )
        return part_of(path, catalogue.key) == part
    except OSError:  # whoever reads it will say why it cannot be read
        return True


def stat_of(path: Path) -> Stat:
    """Return what the file system says of a file. Raises OSError."""
    return Stat(*stamps_of(path.stat()))


def sources_at(catalogue: Catalogue, path: Path) -> list[int]:
    """Return the numbers under which a file on disk is indexed, that of its own path first.

    It is recognised by its path, or as the same file that was indexed through a link.
    """
    if catalogue.names.are_hidden and not catalogue.key.is_known:
        return []
    spellings = dict.fromkeys((path.absolute(), path.parent.resolve() / path.name, path.resolve()))
    found = [id for spelling in spellings for id in _at(catalogue, spelling)]
    try:
        status = path.stat()
    except OSError:
        return found
    # Links: only files of the same size and time can be the same file, so that few are looked at on disk.
    recent = ", s.size, s.mtime_ns, s.inode, s.ctime_ns, s.part" if catalogue.format > 1 else ""
    rows = catalogue.rows(
        f"""SELECT s.id, r.path, s.path{recent} FROM source s JOIN root r ON r.id = s.root
        WHERE s.size = ? AND s.mtime_ns = ? AND s.state != 'removed' ORDER BY s.id""",
        *stamps_of(status)[:2],
    )
    found += [
        int(id)
        for id, root, below, *known in rows
        if _is_same(joined(*map(catalogue.names.path, (root, below))), status)
        and _is_as_indexed(catalogue, path, known)
    ]
    return list(dict.fromkeys(found))


def _at(catalogue: Catalogue, path: Path) -> Iterator[int]:
    for root, number in roots(catalogue).items():
        if path.is_relative_to(root):
            below = catalogue.names.keep(os.fsencode(path.relative_to(root)))
            recent = ", size, mtime_ns, inode, ctime_ns, part" if catalogue.format > 1 else ""
            sql = f"SELECT id{recent} FROM source WHERE root = ? AND path = ?"
            for id, *known in catalogue.rows(sql, number, below):
                # Another disc may be at the path, or two files may have changed places.
                if _is_as_indexed(catalogue, path, known):
                    yield int(id)


def _is_same(path: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), status)
    except OSError:
        return False
