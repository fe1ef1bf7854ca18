"""Timings: where the seconds of an update go, by stage.

Stages of this process take turns, so that their seconds add up to the whole. Those of worker processes are
added over all of them: with two at work, they may be twice as many as have passed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


class Seconds(dict[str, float]):
    """Seconds by the name of a stage."""

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Add the seconds that the block takes to a stage, also if an error leaves it."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self[stage] = self.get(stage, 0.0) + time.perf_counter() - start

    def of_items(self, stage: str, items: Iterator[T]) -> Iterator[T]:
        """Yield items; what it takes to make them counts for a stage, and what is done with them does not."""
        end = object()
        while True:
            with self.of(stage):
                item = next(items, end)
            if item is end:
                return
            yield item  # type: ignore[misc]

    def add(self, others: Mapping[str, float]) -> None:
        """Add the seconds of others, stage by stage."""
        for stage, seconds in others.items():
            self[stage] = self.get(stage, 0.0) + seconds

    def part(self, stage: str, parts: Mapping[str, float]) -> None:
        """Take parts that were measured within a stage out of it, as stages of their own."""
        self[stage] -= sum(parts.values())
        self.add(parts)


@dataclass(frozen=True)
class Timings:
    """Where the seconds of an update went.

    Parameters
    ----------
    stages : of the process that was asked.
    workers : of the processes that read and encode, added over all; of this one if it works alone.
    """

    stages: Seconds = field(default_factory=Seconds)
    workers: Seconds = field(default_factory=Seconds)
