"""The fleet: all shards of a split, asked side by side, and which of them are away."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from .messages import PROTOCOL, Message
from .places import AwayError, Place, place
from .plan import Plan

RETRY = 30.0
"""Seconds after which a shard that was away is asked again."""

_THREADS = 64


class ShardAwayError(Exception):
    """No copy of a shard answers; ``number`` is the shard's."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"shard {number} ({reason})")
        self.number, self.reason = number, reason


class Fleet:
    """Ask the shards of a plan.

    Attributes
    ----------
    lost : why shards are away, and since when (seconds of a clock), by number.
    """

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self.plan, self._clock = plan, clock
        self.lost: dict[int, tuple[str, float]] = {}
        # Folders are seen from the plan, so that it may be moved together with them.
        beside = plan.path.parent
        self._places: list[Sequence[Place]] = [
            [place(at, beside, plan.token) for at in shard.at] for shard in plan.shards
        ]
        # Copies that have not answered for long, until they do or are given up.
        self._late: set[Place] = set()
        n = sum(map(len, self._places))
        # Two pools: whoever waits for the copies of a shard must not take the threads that ask them.
        self._shards = ThreadPoolExecutor(min(_THREADS, len(self._places)), "shards")
        self._copies = ThreadPoolExecutor(min(2 * _THREADS, 2 * n), "copies")

    @property
    def present(self) -> list[int]:
        """The numbers of the shards that are not away."""
        return [shard.number for shard in self.plan.shards if shard.number not in self.lost]

    def lose(self, error: ShardAwayError) -> None:
        """Note that a shard is away; since when, whoever saw it first knows."""
        self.lost = {error.number: (error.reason, self._clock()), **self.lost}

    def give_another_chance(self, after: float) -> bool:
        """Forget which shards were away that many seconds ago; tell whether there were any."""
        now, lost = self._clock(), self.lost
        # Replaced, not changed: other threads may be reading it.
        self.lost = {number: one for number, one in lost.items() if now - one[1] < after}
        return len(self.lost) < len(lost)

    def ask(self, messages: Mapping[int, Message]) -> dict[int, Message]:
        """Put a message to some shards, all at once, and return their answers.

        Raises ShardAwayError if one of them is away, IndexFolderError if what answers is not the shard.
        """
        asked = {number: self._shards.submit(self._ask, number, one) for number, one in messages.items()}
        return {number: answer.result() for number, answer in asked.items()}

    def _ask(self, number: int, message: Message) -> Message:
        """Ask one shard: its first copy, and the next as well if one is slow; the first answer counts."""
        # Asked for by name, such as for a vector: rankings leave out what is away.
        if (known := self.lost.get(number)) is not None:
            raise ShardAwayError(number, known[0])
        about: dict[str, Any] = {
            "protocol": PROTOCOL,
            "split": self.plan.split,
            "number": number,
            "commit": self.plan.shards[number].commit,
        }
        # Each message says for which split and commit it is: whoever answers checks it.
        asked = Message({**about, **message.about}, message.arrays)
        end = self._clock() + self.plan.timeout
        # A copy that hangs is asked last: each question to it would take a thread until the time-out.
        rest = sorted(self._places[number], key=self._late.__contains__)
        waiting: dict[Future[Message], Place] = {}
        reasons: list[str] = []
        # What is late goes on in its thread until its own time-out, and its answer is thrown away.
        while rest or waiting:
            if rest:
                copy = rest.pop(0)
                waiting[self._copies.submit(copy.ask, asked, self.plan.timeout)] = copy
            left = end - self._clock()
            done, _ = wait(
                waiting, max(0.0, min(self.plan.hedge, left) if rest else left), return_when=FIRST_COMPLETED
            )
            if not done:
                self._note_late(waiting)
            for future in done:
                try:
                    return future.result()
                except AwayError as error:
                    reasons.append(f"{waiting.pop(future).name}: {error}")
            if self._clock() >= end:
                slow = (copy.name for copy in waiting.values())
                reasons += [f"{name}: no answer within {self.plan.timeout:g} s" for name in slow]
                break
        raise ShardAwayError(number, "; ".join(reasons))

    def _note_late(self, waiting: Mapping[Future[Message], Place]) -> None:
        for future, copy in waiting.items():
            self._late.add(copy)
            future.add_done_callback(lambda _, copy=copy: self._late.discard(copy))  # type: ignore[misc]

    def close(self) -> None:
        """Let go of all shards."""
        for pool in (self._shards, self._copies):
            pool.shutdown(wait=False, cancel_futures=True)
        for copies in self._places:
            for one in copies:
                one.close()
