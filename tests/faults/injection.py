"""Faults: the n-th write, sync, rename, new folder or statement of SQLite fails, or kills the process."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from retrieval.errors import lack

CHANGES = ("BEGIN", "COMMIT", "INSERT", "UPDATE", "DELETE", "ALTER", "CREATE", "DROP", "VACUUM")
ERRORS = {
    errno.ENOSPC: "database or disk is full",
    errno.EDQUOT: "disk I/O error",
    errno.EIO: "disk I/O error",
    errno.EACCES: "attempt to write a readonly database",
}
"""What the system says, and what SQLite makes of it."""


class Injector:
    """Count the points at which something can fail, and let one of them fail.

    Parameters
    ----------
    at : the point, from 0; None to count alone.
    number : the error of the system; None to die on the spot, as of SIGKILL.
    """

    def __init__(self, at: int | None = None, number: int | None = None) -> None:
        self.at, self.number = at, number
        self.points: list[str] = []

    def point(self, what: str, tear: Callable[[], Any] = lambda: None) -> None:
        """Pass a point; ``tear`` leaves half of what was to be done there."""
        self.points.append(what)
        if len(self.points) - 1 != self.at:
            return
        tear()
        if self.number is None:
            os._exit(9)
        if what.startswith("sql "):
            raise sqlite3.OperationalError(ERRORS[self.number])
        raise OSError(self.number, os.strerror(self.number))

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Pass a point at each write and so on, in the block."""
        with ExitStack() as stack:
            for module, name in ((os, "fsync"), (os, "replace"), (os, "rename"), (os, "mkdir")):
                stack.enter_context(patch.object(module, name, self._passing(getattr(module, name), name)))
            stack.enter_context(patch.object(Path, "open", self._opening(Path.open)))
            stack.enter_context(patch.object(sqlite3, "connect", self._connecting(sqlite3.connect)))
            yield

    def _passing(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def passing(*arguments: Any, **options: Any) -> Any:
            self.point(name)
            # Nothing in these tests cuts the power.
            return None if name == "fsync" else function(*arguments, **options)

        return passing

    def _opening(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def opening(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            file = function(path, mode, *arguments, **options)
            return Writing(file, self) if set(mode) & set("wxa+") else file

        return opening

    def _connecting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        injector = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *arguments: Any) -> Any:
                if sql.lstrip().startswith(CHANGES):
                    injector.point(f"sql {sql.split()[0]}")
                return super().execute(sql, *arguments)

            def executemany(self, sql: str, *arguments: Any) -> Any:
                injector.point(f"sql {sql.split()[0]}")
                return super().executemany(sql, *arguments)

        return lambda *arguments, **options: function(*arguments, **options, factory=Connection)


class Writing:
    """A file that is open for writing, each write of which is a point."""

    def __init__(self, file: Any, injector: Injector) -> None:
        self._file, self._injector = file, injector

    def write(self, data: Any) -> int:
        """Write, or half of it."""
        half = memoryview(data)[: len(data) // 2] if not isinstance(data, str) else data[: len(data) // 2]
        self._injector.point("write", lambda: (self._file.write(half), self._file.flush()))
        written: int = self._file.write(data)
        return written

    def __enter__(self) -> Writing:
        self._file.__enter__()
        return self

    def __exit__(self, *about: Any) -> None:
        self._file.__exit__(*about)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def attempt(act: Callable[[Path], None], place: Path, at: int, number: int | None) -> str:
    """Do something to an index with a fault at a point; return what came of it.

    ``done`` if the fault was outlived, ``failed`` if it was an error, ``killed`` if the process died.
    """
    if number is None:
        return _died(act, place, at)
    injector = Injector(at, number)
    try:
        with injector.installed():
            act(place)
    except Exception as raised:
        # As the command line says it.
        error = lack(raised, raised.filename) if isinstance(raised, OSError) else raised
        return f"failed {type(error).__name__}: {error}"
    return "done"


def _died(act: Callable[[Path], None], place: Path, at: int) -> str:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with Injector(at).installed():
                act(place)
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {0: "done", 9: "killed"}.get(code, f"died of {code}")


def count(act: Callable[[Path], None], place: Path) -> list[str]:
    """Do something to an index undisturbed, and return the points that it passes."""
    injector = Injector()
    with injector.installed():
        act(place)
    return injector.points


def fresh(saved: Path, place: Path) -> Path:
    """Put an index back to what it was; ``saved`` may be missing, then there is none."""
    shutil.rmtree(place, ignore_errors=True)
    if saved.is_dir():
        shutil.copytree(saved, place)
    return place
