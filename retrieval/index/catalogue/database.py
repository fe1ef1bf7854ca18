"""The catalogue: the SQLite file of an index. One transaction of it is one commit of the index.

Arrays are written to folders first and become part of the index when a transaction names them. So a kill at
any instant leaves the index at its last commit, with at most some folders that no commit names
(``Store.sweep``).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import IndexFolderError
from .schema import APPLICATION, FORMAT, TABLES

FILE = "catalogue.sqlite"
_PATIENCE = 60.0  # seconds to wait for the commit of another process


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
    """

    def __init__(self, folder: Path, mode: str) -> None:
        self.folder = folder
        # One connection has one transaction, whichever thread began it. The lock is reentrant because the
        # questions inside a transaction take it again.
        self._turn = threading.RLock()
        with self._explained():
            self._connection = _connect(folder, mode)

    @classmethod
    def create(cls, folder: Path, meta: Mapping[str, str]) -> Catalogue:
        """Make the catalogue of a new index, in one commit."""
        catalogue = cls(folder, "rwc")
        # The marks and the tables are in the same transaction as the first rows: a folder in which the making
        # was interrupted has no table `meta`, and `is_born` tells it from an index.
        marks = f"PRAGMA application_id={APPLICATION}; PRAGMA user_version={FORMAT};"
        with catalogue._explained():
            catalogue._connection.executescript(f"BEGIN IMMEDIATE; {marks} {TABLES}")
        catalogue.run_many("INSERT INTO meta VALUES (?, ?)", {"generation": "0", **meta}.items())
        catalogue.run("COMMIT")
        return catalogue

    @staticmethod
    def is_born(folder: Path) -> bool:
        """Tell if a folder holds a catalogue that was made completely, of any format."""
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
        if not (folder / FILE).is_file():
            what = "is not an index of Semblance" if folder.exists() else "is not there"
            raise IndexFolderError(f"{folder}: {what}; make one with `semblance index FOLDER -o {folder}`")
        catalogue = cls(folder, "rw" if write else "ro")
        catalogue._check_format()
        return catalogue

    def _check_format(self) -> None:
        application, format = (self.rows(f"PRAGMA {p}")[0][0] for p in ("application_id", "user_version"))
        if application != APPLICATION or not self.rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'"):
            raise IndexFolderError(f"{self.folder}: is not an index of Semblance, or was never finished")
        if format > FORMAT:
            raise IndexFolderError(
                f"{self.folder}: made by a newer Semblance (format {format}, this one reads {FORMAT}); "
                "upgrade with `pip install --upgrade semblance`, or index again"
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all changes in the block one commit, or none of them if an error leaves the block.

        Each commit raises ``generation`` by one; readers see from it that they are behind.
        """
        with self._turn:
            # IMMEDIATE takes the write lock at once. A deferred transaction reads first and may then fail to
            # become a writer, after half of the work is done.
            self.run("BEGIN IMMEDIATE")
            try:
                yield
                self.run("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
                self.run("COMMIT")
            except BaseException:  # KeyboardInterrupt too: nothing of a half-made commit may stay
                self._connection.rollback()
                raise

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
        with self._turn, self._explained():
            return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, *values: Any) -> int:
        """Run one statement and return the id of the row that it inserted; 0 if none."""
        with self._turn, self._explained():
            return self._connection.execute(sql, values).lastrowid or 0

    def run_many(self, sql: str, values: Iterable[tuple[Any, ...]]) -> None:
        """Run one statement for each tuple of values."""
        with self._turn, self._explained():
            self._connection.executemany(sql, values)

    def meta(self, key: str) -> str:
        """Return the text kept under a key. Raise IndexFolderError if there is none."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", key)
        if not found:
            raise IndexFolderError(f"{self.folder}: its catalogue lacks {key!r}; restore it, or index again")
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
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's errors into ours, with the remedy."""
        try:
            yield
        except sqlite3.Error as error:
            raise IndexFolderError(f"{self.folder}: catalogue: {error}; {_remedy(str(error))}") from error


def _connect(folder: Path, mode: str) -> sqlite3.Connection:
    uri = f"{(folder / FILE).absolute().as_uri()}?mode="
    connection = _connection(uri + mode)
    try:
        connection.execute("PRAGMA user_version").fetchall()
    except sqlite3.OperationalError:
        # A writer was killed in the middle of its commit and left a hot rollback journal. Only a connection
        # that may write can roll it back; no reader can open the file before that is done.
        connection.close()
        if mode != "ro":
            raise
        _connection(uri + "rw").execute("PRAGMA user_version").fetchall()
        connection = _connection(uri + mode)
    # SQLite's default rollback journal is kept: a write-ahead log needs shared memory between processes,
    # which network file systems lack. FULL syncs the journal before the pages and the pages before the
    # journal is deleted, so a commit survives a loss of power.
    connection.execute("PRAGMA synchronous=FULL")
    # Deleted rows are overwritten with zeros: names of removed images must not stay readable in the file.
    connection.execute("PRAGMA secure_delete=ON")
    return connection


def _connection(uri: str) -> sqlite3.Connection:
    # `isolation_level=None`: the module begins no transaction of its own; `transaction` alone decides.
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)


def _remedy(text: str) -> str:
    if "locked" in text or "busy" in text:
        return "another process holds it, try again"
    if "full" in text:
        return "free some space and run the same command again"
    if "readonly" in text or "unable to open" in text:
        return "check the permissions of the folder"
    return "restore the index from a copy, or index again"
