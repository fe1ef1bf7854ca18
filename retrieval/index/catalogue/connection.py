"""The connection to the file of a catalogue, and what SQLite's errors mean to whoever has to act on them."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType

from ...errors import REPAIR, IndexFolderError, LackError, lack
from .before_commit import vfs_name

FILE = "catalogue.sqlite"
MOST_OF_A_CELL = 64_000_000
"""Bytes of a text, a blob or a row of the catalogue."""
_PATIENCE = 60.0  # seconds to wait for the commit of another process


def connect(folder: Path, mode: str) -> sqlite3.Connection:
    """Open the catalogue of a folder; ``mode`` is SQLite's. Raises sqlite3.Error."""
    uri = f"{(folder / FILE).absolute().as_uri()}?mode="
    hooked = "" if mode == "ro" or vfs_name() is None else f"&vfs={vfs_name()}"
    connection = _connection(uri + mode + hooked)
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
    # No text or blob of ours comes near it; a damaged or made-up length must not fill the memory.
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_OF_A_CELL)
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


class explained:  # noqa: N801  # used like a function
    """Turn SQLite's errors in a block into ours, with the remedy.

    Parameters
    ----------
    folder : the index, for the message.
    """

    # A class: a generator would cost as much as a short question, and an update asks ten for each file.
    __slots__ = ("_folder",)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, sqlite3.Error):
            raise _explanation(self._folder, error) from error
        if isinstance(error, UnicodeDecodeError):  # of a message of SQLite that quotes a damaged schema
            raise IndexFolderError(f"{self._folder}: catalogue: its schema is damaged; {REPAIR}") from error


def _connection(uri: str) -> sqlite3.Connection:
    # `isolation_level=None`: the module begins no transaction of its own; `Catalogue.transaction` alone
    # decides.
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)


def _explanation(folder: Path, error: sqlite3.Error) -> IndexFolderError:
    """Tell what the machine lacks from damage: for SQLite both are errors of a database."""
    text, name = str(error), getattr(error, "sqlite_errorname", None) or ""
    if isinstance(error, sqlite3.ProgrammingError) and "closed database" in text:
        return IndexFolderError(f"{folder}: was closed; open it again, or ask it before it is closed")
    if "locked" in text or "busy" in text:
        return LackError(f"{folder}: catalogue: {text}; another process holds it, try again")
    if name.endswith("LOCK"):
        number = errno.ENOLCK
    elif "full" in text:
        number = errno.ENOSPC
    elif "readonly" in text:
        number = errno.EACCES if os.access(folder, os.W_OK) else _refusal(folder, os.O_RDWR)
    elif "unable to open" in text:
        number = _refusal(folder, os.O_RDONLY)
    elif "disk I/O" in text and name != "SQLITE_IOERR_SHORT_READ":
        number = errno.EIO
    elif "out of memory" in text:
        number = errno.ENOMEM
    else:
        return IndexFolderError(f"{folder}: catalogue: {text}; {REPAIR}")
    return lack(OSError(number, text), f"{folder}: catalogue")


def _refusal(folder: Path, flags: int) -> int:
    """Return the error of the system with which the catalogue is refused: SQLite does not say it."""
    try:
        # Not the catalogue itself: closing that would drop the locks of SQLite. Its folder is refused alike.
        os.close(os.open(folder / "lock", flags))
    except FileNotFoundError:
        return errno.EACCES
    except OSError as error:
        return error.errno or errno.EIO
    return errno.EACCES


def refuse_file(folder: Path) -> None:
    """Raise IndexFolderError for a file in the place of an index, such as an image or a list of shards."""
    if folder.is_file():
        remedy = "give that first, as `semblance index FOLDER -o INDEX` made it"
        if folder.suffix == ".toml":
            remedy = "check shards one by one, and change the whole index, then `semblance shard` it again"
        raise IndexFolderError(f"{folder}: is a file, and this wants the folder of an index; {remedy}")
