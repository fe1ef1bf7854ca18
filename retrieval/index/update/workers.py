"""The pool: worker processes that do jobs, of which any may die without ending the run."""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Protocol, Self

from ...errors import SemblanceError, SettingError
from ..catalogue.files import State
from .worker_task import Failure, PartialResult, Setup, Task, Worker

Outcome = PartialResult | Failure

_IN_HAND = 2
"""How many tasks a worker holds, so that it does not wait while results are written."""


class Executor(Protocol):
    """Whoever does tasks: a pool of processes, or this process alone."""

    def run(self, setup: Setup, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Do tasks and yield what comes of them, in any order; the pieces of one task in theirs."""
        ...

    def close(self) -> None:
        """End the worker processes."""
        ...


class SerialExecutor:
    """Do tasks in this process."""

    def run(self, setup: Setup, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Do tasks one after the other."""
        job = Worker(setup)
        for task in tasks:
            for outcome in job.run(task):
                yield task, outcome

    def close(self) -> None:
        """Do nothing."""


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    connection: Connection
    setup: Setup | None = None
    in_hand: deque[Task | Setup] = field(default_factory=deque)
    has_begun: bool = False  # pieces of the first task have come already

    def give(self, thing: Task | Setup) -> None:
        self.in_hand.append(thing)
        with suppress(OSError):  # it died; reading from it will tell
            self.connection.send(thing)


class ProcessExecutor:
    """Do tasks in at most ``jobs`` processes, each with one thread.

    A task whose process dies is tried once more in a fresh process and then given up; nothing else is lost.
    The processes end with this one, however it ends.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._workers: list[_Worker] = []
        self._again: deque[Task] = deque()
        self._died: set[int] = set()

    def run(self, setup: Setup, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Do tasks. The caller takes all that is yielded, or closes the pool."""
        while True:
            self._hand_out(setup, tasks)
            busy = {w.connection: w for w in self._workers if w.in_hand}
            if not busy:
                return
            for connection in wait(list(busy)):
                yield from self._heard(busy[connection])  # type: ignore[index]

    def _hand_out(self, setup: Setup, tasks: Iterator[Task]) -> None:
        while len(self._workers) < self._jobs or any(len(w.in_hand) < _IN_HAND for w in self._workers):
            task = self._again.popleft() if self._again else next(tasks, None)
            if task is None:
                return
            worker = self._idlest()
            if worker.setup is not setup:
                worker.setup = setup
                worker.give(setup)
            worker.give(task)

    def _idlest(self) -> _Worker:
        """Return who gets the next task: who has nothing in hand, else someone new, else who has least."""
        worker = min(self._workers, key=lambda w: len(w.in_hand), default=None)
        if worker is None or (worker.in_hand and len(self._workers) < self._jobs):
            worker = _start()
            self._workers.append(worker)
        return worker

    def _heard(self, worker: _Worker) -> Iterator[tuple[Task, Outcome]]:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._buried(worker)
            return
        first = worker.in_hand[0]
        if isinstance(first, Setup):
            worker.in_hand.popleft()
            if message is not None:
                raise SemblanceError(message)
            return
        worker.has_begun = isinstance(message, PartialResult) and message.goes_on
        if not worker.has_begun:
            worker.in_hand.popleft()
        yield first, message

    def _buried(self, worker: _Worker) -> Iterator[tuple[Task, Outcome]]:
        """Take a dead worker out; its first task is to blame, the others go to someone else."""
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join()
        first = worker.in_hand.popleft()
        if isinstance(first, Setup):
            raise SemblanceError(
                f"a worker process ended before it began ({_end(worker.process)}); use one job, and in a "
                'script of your own call Semblance below `if __name__ == "__main__":`'
            )
        self._again.extend(task for task in worker.in_hand if isinstance(task, Task))
        if worker.has_begun or first.source in self._died:
            reason = f"the process that read it died ({_end(worker.process)})"
            yield first, Failure(State.FAILED, reason)
        else:
            self._died.add(first.source)
            self._again.appendleft(first)

    def close(self) -> None:
        """End all processes at once."""
        for worker in self._workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def make_crew(jobs: int | None) -> Executor:
    """Return who works: ``jobs`` processes, as many as there are cores where it is None; 1 is this process.

    Raises
    ------
    SettingError : fewer than one job.
    """
    if jobs is not None and jobs < 1:
        raise SettingError(f"jobs: {jobs} is below 1; give the number of processes, or leave it out")
    if jobs == 1:
        return SerialExecutor()
    return ProcessExecutor(jobs or len(os.sched_getaffinity(0)))


def _start() -> _Worker:
    # A fresh interpreter: a fork would copy locks that other threads hold.
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there,), daemon=True)
    with _interrupts_blocked():
        process.start()
    there.close()
    return _Worker(process, here)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let a Ctrl-C wait: a process that is started meanwhile never sees it, this one does afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # would lift the block when it is started by the process's start
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(process: BaseProcess) -> str:
    code = process.exitcode or 0
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def work(connection: Connection) -> None:
    """Do what comes through a connection until its other end closes: the whole life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    job: Worker | None = None
    try:
        while True:
            message = connection.recv()
            if isinstance(message, Setup):
                job, refusal = _prepared(message)
                connection.send(refusal)
            elif job is not None:
                for outcome in job.run(message):
                    connection.send(outcome)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _prepared(setup: Setup) -> tuple[Worker | None, str | None]:
    import cv2
    from threadpoolctl import threadpool_limits

    try:
        job = Worker(setup)
    except Exception as error:
        return None, " ".join(f"{error or type(error).__name__}".split())
    cv2.setNumThreads(1)
    threadpool_limits(1)
    if "numba" in sys.modules:
        sys.modules["numba"].set_num_threads(1)
    return job, None
