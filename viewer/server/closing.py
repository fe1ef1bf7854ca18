"""Closing in a thread of its own, for what is let go of wherever the last who used it happens to be."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from queue import SimpleQueue
from threading import Thread
from weakref import finalize

_WAITING: SimpleQueue[Callable[[], object]] = SimpleQueue()  # whose ``put`` may interrupt itself


def close_when_gone(owner: object, close: Callable[[], object]) -> None:
    """Call ``close``, soon, once nobody holds ``owner`` any more."""
    _start(os.getpid())
    # Garbage is collected in any thread, in the middle of anything: maybe in one that holds a lock which
    # closing takes, and would wait for itself for ever.
    finalize(owner, _WAITING.put, close).atexit = False


@cache
def _start(process: int) -> None:
    Thread(target=_work, name="closing", daemon=True).start()


def _work() -> None:
    while True:
        close = _WAITING.get()
        try:
            close()
        except Exception:
            sys.excepthook(*sys.exc_info())
        del close  # what it belongs to is gone, too
