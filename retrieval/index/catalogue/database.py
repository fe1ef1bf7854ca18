"""The catalogue: the SQLite file of an index, and its transactions, which are the commits of the index."""

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
    """Ask and change the catalogue of one index folder.

    It keeps SQLite's rollback journal (a write-ahead log needs shared memory, which network folders lack).
    Any thread may use it; what stands within ``transaction`` or ``snapshot`` is not mixed with other
    threads'.
    """

    def __init__(self, folder: Path, mode: str) -> None:
        self.folder = folder
        self._turn = threading.RLock()
        with self._explained():
            self._connection = _connect(folder, mode)

    @classmethod
    def create(cls, folder: Path, meta: Mapping[str, str]) -> Catalogue:
        """Make the catalogue of a new index, in one commit."""
        catalogue = cls(folder, "rwc")
        marks = f"PRAGMA application_id={APPLICATION}; PRAGMA user_version={FORMAT};"
        with catalogue._explained():
            catalogue._connection.executescript(f"BEGIN IMMEDIATE; {marks} {TABLES}")
        catalogue.run_many("INSERT INTO meta VALUES (?, ?)", {"generation": "0", **meta}.items())
        catalogue.run("COMMIT")
        return catalogue

    @staticmethod
    def is_born(folder: Path) -> bool:
        """Tell whether a folder holds a catalogue whose making was finished, of any format."""
        if not (folder / FILE).is_file():
            return False
        catalogue = Catalogue(folder, "rw")
        try:
            return bool(catalogue.rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'"))
        finally:
            catalogue.close()

    @classmethod
    def open(cls, folder: Path, write: bool = False) -> Catalogue:
        """Open the catalogue of an index; without ``write`` nothing is ever changed.

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
        """Make all changes within one commit, or none of them where an error leaves the block."""
        with self._turn:
            self.run("BEGIN IMMEDIATE")
            try:
                yield
                self.run("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
                self.run("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all questions within be answered from one and the same commit."""
        with self._turn:
            self.run("BEGIN")
            try:
                yield
            finally:
                self._connection.rollback()

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a question."""
        with self._turn, self._explained():
            return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, *values: Any) -> int:
        """Make one change and return the id of the row that it inserted."""
        with self._turn, self._explained():
            return self._connection.execute(sql, values).lastrowid or 0

    def run_many(self, sql: str, values: Iterable[tuple[Any, ...]]) -> None:
        """Make one change for each tuple of values."""
        with self._turn, self._explained():
            self._connection.executemany(sql, values)

    def meta(self, key: str) -> str:
        """Return what is noted under a key. Raise IndexFolderError where there is nothing."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", key)
        if not found:
            raise IndexFolderError(f"{self.folder}: its catalogue lacks {key!r}; restore it, or index again")
        return str(found[0][0])

    @property
    def generation(self) -> int:
        """Return the number of the last commit."""
        return int(self.meta("generation"))

    def close(self) -> None:
        """Let go of the file."""
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
        # A writer was killed in the middle of its commit. Only a connection that may write can take the
        # half of it back, which any later one needs.
        connection.close()
        if mode != "ro":
            raise
        _connection(uri + "rw").execute("PRAGMA user_version").fetchall()
        connection = _connection(uri + mode)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
    return connection


def _connection(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)


def _remedy(text: str) -> str:
    if "locked" in text or "busy" in text:
        return "another process holds it, try again"
    if "full" in text:
        return "free some space and run the same command again"
    if "readonly" in text or "unable to open" in text:
        return "check the permissions of the folder"
    return "restore the index from a copy, or index again"
