"""Batches: images prepared by worker processes are encoded in this process, many at a time.

A network is loaded once, here, instead of once in each worker, and is given batches that fill the processor;
the workers decode and resize. All others are encoded by the workers themselves: representations that are no
``BatchEncoder``, and networks that one core computes as quickly for one image as for many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from ...representation import BatchEncoder, Encoding, Representation
from ..catalogue.encoded_picture import EncodedPicture
from .worker_messages import Failure, PartialResult, Task

TaskOutcome = tuple[Task, PartialResult | Failure]
"""A task with one of its results."""


def in_batches(representations: Mapping[int, Representation]) -> dict[int, BatchEncoder]:
    """Return those that are encoded in batches, by number: not where a worker does it as well."""
    encoders = {id: r for id, r in representations.items() if isinstance(r, BatchEncoder)}
    return {id: encoder for id, encoder in encoders.items() if getattr(encoder, "in_batches", True)}


class Batcher:
    """Encode prepared images in batches, while further files are read.

    Memory holds two batches: one that is being encoded and one that is being gathered.

    Parameters
    ----------
    representations : the fitted ones, by number.
    """

    def __init__(self, representations: Mapping[int, Representation]) -> None:
        self._encoders = in_batches(representations)
        self._size = max((encoder.batch_size for encoder in self._encoders.values()), default=0)

    def encoded(self, outcomes: Iterator[TaskOutcome]) -> Iterator[TaskOutcome]:
        """Yield outcomes in their order, with all images encoded."""
        if not self._encoders:
            yield from outcomes
            return
        with ThreadPoolExecutor(1) as thread:
            # One batch is encoded in the thread while this one receives the next; networks release the GIL.
            under_way: Future[list[TaskOutcome]] | None = None
            for batch in self._gathered(outcomes):
                following = thread.submit(self._encode, batch)
                if under_way is not None:
                    yield from under_way.result()
                under_way = following
            if under_way is not None:
                yield from under_way.result()

    def _gathered(self, outcomes: Iterator[TaskOutcome]) -> Iterator[list[TaskOutcome]]:
        """Yield lists of outcomes, each with at least a batch of prepared images except the last."""
        held: list[TaskOutcome] = []
        n = 0
        for outcome in outcomes:
            held.append(outcome)
            # Images encoded by workers pass through in their place; only prepared ones fill a batch.
            n += sum(bool(picture.prepared) for picture in _pictures(outcome))
            if n >= self._size:
                yield held
                held, n = [], 0
        if held:
            yield held

    def _encode(self, outcomes: list[TaskOutcome]) -> list[TaskOutcome]:
        waiting = [picture for outcome in outcomes for picture in _pictures(outcome) if picture.prepared]
        # By the identity of the image objects, which live until the end of this function.
        found: dict[int, dict[int, Encoding]] = {id(picture): {} for picture in waiting}
        for number, encoder in self._encoders.items():
            mine = [picture for picture in waiting if number in picture.prepared]
            # The lists may be longer than a batch: a result brings up to FRAMES_PER_RESULT images at once.
            for first in range(0, len(mine), encoder.batch_size):
                batch = mine[first : first + encoder.batch_size]
                encodings = encoder.encode_prepared([picture.prepared[number] for picture in batch])
                for picture, encoding in zip(batch, encodings, strict=True):
                    found[id(picture)][number] = encoding
        return [_completed(outcome, found) for outcome in outcomes]


def _pictures(outcome: TaskOutcome) -> Sequence[EncodedPicture]:
    return outcome[1].pictures if isinstance(outcome[1], PartialResult) else ()


def _completed(outcome: TaskOutcome, found: Mapping[int, Mapping[int, Encoding]]) -> TaskOutcome:
    task, result = outcome
    if isinstance(result, Failure):
        return outcome
    pictures = [
        replace(p, encodings={**p.encodings, **found[id(p)]}, prepared={}) if p.prepared else p
        for p in result.pictures
    ]
    return task, replace(result, pictures=pictures)
