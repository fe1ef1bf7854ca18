"""Ctrl-C: an interrupt is delayed while something is changed that must stay whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_back() -> Iterator[None]:
    """Delay a Ctrl-C in the block: KeyboardInterrupt is raised at its end.

    Python runs signal handlers in the main thread only; in other threads the block changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    # A KeyboardInterrupt can be raised between any two bytecodes: between "segment written" and "segment
    # listed" it would lose the segment, in the middle of a list's update it would leave the list half
    # changed.
    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
