"""The watch over a reading: how much time and memory another process has taken for one file."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .limits import LimitError, Limits
from .reading_messages import Declared

_SLACK = 100_000_000
"""Bytes in memory that the limit of the process itself does not count, such as libraries."""


@dataclass(frozen=True)
class Used:
    """What a process has used: seconds of a processor, and bytes that are in memory."""

    seconds: float = 0.0
    n_resident: int = 0


@dataclass
class Watch:
    """What was taken for a file until now.

    Parameters
    ----------
    limits : what may be.
    n_bytes : the size of the file, and of those that it names.
    pid : the process that reads it.
    before : what it had used before.

    Attributes
    ----------
    n_waited : seconds by the clock that were waited for what it gave.
    n_pixels : pixels that it gave.
    """

    limits: Limits
    n_bytes: int
    pid: int
    before: Used
    n_waited: float = 0.0
    n_pixels: int = 0
    _n_declared: int = 0

    def declared(self, message: Declared) -> None:
        """Take in what the header of the file says."""
        self._n_declared = message.n_pixels
        self.n_bytes += message.n_more

    def check(self, n_waiting: float) -> None:
        """Raise LimitError if the file has taken more than it may, waited for this many seconds by now."""
        about = (self.n_bytes, self.n_pixels)
        by_clock = self.n_waited + n_waiting
        used = measured(self.pid)
        allowed = self.limits.seconds(*about)
        if used.seconds - self.before.seconds > allowed:
            raise LimitError(
                f"reading it took more than {allowed:.3g} s of a processor; raise max_seconds if it is sound"
            )
        if by_clock > self.limits.clock_seconds(*about):
            raise LimitError(f"reading it took more than {by_clock:.3g} s; raise max_seconds if it is sound")
        memory = self.limits.memory(self._n_declared)
        if used.n_resident - self.before.n_resident > memory + _SLACK:
            raise LimitError(
                f"reading it took more than {memory // 1_000_000:,} MB; raise max_memory if it is sound"
            )


def measured(pid: int) -> Used:
    """Return what a process has used; nothing if the system does not say."""
    with suppress(OSError, IndexError):
        with Path(f"/proc/{pid}/stat").open("rb") as file:
            # The name of the program, in brackets, may hold blanks. Fields 14, 15, 24 of proc_pid_stat(5).
            fields = file.read().rpartition(b")")[2].split()
        seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return Used(seconds, int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))
    return Used()
