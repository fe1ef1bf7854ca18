"""The file of a catalogue, read beside SQLite's connections to it.

A process that closes a file loses all POSIX locks that it has on it, those of SQLite too
(https://sqlite.org/howtocorrupt.html, 2.2). So the file is open once in a process, for as long as any
catalogue of it is.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

_CHUNK = 1 << 18  # so that it is still in the processor's cache when it is added up


class SharedFile:
    """Hold a file open for all who read it in this process; each calls ``release`` once."""

    _all: ClassVar[dict[tuple[int, int], SharedFile]] = {}
    # Once more by the same thread: garbage that is collected meanwhile may release a file.
    _turn: ClassVar[threading.RLock] = threading.RLock()

    def __init__(self, key: tuple[int, int], descriptor: int) -> None:
        self._key, self._descriptor = key, descriptor
        self._n_users = 0

    @classmethod
    def of(cls, path: Path) -> SharedFile:
        """Open a file, or return it if it is open. Raises OSError."""
        with cls._turn:
            while True:
                status = path.stat()
                key = status.st_dev, status.st_ino
                file = cls._all.get(key)
                if file is None:
                    file = cls._all[key] = cls(key, os.open(path, os.O_RDONLY | os.O_CLOEXEC))
                file._n_users += 1
                if cls._all.get(key) is file:  # not released by its last user meanwhile
                    return file

    def chunks(self) -> Iterator[bytes]:
        """Yield the whole file, 256 KiB at a time; whoever asks keeps writers out. Raises OSError."""
        at = 0
        while chunk := os.pread(self._descriptor, _CHUNK, at):
            yield chunk
            at += len(chunk)

    def page(self, n: int, size: int) -> bytes:
        """Return page n of the file, counted from 0, of pages of ``size`` bytes. Raises OSError."""
        return os.pread(self._descriptor, size, n * size)

    @property
    def n_bytes(self) -> int:
        """The size of the file."""
        return os.fstat(self._descriptor).st_size

    def release(self) -> None:
        """Let go of the file; the last one closes it, when no connection of SQLite has a lock any more."""
        with self._turn:
            self._n_users = n = self._n_users - 1
            if not n:
                del self._all[self._key]
                os.close(self._descriptor)
