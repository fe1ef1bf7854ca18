"""The instant of a commit when all its pages are in the file, on the disk, and can still be taken back.

SQLite makes a commit by deleting its rollback journal (https://sqlite.org/atomiccommit.html, 3.11), through
a table of functions that ask the system, its VFS (https://sqlite.org/vfs.html). A program may register one of
its own. Ours differs from the usual one in this: it calls what waits for that instant before it deletes a
journal.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import cache

_NAME = "semblance"
_IOERR_DELETE = 2570  # what SQLite calls a file that could not be deleted
_Delete = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
_REST = """xAccess xFullPathname xDlOpen xDlError xDlSym xDlClose xRandomness xSleep xCurrentTime
    xGetLastError xCurrentTimeInt64 xSetSystemCall xGetSystemCall xNextSystemCall"""


class _Vfs(ctypes.Structure):
    """A ``sqlite3_vfs`` of version 3, as SQLite has it since 3.7.6."""

    _fields_ = (
        ("iVersion", ctypes.c_int),
        ("szOsFile", ctypes.c_int),
        ("mxPathname", ctypes.c_int),
        ("pNext", ctypes.c_void_p),
        ("zName", ctypes.c_char_p),
        ("pAppData", ctypes.c_void_p),
        ("xOpen", ctypes.c_void_p),
        ("xDelete", _Delete),
        *((name, ctypes.c_void_p) for name in _REST.split()),
    )


class _Waiting(threading.local):
    """What waits for the commit of a thread, and the error that came of it."""

    act: Callable[[], None] | None = None
    error: BaseException | None = None


_waiting = _Waiting()
_kept: list[_Vfs] = []  # SQLite keeps a pointer to it until the process ends


@cache
def vfs_name() -> str | None:
    """Register our VFS, and return its name; None where the SQLite of Python cannot be reached."""
    try:
        library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        usual = library.sqlite3_vfs_find(None).contents
        if usual.iVersion < 3:
            return None
        _kept.append(_ours(usual))
        library.sqlite3_vfs_register(ctypes.byref(_kept[0]), 0)
        # Another SQLite than that of Python's module does not have it.
        with closing(sqlite3.connect(f"file::memory:?vfs={_NAME}", uri=True)):
            return _NAME
    except (OSError, AttributeError, ValueError, sqlite3.Error):
        return None


def commit(connection: sqlite3.Connection, act: Callable[[], None]) -> None:
    """Commit the transaction of a connection that has our VFS, if ``act`` raises nothing.

    ``act`` is called when the pages are written; it must not use the connection. What it raises is raised
    here, and the transaction is taken back.
    """
    _waiting.act, _waiting.error = act, None
    try:
        connection.execute("COMMIT")
    except sqlite3.Error:
        if _waiting.error is not None:
            raise _waiting.error from None
        raise
    finally:
        is_late = _waiting.act is not None
        _waiting.act = _waiting.error = None
    if is_late:  # SQLite had no journal to delete
        act()


def _ours(usual: _Vfs) -> _Vfs:
    vfs = _Vfs.from_buffer_copy(usual)
    delete = usual.xDelete

    def deleting(vfs: int, name: bytes, sync: int) -> int:
        act = _waiting.act
        if act is not None and name.endswith(b"-journal"):
            _waiting.act = None
            try:
                act()
            except BaseException as error:  # nothing may be raised through SQLite
                _waiting.error = error
                return _IOERR_DELETE
        return int(delete(vfs, name, sync))

    vfs.pNext, vfs.zName, vfs.xDelete = None, _NAME.encode(), _Delete(deleting)
    return vfs
