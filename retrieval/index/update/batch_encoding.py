"""Batches: what was prepared in many processes is encoded in this one, many pictures at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from ...representation import BatchEncoder, Encoding, Representation
from ..catalogue.encoded_picture import EncodedPicture
from .worker_task import Failure, PartialResult, Task

Outcome = tuple[Task, PartialResult | Failure]


class Batcher:
    """Encode what came prepared, in batches, while further files are read.

    Memory holds two batches: one that is encoded and one that is gathered.
    """

    def __init__(self, representations: Mapping[int, Representation]) -> None:
        self._encoders = {id: r for id, r in representations.items() if isinstance(r, BatchEncoder)}
        self._size = max((encoder.batch_size for encoder in self._encoders.values()), default=0)

    def encoded(self, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        """Yield outcomes in their order, with everything in them encoded."""
        if not self._encoders:
            yield from outcomes
            return
        with ThreadPoolExecutor(1) as thread:
            under_way: Future[list[Outcome]] | None = None
            for batch in self._gathered(outcomes):
                following = thread.submit(self._encode, batch)
                if under_way is not None:
                    yield from under_way.result()
                under_way = following
            if under_way is not None:
                yield from under_way.result()

    def _gathered(self, outcomes: Iterator[Outcome]) -> Iterator[list[Outcome]]:
        """Yield lists of outcomes, each with at least a batch of prepared pictures but for the last."""
        held: list[Outcome] = []
        n = 0
        for outcome in outcomes:
            held.append(outcome)
            n += sum(bool(picture.prepared) for picture in _pictures(outcome))
            if n >= self._size:
                yield held
                held, n = [], 0
        if held:
            yield held

    def _encode(self, outcomes: list[Outcome]) -> list[Outcome]:
        waiting = [picture for outcome in outcomes for picture in _pictures(outcome) if picture.prepared]
        found: dict[int, dict[int, Encoding]] = {id(picture): {} for picture in waiting}
        for number, encoder in self._encoders.items():
            mine = [picture for picture in waiting if number in picture.prepared]
            for first in range(0, len(mine), encoder.batch_size):
                batch = mine[first : first + encoder.batch_size]
                encodings = encoder.encode_prepared([picture.prepared[number] for picture in batch])
                for picture, encoding in zip(batch, encodings, strict=True):
                    found[id(picture)][number] = encoding
        return [_completed(outcome, found) for outcome in outcomes]


def _pictures(outcome: Outcome) -> Sequence[EncodedPicture]:
    return outcome[1].pictures if isinstance(outcome[1], PartialResult) else ()


def _completed(outcome: Outcome, found: Mapping[int, Mapping[int, Encoding]]) -> Outcome:
    task, piece = outcome
    if isinstance(piece, Failure):
        return outcome
    pictures = [
        replace(p, encodings={**p.encodings, **found[id(p)]}, prepared={}) if p.prepared else p
        for p in piece.pictures
    ]
    return task, replace(piece, pictures=pictures)
