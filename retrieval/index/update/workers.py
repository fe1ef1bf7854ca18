"""Executors: who does the tasks of an update, this process alone or several, of which any may die."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from numbers import Integral
from types import TracebackType
from typing import Protocol, Self

from ...errors import NotInstalledError, OptionError, SemblanceError, SettingError
from ...registry import EXECUTORS, load
from ..catalogue.files import State
from .encoding_limit import TOO_LONG
from .in_order import InOrder, Outcome
from .worker_messages import Failure, Setup, Task
from .worker_process import WorkerProcess, start_worker_process
from .worker_task import Worker

__all__ = ["Executor", "Outcome", "ProcessExecutor", "SerialExecutor", "executor_on", "make_executor"]

_STARTS = 3
"""Worker processes that may die in a row before they begin: one that does may lack memory for a moment."""


class Executor(Protocol):
    """Do tasks: in this process, in several, or elsewhere."""

    def run(self, setup: Setup, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Do tasks and yield their results in the order of the tasks, the parts of one in theirs."""
        ...

    def close(self) -> None:
        """End the worker processes."""
        ...


class SerialExecutor:
    """Do tasks in this process, one after the other."""

    def run(self, setup: Setup, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Do tasks in their order."""
        worker = Worker(setup)
        for task in tasks:
            for outcome in worker.run(task):
                yield task, outcome

    def close(self) -> None:
        """Do nothing."""


class ProcessExecutor:
    """Do tasks in at most ``jobs`` processes, each with one thread.

    A file can crash a decoder written in C, and with it the process. Its task is tried once more in a fresh
    process and then given up, at once if an image took too long; nothing else is lost. The processes end with
    this one, even if it is killed.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._workers: list[WorkerProcess] = []
        self._retry: deque[Task] = deque()
        self._crashed: set[tuple[int, int]] = set()  # keys of tasks whose process died once
        self._failed_starts = 0  # since the last one that succeeded

    def run(self, setup: Setup, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Do tasks. The caller must take all that is yielded, or close the executor."""
        order = InOrder(self._jobs)
        while True:
            self._assign(setup, tasks, order)
            busy = {w.connection: w for w in self._workers if w.assigned}
            if not busy:
                return
            for connection in wait(self._heard(list(busy), order)):
                for task, outcome in self._receive(busy[connection]):  # type: ignore[index]
                    yield from order.end(task, outcome)

    def _heard(self, busy: list[Connection], order: InOrder) -> list[Connection]:
        """Return the workers that are listened to: if much is held back, only the one that all wait for.

        The others stop when their pipes are full, so that memory holds no more.
        """
        if not order.is_full:
            return busy
        first = [
            w for w in self._workers if any(isinstance(t, Task) and t.key == order.head for t in w.assigned)
        ]
        return [w.connection for w in first] or busy

    def _assign(self, setup: Setup, tasks: Iterator[Task], order: InOrder) -> None:
        # Tasks are taken from the iterator only when somebody has room: it looks up files as it goes, and
        # there may be millions.
        while len(self._workers) < self._jobs or any(w.has_room for w in self._workers):
            is_new = not self._retry
            task = next(tasks, None) if is_new else self._retry.popleft()
            if task is None:
                break
            if is_new:
                order.begin(task)
            self._least_busy().assign(setup, task)
        for worker in self._workers:
            worker.send()

    def _least_busy(self) -> WorkerProcess:
        """Return who gets the next task: an idle process, else a new one, else the one with fewest tasks."""
        free = [worker for worker in self._workers if worker.has_room]
        worker = min(free, key=lambda w: len(w.assigned), default=None)
        if worker is None or (worker.assigned and len(self._workers) < self._jobs):
            worker = start_worker_process()
            self._workers.append(worker)
        return worker

    def _receive(self, worker: WorkerProcess) -> Iterator[tuple[Task, Outcome]]:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._replace(worker)
            return
        if not isinstance(worker.assigned[0], Setup):
            yield from worker.results(message)
            return
        worker.assigned.popleft()
        if message is not None:
            raise SemblanceError(message)
        self._failed_starts = 0

    def _replace(self, worker: WorkerProcess) -> Iterator[tuple[Task, Outcome]]:
        """Take a dead worker out; the task that it died of is to blame, the others are done by another."""
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join()
        tasks = worker.undone()
        if isinstance(worker.assigned[0], Setup):
            self._count_failed_start(worker)
            self._retry.extend(tasks)
            return
        first, *others = tasks
        self._retry.extend(others)
        # The first crash may be chance, such as a lack of memory. After partial results a second try would
        # send the same images again.
        if worker.took_too_long or worker.has_begun or first.key in self._crashed:
            reason = TOO_LONG if worker.took_too_long else f"the process that read it died ({worker.ending})"
            yield first, Failure(State.FAILED, reason)
        else:
            self._crashed.add(first.key)
            self._retry.appendleft(first)

    def _count_failed_start(self, worker: WorkerProcess) -> None:
        self._failed_starts += 1
        if self._failed_starts >= _STARTS:
            raise SemblanceError(
                f"a worker process ended before it began ({worker.ending}); use one job, and in a "
                'script of your own call Semblance below `if __name__ == "__main__":`'
            )

    def close(self) -> None:
        """End all processes at once."""
        # All are stopped before any is waited for.
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def executor_on(on: str, jobs: int | None) -> Executor:
    """Return the executor that ``on`` names, ``NAME`` or ``NAME:ADDRESS``.

    Raises
    ------
    OptionError : none is installed by that name, or it refuses the address.
    """
    # The first colon: those of an address come later.
    name, _, address = on.partition(":")
    try:
        made: Executor = load(name, EXECUTORS)(address, jobs)
    except NotInstalledError as error:
        remedy = f"pip install 'semblance[scale]' ({error.problem})" if error.package else str(error)
        raise OptionError(remedy, "on") from error
    return made


def make_executor(jobs: int | Executor | None) -> Executor:
    """Return an executor of ``jobs`` processes, as many as there are cores if None; 1 is this process alone.

    One that is given is returned as it is. Raises SettingError for fewer than one job.
    """
    if jobs is not None and not isinstance(jobs, int | Integral):
        if not hasattr(jobs, "run"):
            raise SettingError(f"jobs: {jobs!r} is no number of processes; give one, or leave it out")
        return jobs
    if jobs is not None and jobs < 1:
        raise SettingError(f"jobs: {jobs} is below 1; give the number of processes, or leave it out")
    if jobs == 1:
        return SerialExecutor()
    # Not `cpu_count`: in a container or under a batch scheduler this process may use fewer.
    return ProcessExecutor(int(jobs or 0) or len(os.sched_getaffinity(0)))
