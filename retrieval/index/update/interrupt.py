"""Ctrl-C: an interrupt is delayed while something is changed that must stay whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType


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


class Held:
    """A part of ``interrupts`` that delays a Ctrl-C: KeyboardInterrupt is raised at its end."""

    def __init__(self) -> None:
        self.is_held = self.came = False

    def __enter__(self) -> None:
        self.is_held = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_held = False
        if self.came and error is None:
            self.came = False
            raise KeyboardInterrupt


@contextmanager
def interrupts() -> Iterator[Held]:
    """Yield what delays a Ctrl-C in parts of a block, as ``held_back`` does in a twentieth of its time.

    Outside of them it means what it meant before. In other threads than the main one the block changes
    nothing.
    """
    held, before = Held(), signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield held
        return

    def note(number: int, frame: FrameType | None) -> None:
        if held.is_held:
            held.came = True
        else:
            before(number, frame)

    # Once for a million files: to take signals over and give them back for each would cost a second in ten.
    signal.signal(signal.SIGINT, note)
    try:
        yield held
    finally:
        signal.signal(signal.SIGINT, before)
