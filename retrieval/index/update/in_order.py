"""Results in order: given back in the order of their tasks, whichever worker is done first.

So the same files get the same numbers, and come into the same segments, whatever the number of workers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from .slide_bands import TILES_PER_BAND
from .worker_messages import Failure, PartialResult, Task

Outcome = PartialResult | Failure

_MOST_HELD, _OF_EACH = 512, 2 * TILES_PER_BAND
"""Images that wait for an earlier task, in all or of each worker; above both, those ahead wait too.

So all may do a part of one slide, and be done with it, while the first part is not.
"""


class InOrder:
    """Hold the results of tasks until those of all earlier ones are there.

    ``n_workers`` : who do them.
    """

    def __init__(self, n_workers: int = 1) -> None:
        self._most_held = max(_MOST_HELD, _OF_EACH * n_workers)
        self._line: deque[tuple[int, int]] = deque()
        self._held: dict[tuple[int, int], list[tuple[Task, Outcome]]] = {}
        self._ended: set[tuple[int, int]] = set()
        self._n_held = 0

    @property
    def head(self) -> tuple[int, int] | None:
        """The key of the task whose results are next; None if none is under way."""
        return self._line[0] if self._line else None

    @property
    def n_begun(self) -> int:
        """How many tasks are under way, those that wait for an earlier one included."""
        return len(self._line)

    @property
    def is_full(self) -> bool:
        """Tell if as many images wait as may: only the task they wait for should be worked at."""
        return self._n_held >= self._most_held

    def begin(self, task: Task) -> None:
        """Note that a task was taken up."""
        self._line.append(task.key)

    def end(self, task: Task, outcome: Outcome) -> Iterator[tuple[Task, Outcome]]:
        """Take a result, and yield all whose turn has come."""
        self._held.setdefault(task.key, []).append((task, outcome))
        self._n_held += _n_pictures(outcome)
        if isinstance(outcome, Failure) or not outcome.goes_on:
            self._ended.add(task.key)
        while self._line:
            # Parts of the first file go on at once: a stack of thousands is never held as a whole.
            for ready in self._held.pop(self._line[0], []):
                self._n_held -= _n_pictures(ready[1])
                yield ready
            if self._line[0] not in self._ended:
                return
            self._ended.remove(self._line.popleft())


def _n_pictures(outcome: Outcome) -> int:
    return len(outcome.pictures) if isinstance(outcome, PartialResult) else 0
