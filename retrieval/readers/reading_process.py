"""A process that reads files, as its parent sees it: started, asked, watched, and ended."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

from .limits import DiedError
from .reading_child import live_after_fork
from .reading_messages import Call, Declared, End, More, received_item
from .reading_watch import Used, Watch, measured

_LOOK_EVERY, _END_WITHIN = 0.1, 0.05  # seconds
_COMMAND = (
    "import sys; sys.path[:] = sys.argv[3:]; "
    "from retrieval.readers.reading_child import live_as_command; live_as_command()"
)


class ReadingProcess:
    """A process that reads one file after the other.

    It is forked from this one, so that nothing is imported again; a process with several threads may hold
    locks that a fork would copy, and starts a fresh interpreter instead.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.owner = os.getpid()
        self._connection = Connection(ours.detach())
        with theirs:
            if threading.active_count() == 1:
                self._pid = _fork(theirs)
            else:
                self._pid = _starter(self.owner).submit(_spawn, theirs).result()
        self._used = measured(self._pid)  # before a call
        self._ending: int | None = None

    @property
    def is_alive(self) -> bool:
        """Tell if the process can be asked."""
        # A fork of this process has a copy of this object, but no child.
        if self._ending is None and self.owner == os.getpid():
            self._wait(os.WNOHANG)
        return self._ending is None and self.owner == os.getpid()

    def items(self, call: Call, n_bytes: int) -> Iterator[Any]:
        """Yield the items of a call, and raise what it raises.

        Parameters
        ----------
        n_bytes : the size of the file that is read.

        Raises
        ------
        LimitError : it took more than it may, or the process died.
        """
        end: End | None = None
        n_given = n_owed = 0
        try:
            watch = Watch(call.limits, n_bytes, self._pid, self._used)
            self._send(call)
            while not isinstance(message := self._received(watch), End):
                yield message
                n_given, n_owed = n_given + 1, n_owed + 1
                # A file of one image ends by itself, and need not be asked for more.
                if n_given > 1 or not self._connection.poll(0):
                    while n_owed:
                        self._send(More())
                        n_owed -= 1
            end = message
        except GeneratorExit:
            end = self._end()
            raise
        finally:
            # Given up half-way: what the process does now is of no use.
            if end is None:
                self.stop()
            else:
                # Also after a reader that wanted the first item only: else its time counts for the next file.
                self._used = Used(end.seconds, end.n_resident)
        if end.error is not None:
            raise end.error[0](*end.error[1])

    def stop(self) -> None:
        """End the process at once."""
        self._connection.close()
        if self.is_alive:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._wait(0)

    def __del__(self) -> None:
        if hasattr(self, "_ending"):
            self.stop()

    def _send(self, message: Call | More) -> None:
        # If the process has died, the next receive says so.
        with suppress(OSError):
            self._connection.send(message)

    def _received(self, watch: Watch) -> Any:
        """Return the next item, or the end."""
        started = time.monotonic()
        while True:
            try:
                if self._connection.poll(_LOOK_EVERY):
                    message = self._connection.recv()
                    if not isinstance(message, Declared):
                        break
                    watch.declared(message)
            except (EOFError, OSError):
                self._wait(0)
                raise DiedError(f"the process that read it died ({self._how()})") from None
            watch.check(time.monotonic() - started)
        watch.n_waited += time.monotonic() - started
        if isinstance(message, End):
            return message
        item = received_item(self._connection, message)
        watch.n_pixels += 0 if message.shape is None else int(item.pixels.size)
        return item

    def _end(self) -> End | None:
        """Return the end of a call of which no more items are wanted, None if it is not near."""
        # Anything: a generator that is left over comes here when the interpreter is half gone.
        with suppress(Exception):
            while self._connection.poll(_END_WITHIN):
                message = self._connection.recv()
                if isinstance(message, End):
                    return message
                if not isinstance(message, Declared):
                    return None
        return None

    def _wait(self, options: int) -> None:
        try:
            pid, status = os.waitpid(self._pid, options)
        except ChildProcessError:  # somebody else has waited for it
            self._ending = 0
            return
        if pid:
            self._ending = os.waitstatus_to_exitcode(status)

    def _how(self) -> str:
        code = self._ending or 0
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _fork(theirs: socket.socket) -> int:
    parent = os.getpid()
    with warnings.catch_warnings():
        # Python 3.12 warns of the threads of libraries too; those of BLAS survive, others are not used.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        live_after_fork(theirs.fileno(), parent)
    return pid


@cache
def _starter(owner: int) -> ThreadPoolExecutor:
    """Return the thread that starts processes, in the process ``owner``.

    Linux ends a process with the thread that started it, and those of a server come and go.
    """
    return ThreadPoolExecutor(1, "reading")


def _spawn(theirs: socket.socket) -> int:
    command = [sys.executable, "-c", _COMMAND, "3", str(os.getpid()), *sys.path]
    null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 3), *null]
    return os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)
