"""The link to an engine: a copy is asked through it, and left alone for a while when it does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids
from .engine import CellFilter, EngineCopy, EngineError, SilentEngineError

_REST = 30.0
"""Seconds until a copy that did not answer is asked again."""


class EngineLink:
    """Ask a copy, from any thread.

    Parameters
    ----------
    connect : opens the copy, when it is first asked.
    tell : takes the sentence that says why a copy was not asked.
    clock : seconds.
    """

    def __init__(
        self,
        connect: Callable[[], EngineCopy],
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect, self._tell, self._clock = connect, tell, clock
        self._turn = threading.Lock()
        self._copy: EngineCopy | None = None
        self._away: tuple[float, str] | None = None

    def find(self, views: NDArray[np.float32], depth: int, condition: CellFilter | None = None) -> Ids | None:
        """Return numbers near the views of a query; None, and the reason is reported, if the copy is away."""
        if self._away is not None and self._clock() < self._away[0]:
            self._tell(self._away[1])
            return None
        try:
            found = self._ask(views, depth, condition)
        except EngineError as error:
            self._lose(f"{error}; the index itself ranked the images")
            return None
        self._away = None
        return found

    def _ask(self, views: NDArray[np.float32], depth: int, condition: CellFilter | None) -> Ids:
        was_open = self._copy is not None
        try:
            return self._opened().find(views, depth, condition)
        except SilentEngineError:
            raise
        except EngineError:
            if not was_open:
                raise
        # The server was started again since: a new connection knows what an old one does not.
        self.close()
        return self._opened().find(views, depth, condition)

    def _opened(self) -> EngineCopy:
        with self._turn:
            if self._copy is None:
                self._copy = self._connect()
            return self._copy

    def _lose(self, why: str) -> None:
        # A query would else wait for the time-out again and again.
        self._away = self._clock() + _REST, why
        self._tell(why)
        self.close()

    def close(self) -> None:
        """Let go of the connection; the next question opens another."""
        with self._turn:
            lost, self._copy = self._copy, None
        if lost is not None:
            lost.close()
