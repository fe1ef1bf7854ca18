"""Progress on stderr: a bar on a terminal, and a line now and then in a log or a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

EVERY = 30.0
"""Seconds before the first line, and between two, if there is no terminal."""


_UNITS = {"learn ": "images", "reading ": "parts"}
"""What is counted in stages that begin so, if it is something else than in others."""


class ProgressBar:
    """Show ``progress(stage, done, total)`` as bars, one a stage.

    A bar is shown only if stderr is a terminal, and not during the first second of a stage. Elsewhere a line
    now and then says that the work goes on. Use it as a context manager, so that the last bar is closed
    whatever happens.

    Parameters
    ----------
    unit : what is counted, in the plural, in stages of which nothing else is known.
    is_quiet : whether nothing is shown at all.
    clock : returns seconds; they only rise.
    """

    def __init__(
        self, unit: str = "images", is_quiet: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._unit = unit
        self._is_quiet = is_quiet
        self._clock = clock
        self._next_line = clock() + EVERY
        self._stage: str | None = None
        self._bar: Any = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` are done; a total of 0 or below is not known."""
        if self._is_quiet:
            return
        if not sys.stderr.isatty():
            self._say(stage, done, total)
            return
        # A bar a stage: each counts something else, at its own pace.
        if stage != self._stage or self._bar is None:
            self._start(stage, total)
        if total > 0:
            self._bar.total = total
        # tqdm wants what came since the last call.
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Close the bar that is open."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._stage = None, None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _say(self, stage: str, done: int, total: int) -> None:
        """Write a line if the last one is long ago. Short work writes none, so that pipes stay clean."""
        now = self._clock()
        if now < self._next_line:
            return
        self._next_line = now + EVERY
        of = f" of {total:,}" if total > 0 else ""
        counted = f": {done:,}{of} {self._unit_of(stage)}" if done or total > 0 else ""
        print(f"{stage}{counted}", file=sys.stderr, flush=True)

    def _unit_of(self, stage: str) -> str:
        return next((unit for start, unit in _UNITS.items() if stage.startswith(start)), self._unit)

    def _start(self, stage: str, total: int) -> None:
        # Imported when a bar is drawn: help and short commands do without.
        from tqdm import tqdm

        self.close()
        self._stage = stage
        self._bar = tqdm(
            total=total if total > 0 else None,
            desc=stage,
            unit=f" {self._unit_of(stage)}",
            delay=1,
            leave=False,
            dynamic_ncols=True,
            file=sys.stderr,
        )
