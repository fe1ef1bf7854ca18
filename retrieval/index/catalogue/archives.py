"""The archives: which roots of an index are archives and not folders, and how far their changes were seen.

An address may name a patient among its filters. It is encrypted by the key of the index, as hidden paths are.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ...errors import ArchiveError, PictureError
from ...readers.archive import Address
from .database import Catalogue
from .hidden_names import Names
from .roots import add_root
from .schema import ARCHIVES_SINCE


@dataclass(frozen=True)
class IndexedArchive:
    """An archive whose images are indexed.

    Parameters
    ----------
    root : its number among the indexed folders.
    folder : where its files are while they are read, and stay if ``keeps_files``.
    sealed : its address, encrypted.
    cursor : how far its changes were seen; None if it tells of none.
    """

    root: int
    folder: Path
    sealed: bytes
    cursor: str | None
    keeps_files: bool


def archives(catalogue: Catalogue) -> list[IndexedArchive]:
    """Return the archives of an index, in the order in which they were added."""
    if catalogue.format < ARCHIVES_SINCE:
        return []
    sql = """SELECT a.root, r.path, a.address, a.cursor, a.keeps_files
        FROM archive a JOIN root r ON r.id = a.root ORDER BY a.root"""
    return [
        IndexedArchive(int(root), _folder(catalogue, path), bytes(address), cursor, bool(keeps))
        for root, path, address, cursor, keeps in catalogue.rows(sql)
    ]


def _folder(catalogue: Catalogue, path: bytes) -> Path:
    try:
        return Path(os.fsdecode(catalogue.names.path(path)))
    except PictureError:  # hidden names, and no key: nothing of the archive can be asked for either
        return Path(os.devnull)


def archive_of(catalogue: Catalogue, address: Address) -> IndexedArchive | None:
    """Return the archive of an address; None if none of its images is indexed."""
    sealed = _sealing(catalogue).keep(str(address).encode())
    return next((a for a in archives(catalogue) if a.sealed == sealed), None)


def add_archive(catalogue: Catalogue, address: Address, folder: Path, keeps_files: bool) -> None:
    """Within a transaction: add an archive."""
    sealed = _sealing(catalogue).keep(str(address).encode())
    root = add_root(catalogue, folder)
    catalogue.run(
        "INSERT INTO archive (root, address, keeps_files) VALUES (?, ?, ?)", root, sealed, keeps_files
    )


def move_archive(catalogue: Catalogue, root: int, folder: Path, keeps_files: bool) -> None:
    """Within a transaction: let the files of an archive be elsewhere from now on."""
    catalogue.run("UPDATE root SET path = ? WHERE id = ?", catalogue.names.keep(os.fsencode(folder)), root)
    catalogue.run("UPDATE archive SET keeps_files = ? WHERE root = ?", keeps_files, root)


def note_cursor(catalogue: Catalogue, root: int, cursor: str | None) -> None:
    """Within a transaction: record how far the changes of an archive were seen."""
    catalogue.run("UPDATE archive SET cursor = ? WHERE root = ?", cursor, root)


def address_of(catalogue: Catalogue, archive: IndexedArchive) -> Address:
    """Return the address of an archive. Raise ArchiveError without the key of the index."""
    try:
        return Address.parse(_sealing(catalogue).path(archive.sealed).decode())
    except PictureError as error:
        raise ArchiveError(
            "the image is in an archive, whose address only the key of the index brings back; give --key FILE"
        ) from error


def _sealing(catalogue: Catalogue) -> Names:
    return Names(catalogue.key, are_hidden=True)
