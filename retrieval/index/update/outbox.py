"""The outbox of a worker process: results of quick tasks go out together.

To be woken, to receive and to unpack takes the writing process longer than a small image takes it else.
"""

from __future__ import annotations

import time
from multiprocessing.connection import Connection

from .in_order import Outcome
from .worker_messages import PartialResult, Task

_SECONDS = 0.05
"""How old a result may become before it goes out with the next one."""
_MOST = 32
"""Results that go out together."""
_LARGE = 1 << 18
"""Bytes of a file, 256 KiB, that may take long: what is ready goes out before it is begun."""


class Outbox:
    """Hold the results of a worker until some can go out together.

    Parameters
    ----------
    connection : to the process that takes them.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._held: list[Outcome] = []
        self._since = 0.0
        self._is_open = False  # a part of the last file was sent, and not its end

    def put(self, outcome: Outcome) -> None:
        """Take a result. One of several of a file is sent at once."""
        if not self._held:
            self._since = time.monotonic()
        self._held.append(outcome)
        # It may take long; and if its end were lost with this process, it would be read again as a whole.
        was_open, self._is_open = self._is_open, isinstance(outcome, PartialResult) and outcome.goes_on
        if was_open or self._is_open or len(self._held) == _MOST or time.monotonic() - self._since > _SECONDS:
            self.send()

    def make_way(self, task: Task) -> None:
        """Send what is ready if the next task may take long."""
        try:
            is_large = self._held and task.path.stat().st_size > _LARGE
        except (OSError, ValueError):  # whoever reads it says what is wrong
            return
        if is_large:
            self.send()

    def send(self) -> None:
        """Send what is ready."""
        if self._held:
            self._connection.send(self._held)
            self._held = []
