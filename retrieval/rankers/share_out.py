"""One query in several threads: its blocks are shared out over processors that no other query uses."""

from __future__ import annotations

import os
import sys
import threading
from _thread import start_new_thread
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")

_A_THREAD = 32_768
"""Rows that are worth a thread: half a millisecond."""


class Processors:
    """Count the threads of this process that rank: no helper begins when all processors are taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n = 0

    def enter(self) -> None:
        """Count the thread of a query; it always may."""
        with self._lock:
            self._n += 1

    def let_in(self) -> bool:
        """Count a helper, if a processor is free for it; tell if one is."""
        with self._lock:
            is_free = self._n < len(os.sched_getaffinity(0))
            self._n += is_free
            return is_free

    def leave(self) -> None:
        """Count one less."""
        with self._lock:
            self._n -= 1

    @property
    def are_crowded(self) -> bool:
        """Whether more threads rank than there are processors, since other queries began."""
        return self._n > len(os.sched_getaffinity(0))


PROCESSORS = Processors()


class _Thread(threading.local):
    """What each thread knows of itself: whether it is counted, also where it shares out again."""

    is_counted = False


_THIS = _Thread()


@dataclass(eq=False)
class _Work(Generic[Item]):
    """Items that wait, and what the threads that take them have to tell each other."""

    waiting: deque[Item]
    start: Callable[[], Callable[[Item], None]]
    error: BaseException | None = None
    is_closed: bool = False
    helping: set[object] = field(default_factory=set)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, may_go_on: Callable[[], bool]) -> None:
        """Do one item after the other, as long as there are some."""
        do: Callable[[Item], None] | None = None
        while self.error is None and may_go_on():
            try:
                item = self.waiting.popleft()
            except IndexError:
                return
            do = do or self.start()
            do(item)

    def help(self) -> None:
        """Take items in a thread beside; one that comes too late does nothing, and nobody waits for it."""
        own, _THIS.is_counted = object(), True
        try:
            with self.changed:
                if self.is_closed:
                    return
                self.helping.add(own)
            try:
                self.take(lambda: not PROCESSORS.are_crowded)
            except BaseException as error:
                self.error = error
            with self.changed:
                self.helping.discard(own)
                self.changed.notify_all()
        finally:
            PROCESSORS.leave()

    def close(self) -> None:
        """Let no more helpers begin, and wait for those that have."""
        with self.changed:
            self.is_closed = True
            while self.helping:
                self.changed.wait()


def share_out(items: Iterable[Item], start: Callable[[], Callable[[Item], None]], n_threads: int = 1) -> None:
    """Call on every item, in any order, a function that ``start`` makes, one for each thread.

    This thread takes items itself. Others help while processors are free of queries, and stop when more
    queries begin; none is left when this returns. Raises what the function raises.

    Parameters
    ----------
    n_threads : at most; helpers pay if each has some tenths of a millisecond to do without Python's
        global lock.
    """
    work, is_counted = _Work(deque(items), start), _THIS.is_counted
    if not is_counted:
        PROCESSORS.enter()
        _THIS.is_counted = True
    try:
        # Begun anew each time: a process with threads that wait could not be forked safely, and to begin one
        # takes less than a block does.
        for _ in range(min(n_threads, len(work.waiting)) - 1):
            if not (PROCESSORS.let_in() and _is_begun(work.help)):
                break
        try:
            work.take(lambda: True)
        except BaseException as error:
            work.error = error
            raise
        finally:
            work.close()
    finally:
        if not is_counted:
            PROCESSORS.leave()
            _THIS.is_counted = False
    if work.error is not None:
        raise work.error


def _is_begun(help: Callable[[], None]) -> bool:
    """Begin a thread; tell if there is room for one."""
    try:
        start_new_thread(help, ())
    except RuntimeError:  # a limit of the system
        PROCESSORS.leave()
        return False
    return True


def share_out_rows(n: int, do: Callable[[slice], None]) -> None:
    """Call a function on ranges of n rows, which cover all, in as many threads as pay; see ``share_out``."""
    # Smaller than a thread's least share, so that none waits long for the last.
    n_threads = worth_threads(n)
    step = n if n_threads < 2 else _A_THREAD // 2
    share_out((slice(i, min(n, i + step)) for i in range(0, n, max(1, step))), lambda: do, n_threads)


def worth_threads(n: int) -> int:
    """Return how many threads make a scan of n rows fastest."""
    # Without numba, which runs without Python's global lock, threads would wait for each other.
    return n // _A_THREAD if "numba" in sys.modules else 1
