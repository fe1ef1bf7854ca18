"""The catalogue: the SQLite file of an index. One transaction of it is one commit of the index.

Arrays are written to folders first and become part of the index when a transaction names them. So a kill at
any instant leaves the index at its last commit, with at most some folders that no commit names
(``Store.sweep``).
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import REPAIR, IndexFolderError
from ...readers.pseudonym import FAST, Key
from .connection import FILE, connect, explained, on_error, refuse_file
from .hidden_names import Names
from .page_sums import PageSums, read_sums
from .schema import APPLICATION, FORMAT, MADE_BY_OTHERS, SUMMED, TABLES
from .seals import Seals


class Catalogue:
    """Read and change the catalogue of one index folder.

    Any thread may use it: ``transaction`` and ``snapshot`` keep other threads out until their block ends.

    Parameters
    ----------
    folder : the index.
    mode : of SQLite: ``ro`` reads only, ``rw`` may write, ``rwc`` also makes the file.

    Raises
    ------
    IndexFolderError : SQLite cannot open the file; the message says what to do.

    Attributes
    ----------
    key, names : of the hashes in it, and how it keeps names; the store that opens it sets them.
    """

    def __init__(self, folder: Path, mode: str) -> None:
        self.folder = folder
        self.key = Key.unknown(FAST)
        self.names = Names(self.key, False)
        # One connection has one transaction, whichever thread began it. The lock is reentrant because the
        # questions inside a transaction take it again.
        self._turn = threading.RLock()
        self._seals = Seals(folder)
        with explained(self.folder):
            self._connection = connect(folder, mode)
        self._seals.opened()

    @classmethod
    def create(cls, folder: Path, meta: Mapping[str, str]) -> Catalogue:
        """Make the catalogue of a new index, in one commit."""
        catalogue = cls(folder, "rwc")
        with on_error(catalogue.close):
            # The marks and the tables are in the same transaction as the first rows: a folder in which the
            # making was interrupted has no table `meta`, and `is_born` tells it from an index.
            marks = f"PRAGMA application_id={APPLICATION}; PRAGMA user_version={FORMAT};"
            with explained(folder):
                catalogue._connection.executescript(f"BEGIN IMMEDIATE; {marks} {TABLES}")
            catalogue.run_many("INSERT INTO meta VALUES (?, ?)", {"generation": "0", **meta}.items())
            catalogue._seal()
        return catalogue

    @staticmethod
    def is_born(folder: Path) -> bool:
        """Tell if a folder holds a catalogue that was made completely, of any format.

        Raises IndexFolderError for a file, such as a list of shards.
        """
        refuse_file(folder)
        if not (folder / FILE).is_file():
            return False
        catalogue = Catalogue(folder, "rw")
        try:
            return bool(catalogue.rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'"))
        finally:
            catalogue.close()

    @classmethod
    def open(cls, folder: Path, write: bool = False) -> Catalogue:
        """Open the catalogue of an index; without ``write`` nothing is changed.

        Raises
        ------
        IndexFolderError : no index, a newer format, a damaged file, or one that cannot be read.
        """
        refuse_file(folder)
        if not (folder / FILE).is_file():
            what = "is not an index of Semblance" if folder.exists() else "is not there"
            raise IndexFolderError(f"{folder}: {what}; make one with `semblance index FOLDER -o {folder}`")
        catalogue = cls(folder, "rw" if write else "ro")
        with on_error(catalogue.close):
            catalogue._check_format()
            with catalogue.snapshot():
                catalogue.check()
        return catalogue

    def _check_format(self) -> None:
        application, format = (self.rows(f"PRAGMA {p}")[0][0] for p in ("application_id", "user_version"))
        if application != APPLICATION or not self.rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'"):
            raise IndexFolderError(f"{self.folder}: is not an index of Semblance, or was never finished")
        if format > FORMAT:
            if read_sums(self.folder, self.generation) is not None:
                self.check()  # the number itself may be the damage
            newer = f"made by a newer Semblance (format {format}, this one reads {FORMAT})"
            # Not by name: on PyPI it is that of another project.
            remedy = "update the clone of Semblance and run `pip install .` in it, or index again"
            raise IndexFolderError(f"{self.folder}: {newer}; {remedy}")
        if self.rows(MADE_BY_OTHERS):
            raise IndexFolderError(f"{self.folder}: catalogue holds what is not of Semblance; index again")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all changes in the block one commit, or none of them if an error leaves the block.

        Each commit raises ``generation`` by one; readers see from it that they are behind.
        """
        with self._turn, self._begun():
            yield
            self._seal()

    @contextmanager
    def _begun(self) -> Iterator[None]:
        # IMMEDIATE takes the write lock at once. A deferred transaction reads first and may then fail to
        # become a writer, after half of the work is done.
        self.run("BEGIN IMMEDIATE")
        try:
            self.run("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
            yield
        except BaseException:  # KeyboardInterrupt too: nothing of a half-made commit may stay
            self._connection.rollback()
            raise

    def _seal(self) -> None:
        """End a transaction: write the checksums of what its commit will leave, and commit."""
        if self.format >= SUMMED:
            generation = self.generation
            with explained(self.folder):
                self._seals.commit(self._connection, generation)
        else:
            self.run("COMMIT")

    def rewrite(self) -> None:
        """Write the file of the catalogue anew, without the pages and bytes of what was deleted."""
        with self._turn:
            # VACUUM cannot run inside a transaction, and nobody can say beforehand what the pages will be. So
            # a commit says that they are not known, and the one after it what they are.
            with self._begun():
                self._seals.write(PageSums(self.generation))
                self.run("COMMIT")
            self.run("PRAGMA secure_delete=ON")
            self.run("VACUUM")
            with self.transaction():
                pass

    def check(self) -> None:
        """Compare the pages of the file with their checksums, once a commit; older formats have none.

        Raises IndexFolderError if a page is damaged, or the checksums are.
        """
        with self._turn:
            # The format alone must not decide: its number may be the damage.
            self._seals.check(self.generation, may_lack=lambda: self.format < SUMMED)

    def refuse_another(self) -> None:
        """Raise IndexFolderError if the index that was opened was deleted, or made anew at its place."""
        self._seals.refuse_another()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Answer all questions in the block from the same commit."""
        with self._turn:
            # A deferred transaction takes SQLite's shared lock with its first question and keeps it until the
            # end. That makes a writer wait with its commit, so keep the block short.
            self.run("BEGIN")
            try:
                yield
            finally:
                self._connection.rollback()

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return all rows that a query finds."""
        with self._turn, explained(self.folder):
            return self._connection.execute(sql, values).fetchall()

    def numbers(self, sql: str, *values: Any) -> array[int]:
        """Return the whole numbers that a query of one column finds, in 8 bytes each."""
        with self._turn, explained(self.folder):
            return array("q", (number for (number,) in self._connection.execute(sql, values)))

    def run(self, sql: str, *values: Any) -> int:
        """Run one statement and return the id of the row that it inserted; 0 if none."""
        with self._turn, explained(self.folder):
            return self._connection.execute(sql, values).lastrowid or 0

    def run_many(self, sql: str, values: Iterable[tuple[Any, ...]]) -> None:
        """Run one statement for each tuple of values."""
        with self._turn, explained(self.folder):
            self._connection.executemany(sql, values)

    def meta(self, key: str) -> str:
        """Return the text kept under a key. Raise IndexFolderError if there is none."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", key)
        if not found:
            raise IndexFolderError(f"{self.folder}: its catalogue lacks {key!r}; {REPAIR}")
        return str(found[0][0])

    @property
    def format(self) -> int:
        """The number of the format on disk; a writer may raise it while others read."""
        return int(self.rows("PRAGMA user_version")[0][0])

    @property
    def generation(self) -> int:
        """The number of the last commit, from 0."""
        return int(self.meta("generation"))

    def close(self) -> None:
        """Close the file, once nobody is at it: SQLite crashes if it is closed while it answers."""
        with self._turn:
            self._connection.close()
            self._seals.release()  # after the connection: see ``shared_file``
