"""Seals: the checksums of an open catalogue are compared with its file, and written for each commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import REPAIR, IndexFolderError, lack
from .before_commit import commit, vfs_name
from .changed_pages import sums_after
from .connection import FILE
from .page_sums import PageSums, read_sums, write_sums
from .shared_file import SharedFile


class Seals:
    """Know which commit of a catalogue was compared with its checksums, and write those of the next one.

    Whoever asks keeps other threads out.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checked = -1
        self._last: PageSums | None = None  # those that were written last
        self._file: SharedFile | None = None
        self._known_as: tuple[int, int] | None = None

    def opened(self) -> None:
        """Note which file of the file system was opened: another may take its place."""
        self._known_as = _file_at(self._folder / FILE)

    def refuse_another(self) -> None:
        """Raise IndexFolderError if the file that was opened is not there any more."""
        if _file_at(self._folder / FILE) != self._known_as:
            raise IndexFolderError(
                f"{self._folder}: was deleted or made anew since it was opened; open it again"
            )

    def check(self, generation: int, may_lack: Callable[[], bool]) -> None:
        """Compare the file with the checksums of a commit, if that was not done yet.

        Raises IndexFolderError if a page is damaged, or the checksums are, or are lacking and may not.
        """
        if generation == self._checked:
            return
        sums = read_sums(self._folder, generation)
        if sums is None and may_lack():
            return
        self.refuse_another()  # whose checksums these would be
        if sums is None:
            what = "the catalogue has lost its checksums, or they are damaged"
            raise IndexFolderError(f"{self._folder}: {what}; {REPAIR}")
        is_same = sums.is_open or sums.fits(self._chunks())
        if not is_same and (what := sums.trouble(b"".join(self._chunks()))):
            raise IndexFolderError(f"{self._folder}: the catalogue is damaged ({what}); {REPAIR}")
        self._checked = generation

    def commit(self, connection: sqlite3.Connection, generation: int) -> None:
        """Commit a transaction under its number, after the checksums of what it leaves are on the disk.

        Raises IndexFolderError if they cannot be written; nothing is committed then.
        """
        if vfs_name() is not None:
            commit(connection, lambda: self._seal(self._followed(generation) or self._anew(generation)))
            return
        # Where nobody can look between its steps only SQLite knows the pages of a commit before it is made.
        self._seal(PageSums.of(connection.serialize(), generation))
        connection.execute("COMMIT")

    def write(self, sums: PageSums) -> None:
        """Write the checksums of a commit that is about to be made. Raises IndexFolderError."""
        try:
            write_sums(self._folder, sums)
        except OSError as error:
            raise lack(error, self._folder) from error

    def release(self) -> None:
        """Let go of the file, when the connection to it is closed."""
        if self._file is not None:
            self._file.release()
            self._file = None

    def _seal(self, sums: PageSums) -> None:
        self.write(sums)
        self._last, self._checked = sums, sums.generation

    def _followed(self, generation: int) -> PageSums | None:
        """Return the checksums of a commit from those of the one before it; None if that cannot be."""
        before = self._last
        if before is None or before.generation != generation - 1:
            before = read_sums(self._folder, generation - 1, with_parity=True)
        if before is None or before.is_open:
            return None
        with self._reading() as file:
            n_pages, rest = divmod(file.n_bytes, size := before.page_size)
            return None if rest else sums_after(self._folder, before, n_pages, lambda n: file.page(n, size))

    def _anew(self, generation: int) -> PageSums:
        with self._reading() as file:
            return PageSums.of_chunks(file.chunks(), file.n_bytes, generation)

    def _chunks(self) -> Iterator[bytes]:
        """Yield the file as it is on the disk; within a snapshot no writer changes it."""
        with self._reading() as file:
            yield from file.chunks()

    @contextmanager
    def _reading(self) -> Iterator[SharedFile]:
        try:
            if self._file is None:
                self._file = SharedFile.of(self._folder / FILE)
            yield self._file
        except OSError as error:
            raise lack(error, self._folder / FILE) from error


def _file_at(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file; None if it cannot be asked."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
