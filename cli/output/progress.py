"""Progress on stderr: a bar with rate and time left, where someone is there to see it."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self


class ProgressBar:
    """Show ``progress(stage, done, total)`` as bars, one a stage.

    Nothing is shown unless stderr is a terminal, nor during the first second of a stage. Use it as a context
    manager, so that the last bar is closed whatever happens.

    Parameters
    ----------
    unit : what is counted, in the plural.
    """

    def __init__(self, unit: str = "pictures") -> None:
        self._unit = unit
        self._stage: str | None = None
        self._bar: Any = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` are done; a total of 0 or below is not known."""
        if not sys.stderr.isatty():
            return
        if stage != self._stage or self._bar is None:
            self._start(stage, total)
        if total > 0:
            self._bar.total = total
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

    def _start(self, stage: str, total: int) -> None:
        from tqdm import tqdm

        self.close()
        self._stage = stage
        self._bar = tqdm(
            total=total if total > 0 else None,
            desc=stage,
            unit=f" {self._unit}",
            delay=1,
            leave=False,
            dynamic_ncols=True,
            file=sys.stderr,
        )
