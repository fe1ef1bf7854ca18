"""Ctrl-C: an interrupt is delayed while something is changed that must stay whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

_Handler = Callable[[int, FrameType | None], object]


@contextmanager
def held_back() -> Iterator[None]:
    """Delay a Ctrl-C in the block: KeyboardInterrupt is raised at its end; see ``interrupts``."""
    with interrupts() as held, held:
        yield


class Held:
    """A part of ``interrupts`` that delays a Ctrl-C: its handler is called at the end of the part.

    Not if the part fails: then its error is raised.
    """

    def __init__(self, handler: _Handler) -> None:
        self.is_held = self.came = False
        self._handler = handler

    def __enter__(self) -> None:
        self.is_held = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_held = False
        if self.came and error is None:
            self.came = False
            self._handler(signal.SIGINT, None)


@contextmanager
def interrupts() -> Iterator[Held]:
    """Yield what delays a Ctrl-C in parts of a block, as often as they come: ``with held:``.

    Outside of them it means what it meant before: KeyboardInterrupt, unless somebody has set another handler.
    Nothing is changed where Ctrl-C is ignored, or ends the process at once, nor in other threads than the
    main one, which alone runs signal handlers in Python.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield Held(signal.default_int_handler)
        return
    held = Held(before)

    def note(number: int, frame: FrameType | None) -> None:
        # A KeyboardInterrupt can be raised between any two bytecodes: between "segment written" and "segment
        # listed" it would lose the segment, in the middle of a list's update it would leave the list half
        # changed.
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
