"""Recognising files and folders: what is what was indexed, what has moved, and what only looks like it.

A file is unchanged if its size, times and inode are. If they differ its contents are compared: copies,
restored backups and files that were only touched hold what they held, and files that changed names do not.
Of a folder that has vanished only contents say where it is now: two discs can have the same names, sizes and
times.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ..catalogue.contents import BLOCK, part_of, whole_of
from ..catalogue.database import Catalogue
from ..catalogue.files import Stat, State, knows_contents
from ..catalogue.known_sources import KnownSource, each_source, known_sources
from ..catalogue.on_disk import stat_of
from ..catalogue.roots import IndexedRoot

_MOST_ALIKE = 0.5
"""A folder is where at least this share of its images is."""


def is_unchanged(known: KnownSource, path: Path, stat: Stat, salt: bytes, thoroughly: bool = False) -> bool:
    """Tell if a file holds what it held, reading it only if its size, times and inode do not say so.

    Parameters
    ----------
    stat : of the file now.
    thoroughly : compare all of the contents in any case.
    """
    before = known.stat
    if before.inode is None:  # indexed by format 1, which knew no more, and not seen since
        return (stat.size, stat.mtime_ns) == (before.size, before.mtime_ns)
    if stat == before and not (thoroughly and known.part is not None):
        return True
    if stat.size != before.size or known.part is None:
        return False
    try:
        return _holds(known, path, stat, salt, thoroughly)
    except OSError:
        return True  # what cannot be read cannot be called changed; it is compared when it can be


def holds_the_same(known: KnownSource, path: Path, stat: Stat, salt: bytes) -> bool:
    """Tell if a file, whatever it is called, has the contents of an indexed one."""
    try:
        return known.part is not None and _holds(known, path, stat, salt, thoroughly=True)
    except OSError:
        return False


def part_at(path: Path, salt: bytes) -> bytes | None:
    """Return the hash of a part of a file, see ``part_of``; None if it cannot be read."""
    try:
        return part_of(path, salt)
    except OSError:
        return None


def _holds(known: KnownSource, path: Path, stat: Stat, salt: bytes, thoroughly: bool) -> bool:
    if part_of(path, salt) != known.part:
        return False
    is_all = stat.size <= 3 * BLOCK
    if is_all or (stat.mtime_ns == known.stat.mtime_ns and not thoroughly):
        return True
    # Written to since: a byte between the blocks may have changed, such as a name painted over in one frame.
    if known.whole is None:  # too large to have been read whole
        return stat.mtime_ns == known.stat.mtime_ns
    return whole_of(path, salt) == known.whole


def is_another(catalogue: Catalogue, root: IndexedRoot, salt: bytes) -> bool:
    """Tell if something else is at the path of an indexed folder, such as another disc.

    It is if no image is what it was, and the folder is not the one of the last scan, or cannot be written to,
    or what differs was written before the last scan, so that it did not change where it is. Else somebody has
    changed all files of a folder, or it cannot be known. Files that have changed names are no other disc.
    """
    is_older = False
    there = []
    for known, path, stat in _there(catalogue, root):
        if is_unchanged(known, path, stat, salt):
            return False
        is_older |= root.scanned_ns is not None and stat.mtime_ns < root.scanned_ns and known.part is not None
        there.append(path)
    images = _images(known_sources(catalogue, root.id).values())
    if not images or not has_files(root.path) or _have_changed_names(images, there, salt):
        return False
    is_other_folder = root.folder is not None and folder_of(root.path) != root.folder
    return is_other_folder or is_older or _is_read_only(root.path)


def is_there(catalogue: Catalogue, root: IndexedRoot, salt: bytes) -> bool:
    """Tell if any image of an indexed folder is still where it was."""
    if root.is_displaced or not root.path.exists():
        return False
    return any(is_unchanged(known, path, stat, salt) for known, path, stat in _there(catalogue, root))


def holds_files_of(catalogue: Catalogue, folder: Path, root: IndexedRoot, salt: bytes) -> bool:
    """Tell if at least half of the images of an indexed folder are in another one, at the same paths in it.

    Only contents count. What is no image does not: discs of one hospital bring the same viewer.
    """
    if not knows_contents(catalogue, root.id):
        return False
    known = {path: one for path, one in known_sources(catalogue, root.id).items() if one.state is State.READ}
    there = [(one, folder / os.fsdecode(path)) for path, one in known.items() if one.part is not None]
    # Missing files and other sizes first: most folders are ruled out without reading a byte.
    sized = [(one, path) for one, path in there if _size(path) == one.stat.size]
    if not known or len(sized) < _MOST_ALIKE * len(known):
        return False
    return sum(_has_part(path, one, salt) for one, path in sized) >= _MOST_ALIKE * len(known)


def could_hold(catalogue: Catalogue, folder: Path, root: IndexedRoot) -> bool:
    """Tell if a folder looks like one of an index of format 1, which does not know its contents."""
    if knows_contents(catalogue, root.id):
        return False
    known = known_sources(catalogue, root.id)
    images = {path: one for path, one in known.items() if one.state is State.READ}
    if not images:
        return False
    n = sum(_size(folder / os.fsdecode(path)) == one.stat.size for path, one in images.items())
    return n >= _MOST_ALIKE * len(images)


def folder_of(path: Path) -> str | None:
    """Return the device and inode of a folder; None if it cannot be asked."""
    try:
        status = path.stat()
    except OSError:
        return None
    return f"{status.st_dev}:{status.st_ino}"


def has_files(path: Path) -> bool:
    """Tell if a folder holds anything; an empty one is most often a disc that is not mounted."""
    try:
        return any(True for _ in path.iterdir())
    except OSError:
        return False


def _there(catalogue: Catalogue, root: IndexedRoot) -> Iterable[tuple[KnownSource, Path, Stat]]:
    """Yield the images of an indexed folder for which there is a file."""
    for below, known in each_source(catalogue, root.id):
        path = root.path / os.fsdecode(below)
        if known.state is State.READ:
            try:
                yield known, path, stat_of(path)
            except (OSError, ValueError):
                continue


def _images(known: Iterable[KnownSource]) -> list[KnownSource]:
    return [one for one in known if one.state is State.READ]


def _have_changed_names(images: list[KnownSource], there: Iterable[Path], salt: bytes) -> bool:
    """Tell if at least half of some images are in files that had other contents before."""
    parts = {one.part for one in images if one.part is not None}
    if not parts:
        return False
    return sum(part_at(path, salt) in parts for path in there) >= _MOST_ALIKE * len(images)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _has_part(path: Path, known: KnownSource, salt: bytes) -> bool:
    return part_at(path, salt) == known.part


def _is_read_only(path: Path) -> bool:
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except (OSError, AttributeError):
        return False
