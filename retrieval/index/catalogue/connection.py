"""The connection to the file of a catalogue, and what SQLite's errors mean to whoever has to act on them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ...errors import IndexFolderError

FILE = "catalogue.sqlite"
_PATIENCE = 60.0  # seconds to wait for the commit of another process


def connect(folder: Path, mode: str) -> sqlite3.Connection:
    """Open the catalogue of a folder; ``mode`` is SQLite's. Raises sqlite3.Error."""
    uri = f"{(folder / FILE).absolute().as_uri()}?mode="
    connection = _connection(uri + mode)
    try:
        connection.execute("PRAGMA user_version").fetchall()
    except sqlite3.Error as error:
        connection.close()
        # A writer was killed in the middle of its commit and left a hot rollback journal. Only a connection
        # that may write can roll it back; no reader can open the file before that is done.
        if mode != "ro" or not isinstance(error, sqlite3.OperationalError):
            raise
        with closing(_connection(uri + "rw")) as writing:
            writing.execute("PRAGMA user_version").fetchall()
        connection = _connection(uri + mode)
    # SQLite's default rollback journal is kept: a write-ahead log needs shared memory between processes,
    # which network file systems lack. FULL syncs the journal before the pages and the pages before the
    # journal is deleted, so a commit survives a loss of power.
    connection.execute("PRAGMA synchronous=FULL")
    # Deleted rows are overwritten with zeros: names of removed images must not stay readable in the file.
    connection.execute("PRAGMA secure_delete=ON")
    return connection


@contextmanager
def on_error(undo: Callable[[], object]) -> Iterator[None]:
    """Undo what was opened before the block if an error leaves it, ``KeyboardInterrupt`` among them."""
    try:
        yield
    except BaseException:
        undo()
        raise


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours, with the remedy."""
    try:
        yield
    except sqlite3.Error as error:
        raise IndexFolderError(f"{folder}: catalogue: {error}; {_remedy(str(error))}") from error


def _connection(uri: str) -> sqlite3.Connection:
    # `isolation_level=None`: the module begins no transaction of its own; `Catalogue.transaction` alone
    # decides.
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)


def _remedy(text: str) -> str:
    if "locked" in text or "busy" in text:
        return "another process holds it, try again"
    if "full" in text:
        return "free some space and run the same command again"
    if "readonly" in text or "unable to open" in text:
        return "check the permissions of the folder"
    return "restore the index from a copy, or index again"
