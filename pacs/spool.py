"""The spool of a receiver: what was acknowledged is on the disk, and a series waits until it is stable.

    SPOOL/STUDY/SERIES/IMAGE.dcm             stable series, which an index reads
    SPOOL/.incoming/STUDY/SERIES/IMAGE.dcm   series to which images may still come

A file is written beside its place, synced, renamed, and its folder synced: then it may be acknowledged. A
kill at any instant leaves at most a part that was never acknowledged, and the next start goes on from there.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from retrieval.errors import ArchiveError
from retrieval.readers.archive import SeriesKey, is_part, part_path

INCOMING = ".incoming"
SUFFIX = ".dcm"
Piece = bytes | memoryview
_STRIPES = 64
"""Locks for the UIDs that are being written; two of one UID share one."""


class Spool:
    """Keep each image once, by its SOP instance UID. Several threads may add at the same time.

    Parameters
    ----------
    folder : made if it is not there; readable by its owner alone, as its files name patients.
    clock : tells seconds.

    Raises
    ------
    ArchiveError : the folder cannot be made or read, or another receiver writes into it.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder, self._clock = folder, clock
        self._incoming = folder / INCOMING
        self._uids = [threading.Lock() for _ in range(_STRIPES)]
        self._moving = threading.Lock()
        # 16 bytes of each UID: tens of megabytes for a million images.
        self._known: set[bytes] = set()
        self._waiting: dict[SeriesKey, float] = {}
        try:
            self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _locked(self._incoming)
            self._resume()
        except OSError as error:
            raise ArchiveError(
                f"{folder}: cannot be a spool ({error.strerror}); give --spool FOLDER"
            ) from error

    def _resume(self) -> None:
        """Take up what an earlier run left."""
        for path in self._incoming.iterdir():
            if is_part(path):
                path.unlink()
        now = self._clock()
        for key, path in series_folders(self._incoming):
            # Whether more of it comes is not known: it waits once more.
            self._waiting[key] = now
            self._known |= {_digest(file.stem) for file in path.iterdir()}
        for _, path in series_folders(self.folder):
            self._known |= {_digest(file.stem) for file in path.iterdir()}

    @property
    def has_stable(self) -> bool:
        """Tell whether an index can read a series."""
        return next(series_folders(self.folder), None) is not None

    def add(self, series: SeriesKey, uid: str, content: Sequence[Piece]) -> bool:
        """Put an image on the disk for good; return False if one of its UID is there already.

        Parameters
        ----------
        content : the pieces of a DICOM file (Part 10).

        Raises
        ------
        OSError : it cannot be written; nothing of it is left.
        """
        digest = _digest(uid)
        # A second association that brings the same image waits until the first has it on the disk.
        with self._uids[digest[0] % _STRIPES]:
            if digest in self._known and self._has(series, uid):
                return False
            part = part_path(self._incoming)
            try:
                _write(part, content)
                self._place(series, uid, part)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
            self._known.add(digest)
            return True

    def _has(self, series: SeriesKey, uid: str) -> bool:
        """Tell whether a file is there still: users delete studies, which may come again."""
        name, trees = f"{uid}{SUFFIX}", (self._incoming, self.folder)
        with self._moving:
            if any((tree / series.study / series.series / name).exists() for tree in trees):
                return True
            # The same UID in another series: rare, and worth a search.
            return any((path / name).exists() for tree in trees for _, path in series_folders(tree))

    def _place(self, series: SeriesKey, uid: str, part: Path) -> None:
        place = self._incoming / series.study / series.series
        with self._moving:
            _make(place, self._incoming)
            part.replace(place / f"{uid}{SUFFIX}")
            self._waiting[series] = self._clock()
            # Held open: what is synced is this folder, wherever it is moved to meanwhile.
            folder = os.open(place, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def settle(self, seconds: float) -> int:
        """Show the series to which nothing has come for some seconds; return how many there are.

        Raises
        ------
        OSError : some cannot be shown now, such as on a full disk; they wait, and all others are shown.
        """
        n_shown, failed = 0, None
        with self._moving:
            before = self._clock() - seconds
            for key in [key for key, last in self._waiting.items() if last <= before]:
                try:
                    self._show(key)
                    n_shown += 1
                except OSError as error:
                    # What a user has deleted waits no more; one that is deleted while it is shown does.
                    if (self._incoming / key.study / key.series).is_dir():
                        failed = error
                        continue
                del self._waiting[key]
        if failed is not None:
            raise failed
        return n_shown

    def _show(self, key: SeriesKey) -> None:
        here, there = self._incoming / key.study / key.series, self.folder / key.study / key.series
        files = sorted(here.iterdir())
        _make(there, self.folder)
        for file in files:
            file.replace(there / file.name)
        _sync(there)
        for empty in (here, here.parent):
            with suppress(OSError):  # other series of its study may wait
                empty.rmdir()

    def close(self) -> None:
        """Let another receiver write here."""
        os.close(self._lock)


def series_folders(folder: Path) -> Iterator[tuple[SeriesKey, Path]]:
    """Yield the series of a spool, by the names of their folders."""
    for study in _folders(folder):
        for series in _folders(study):
            yield SeriesKey(study.name, series.name), series


def _folders(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError):  # deleted since it was listed
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return []


def _digest(uid: str) -> bytes:
    return blake2b(uid.encode(), digest_size=16).digest()


def _write(path: Path, content: Sequence[Piece]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        for piece in content:
            left = memoryview(piece)
            while left:  # a disk that fills up may take a part
                left = left[file.write(left) or 0 :]
        os.fsync(file.fileno())


def _make(folder: Path, above: Path) -> None:
    """Make a folder of a series, and what is between; each is named for good in the one above it."""
    missing = [one for one in (folder.parent, folder) if one != above and not one.is_dir()]
    for one in missing:
        one.mkdir(mode=0o700, exist_ok=True)
        _sync(one.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _locked(folder: Path) -> int:
    """Return the lock of a spool. Raise ArchiveError if another process holds it."""
    import fcntl

    lock = os.open(folder / ".lock", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise ArchiveError(f"{folder.parent}: another receiver writes here; give another --spool") from error
    return lock
