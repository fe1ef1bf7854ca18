"""The folder: which files there are to read, in a fixed order."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import PictureError
from .dicomdir import is_directory_file, listed_files

Report = Callable[[str], None]
"""Takes one line about what could not be looked at."""

_LEADS_OUT = "is a link that leads out of the folder, and is not followed; --follow-links does"
_NAMED = 3
"""How many missing files of a DICOMDIR are named."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that may hold pictures.

    Parameters
    ----------
    where : its path, as the system takes it.
    name : relative to the folder, ``/`` between parts; bytes that are no UTF-8, and control characters, are
        written as backslash escapes.
    size : in bytes.
    mtime_ns : when it was changed last, in nanoseconds since 1970.
    inode : its number in the file system.
    ctime_ns : when its contents, name or rights were changed last; no program can set it.
    """

    where: str
    name: str
    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self.where)


def find_files(
    folder: Path,
    *,
    exclude: Collection[Path] = (),
    report: Report | None = None,
    follow_links: bool = False,
) -> Iterator[FoundFile]:
    """Walk a folder in the order of its names and yield its regular files.

    Hidden files and folders are passed over, and what links lead to outside of the folder unless
    ``follow_links``; every folder is entered once. Of a DICOMDIR the files that it names are found, once, and
    never outside its folder; it is not yielded itself. A ``folder`` that is a file is found as that file, or,
    if it is a DICOMDIR, as the files that it names.

    Parameters
    ----------
    exclude : files and folders to leave out, such as the index itself.
    report : is called with a line about each folder or file that cannot be looked at, or to which a link
        leads that is not followed; they are passed over.
    follow_links : follow links that lead out of the folder. A ``folder`` that is a link is meant itself.

    Raises
    ------
    PictureError : there is no such folder or file, or a DICOMDIR given as ``folder`` cannot be read.
    """
    tell = report or (lambda line: None)
    walk = _Walk(Path(folder), frozenset(_real(path) for path in exclude), tell, follow_links)
    try:
        mode = walk.folder.stat().st_mode
    except OSError as error:
        raise PictureError(f"{folder}: {error.strerror}") from error
    if stat.S_ISDIR(mode):
        yield from walk.files()
    elif is_directory_file(walk.folder):
        yield from _listed(walk.folder, walk)
    elif (found := _found(walk.folder, walk.folder.name, tell)) is not None:
        yield found


@dataclass(frozen=True)
class _Walk:
    folder: Path
    excluded: frozenset[Path]
    report: Report
    follow_links: bool = False

    def files(self) -> Iterator[FoundFile]:
        """Walk with a stack of our own: folders may be nested deeper than functions can be."""
        root = _real(self.folder)
        entered = {_identity(self.folder)}
        stack = [iter(self._entries(self.folder, ""))]
        while stack:
            entry, name = next(stack[-1], (None, ""))
            if entry is None:
                stack.pop()
            elif entry.is_symlink() and not self._is_followed(entry, name, root):
                continue
            elif not self._is_folder(entry):
                yield from self._file(entry, name)
            else:
                identity = _identity(Path(entry.path))
                if identity not in entered:
                    stack.append(iter(self._entries(Path(entry.path), name + "/")))
                entered.add(identity)

    def _is_followed(self, entry: os.DirEntry[str], name: str, root: Path) -> bool:
        """Tell whether a link is followed: to a file within the folder, or out of it if that is wanted."""
        if _real(Path(entry.path)).is_relative_to(root):
            return not self._is_folder(entry)  # a folder in the folder is walked anyway
        # One that leads nowhere is said to be that where it is looked at.
        if not self.follow_links and Path(entry.path).exists():
            self.report(f"{clean_name(name)}: {_LEADS_OUT}")
            return False
        return True

    def _entries(self, folder: Path, prefix: str) -> list[tuple[os.DirEntry[str] | None, str]]:
        try:
            with os.scandir(folder) as entries:
                kept = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            self.report(f"{clean_name(prefix.rstrip('/')) or folder}: {error.strerror}")
            return []
        kept = [entry for entry in kept if not self._is_excluded(entry)]
        return [(entry, prefix + entry.name) for entry in sorted(kept, key=lambda e: os.fsencode(e.name))]

    def _is_excluded(self, entry: os.DirEntry[str]) -> bool:
        # Resolving each path would cost a system call a file; most names are those of no excluded path.
        named = entry.is_symlink() or any(path.name == entry.name for path in self.excluded)
        return named and _real(Path(entry.path)) in self.excluded

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        try:
            return entry.is_dir()
        except OSError:
            return False

    def _file(self, entry: os.DirEntry[str], name: str) -> Iterator[FoundFile]:
        # Of a million files few need the methods of a path, which takes as long to make as to ask the system.
        if entry.name.upper().startswith("DICOMDIR") and is_directory_file(path := Path(entry.path)):
            self._check_listed(path, name)
        elif (found := _found(entry, name, self.report)) is not None:
            yield found

    def _check_listed(self, path: Path, name: str) -> None:
        """The walk finds what a DICOMDIR names; say what it cannot find."""
        try:
            list(_listed(path, self, f"{name}: "))
        except PictureError as error:
            self.report(str(error))


def _found(path: Path | os.DirEntry[str], name: str, report: Report) -> FoundFile | None:
    """Describe a file, None if it is no regular one."""
    try:
        status = path.stat()
    except OSError as error:
        report(f"{clean_name(name)}: {error.strerror}")
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return FoundFile(os.fspath(path), clean_name(name), *stamps_of(status))


def stamps_of(status: os.stat_result) -> tuple[int, int, int, int]:
    """Return size, time of change, inode and time of any change, ns since 1970, as databases hold them."""
    # Some file systems have inodes of 64 bits without a sign, or more, and times behind 2262.
    most = (1 << 63) - 1
    mtime_ns, ctime_ns = (max(-most, min(ns, most)) for ns in (status.st_mtime_ns, status.st_ctime_ns))
    return status.st_size, mtime_ns, status.st_ino & most, ctime_ns


def _listed(path: Path, walk: _Walk, prefix: str = "") -> Iterator[FoundFile]:
    """Yield the files that a DICOMDIR names, in the order of their names, each once.

    What cannot be found is said in one line, however many files it is: a DICOMDIR is often copied alone.
    """
    folder, root = path.parent, _real(path.parent)
    references = sorted(listed_files(path))
    missing: list[str] = []
    for parts in references:
        name = "/".join(parts)
        place = folder.joinpath(*parts)
        if not place.exists():  # a CD may show its names in small letters
            place = folder.joinpath(*(part.lower() for part in parts))
        if PurePosixPath(name).is_absolute() or not _real(place).is_relative_to(root):
            walk.report(f"{prefix}{clean_name(name)}: is outside the folder of the DICOMDIR and is not read")
        elif not walk.excluded.isdisjoint((_real(place), *_real(place).parents)):
            continue
        else:
            found = _found(place, place.relative_to(folder).as_posix(), missing.append)
            if found is not None:
                yield found
    if len(missing) == 1:
        walk.report(f"{clean_name(prefix)}{missing[0]}")
    elif missing:
        names = ", ".join(line.rpartition(": ")[0] for line in missing[:_NAMED])
        more = ", …" if len(missing) > _NAMED else ""
        what = f"{len(missing):,} of the {len(references):,} files that it names"
        where = clean_name(prefix) or f"{path.name}: "
        walk.report(f"{where}{what} cannot be found ({names}{more}); copy them too")


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return -1, hash(path)
    return status.st_dev, status.st_ino


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links
        return path


def clean_name(name: str) -> str:
    """Return the name of a file as it is shown: one printable line."""
    # Names of other systems may be no UTF-8; what is shown must be printable and one line.
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
