"""Mending: the damaged pages of a catalogue are put right from their parity, to the last bit.

Nothing gets worse if it is killed: a page that is written is a damaged one, and its parity stays.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from ...errors import IndexFolderError
from .connection import FILE, connect, explained
from .database import Catalogue
from .page_sums import NAMES, PageSums, parse, read_sums
from .schema import SUMMED

_LOST = "restore the index from a copy, or index again"


def mend(folder: Path) -> list[str]:
    """Put the catalogue of an index right, and return what was wrong, a line each; [] if nothing was.

    Nobody may write to the index, and this process may not have it open: closing the file here would drop the
    locks of SQLite.

    Raises
    ------
    IndexFolderError : more is damaged than parity can mend, or the disk refuses.
    """
    # Opening rolls back what a killed writer had begun; before that no page is what a commit left.
    generation, is_sound = _state(folder)
    data = (folder / FILE).read_bytes()
    kept = {name: _parsed(folder / name) for name in NAMES}
    sums = [one for one in kept.values() if one is not None and not one.is_open]
    own = next((one for one in kept.values() if one is not None and one.generation == generation), None)
    head = None if generation is None else read_sums(folder, generation)
    if head is not None and (head.is_open or head.holds(data)):
        return [] if own is not None else _sealed_again(folder)
    # Two sound files, neither of this commit: the number of the commit itself is damaged. But if one of them
    # is damaged, it is that of this commit, and the other one would take the last commit back.
    if own is None and None in kept.values():
        sums = []
        if is_sound:
            return _sealed_again(folder)
    chosen = own or min(sums, key=lambda one: (len(one.damaged(data)), -one.generation), default=None)
    mended = None if chosen is None else chosen.mended(data)
    if chosen is None or mended is None:
        raise IndexFolderError(f"{folder}: more of the catalogue is damaged than can be mended; {_LOST}")
    lines = [_line(chosen, page) for page in chosen.damaged(data)]
    _write(folder / FILE, chosen, mended)
    return lines or ["catalogue: its file was longer than it should be, and is cut"]


def _state(folder: Path) -> tuple[int | None, bool]:
    """Return the number of the last commit, None if it cannot be read, and whether SQLite finds no fault.

    Raises IndexFolderError for a catalogue of a format without checksums in which there is a fault.
    """
    try:
        with closing(connect(folder, "rw")) as connection:
            (format,) = connection.execute("PRAGMA user_version").fetchone()
            is_sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            (number,) = connection.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
    except (sqlite3.DatabaseError, UnicodeDecodeError, TypeError):
        return None, False
    if format < SUMMED and not is_sound:
        raise IndexFolderError(f"{folder}: the catalogue is damaged, and its format has no parity; {_LOST}")
    return (int(number) if str(number).isdecimal() else None), is_sound


def _parsed(path: Path) -> PageSums | None:
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        return None


def _sealed_again(folder: Path) -> list[str]:
    """Write new checksums, by a commit that changes nothing."""
    catalogue = Catalogue(folder, "rw")
    with closing(catalogue):
        if catalogue.format < SUMMED:
            return []
        for _ in NAMES:  # one for commits of even numbers, and one for those of odd ones
            with catalogue.transaction():
                pass
    return ["catalogue: its checksums were damaged or missing, and are written anew"]


def _line(sums: PageSums, page: int) -> str:
    first, last = page * sums.page_size, (page + 1) * sums.page_size
    return f"catalogue: page {page + 1} (bytes {first:,} to {last:,}) was damaged, and is mended"


def _write(path: Path, sums: PageSums, mended: bytes) -> None:
    """Write the damaged pages alone, where they are."""
    with explained(path.parent), path.open("r+b") as file:
        data = file.read()
        for page in sums.damaged(data):
            first = page * sums.page_size
            file.seek(first)
            file.write(mended[first : first + sums.page_size])
        file.truncate(len(mended))
        file.flush()
        os.fsync(file.fileno())
