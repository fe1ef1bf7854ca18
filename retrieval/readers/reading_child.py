"""The process that reads files for another one: what it does from its start to its end."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from ..errors import PictureError, SemblanceError
from .limits import Limits, declared_to, limited
from .reading_messages import Call, Declared, End, More, send_item
from .reasons import reason_of

AHEAD = 2
"""Items that may be sent before more are asked for: a file of one image costs one message each way."""

_KILL_WITH_PARENT = 1  # PR_SET_PDEATHSIG, linux/prctl.h


def end_with_parent(parent: int) -> None:
    """Let this process be killed when the one that started it ends, in whatever way (on Linux).

    Parameters
    ----------
    parent : the number of the process that started this one.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None).prctl(_KILL_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before it was asked for
        os._exit(1)


def live_after_fork(fd: int, parent: int) -> None:
    """Live as a process that was just forked; never returns.

    Parameters
    ----------
    fd : its end of the pair of sockets.
    parent : the number of the process that it was forked from.
    """
    try:
        end_with_parent(parent)
        # What the parent had is never freed here: the numbers of its files are given to others now.
        gc.freeze()
        faulthandler.disable()
        _keep_only(fd)
        _live(fd)
    finally:
        # Neither the buffers nor the exit functions of the parent are this process's business.
        os._exit(0)


def live_as_command() -> None:
    """Live as a process of its own interpreter; ``python -c`` gets the socket and the parent's number."""
    end_with_parent(int(sys.argv[2]))
    _live(int(sys.argv[1]))


def _keep_only(fd: int) -> None:
    """Close all files but one: a lock or a pipe that is open here would outlive its owner."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    os.closerange(3, fd)
    os.closerange(fd + 1, min(os.sysconf("SC_OPEN_MAX"), 1 << 20))


def _live(fd: int) -> None:
    import cv2

    # Ctrl-C reaches every process of the terminal; the parent alone decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Threads do not survive a fork; 0 and not 1, for which OpenCV waits for the ends of its own.
    cv2.setNumThreads(0)
    connection, memory = Connection(fd), _Memory()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            message = connection.recv()
            if isinstance(message, Call):
                _answer(connection, message, memory)


def _answer(connection: Connection, call: Call, memory: _Memory) -> None:
    """Send the items of a call; some ahead, then one for each that is asked for."""
    error: tuple[type[Exception], tuple[object, ...]] | None = None
    # A process is kept for many files, and a notebook may have gone to another folder since it began.
    with suppress(OSError):
        os.chdir(call.folder)
    try:
        with _within(call.limits, connection, memory), limited(call.limits):
            for n, item in enumerate(call.items(*call.arguments, **call.options)):
                if n >= AHEAD and not isinstance(connection.recv(), More):
                    return
                send_item(connection, item)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except SemblanceError as raised:
        error = type(raised), raised.args
    except Exception as raised:  # of a library: in one line, as that of a reader
        error = PictureError, (reason_of(raised),)
    connection.send(End(error, time.process_time(), memory.measure()))


@contextmanager
def _within(limits: Limits, connection: Connection, memory: _Memory) -> Iterator[None]:
    """Lend memory for the time of a block, more of it when more pixels are declared."""
    most = 0

    def report(n_pixels: int, n_more: int) -> None:
        nonlocal most
        if n_pixels > most or n_more:
            most = max(most, n_pixels)
            memory.lend(limits.memory(most))
            connection.send(Declared(most, n_more))

    memory.lend(limits.memory(0))
    try:
        with declared_to(report):
            yield
    finally:
        memory.lend(None)


class _Memory:
    """The writable memory of this process."""

    def __init__(self) -> None:
        try:
            # Kept open: it is read for each file, and to open it costs ten times more.
            self._file = os.open("/proc/self/statm", os.O_RDONLY)
        except OSError:  # not Linux
            self._file = -1
        self._n_before = 0
        self.measure()

    def measure(self) -> int:
        """Take what is used now as what the next file finds; return the bytes that are resident."""
        if self._file < 0:
            return 0
        page = os.sysconf("SC_PAGE_SIZE")
        fields = os.pread(self._file, 200, 0).split()  # proc_pid_statm(5)
        self._n_before = int(fields[5]) * page
        return int(fields[1]) * page

    def lend(self, n_bytes: int | None) -> None:
        """Limit memory to this number of bytes more; None for as much as there is."""
        import resource

        # Not RLIMIT_AS: it counts what is only reserved, such as 64 MB for each thread, and mapped files.
        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        wanted = most if n_bytes is None else self._n_before + n_bytes
        is_bounded = most != resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_DATA, (min(wanted, most) if is_bounded else wanted, most))
