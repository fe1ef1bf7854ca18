"""A worker process: how it is started, what it does until it ends, and what its parent knows of it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context, resource_tracker, sharedctypes
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from ...readers.reading_child import end_with_parent
from .encoding_limit import by_kernel, is_ended
from .in_order import Outcome
from .outbox import Outbox
from .worker_messages import PartialResult, Setup, Task
from .worker_task import Worker

_LEAST = 2
"""Tasks that a worker process has at a time: one that it does, and one so that it need not wait for the
next."""
_MOST = 64
"""Tasks that it has if they are quick: to be woken for each of a million would take longer than the rest."""
_IN_PIPE = 1 << 15
"""Bytes of tasks that wait in the pipe, about: it holds 208 kB on Linux. Larger ones are sent one by one."""


@dataclass(eq=False)
class WorkerProcess:
    """A worker process, as its parent sees it.

    Parameters
    ----------
    process : the process.
    connection : its end of the pipe: tasks go out, results come in.
    begun : how many tasks it has begun, which it counts in memory that both share.
    setup : the last one that was sent.
    assigned : what it is to do and has not finished, in order.
    has_begun : partial results of the first task have arrived.
    """

    process: BaseProcess
    connection: Connection
    begun: ctypes.c_int64
    setup: Setup | None = None
    assigned: deque[Task | Setup] = field(default_factory=deque)
    has_begun: bool = False
    _unsent: deque[Task] = field(default_factory=deque)
    _in_pipe: int = 0
    _room: int = _LEAST
    _n_done: int = 0

    @property
    def has_room(self) -> bool:
        """Tell if it should get another task."""
        return len(self.assigned) < self._room

    def assign(self, setup: Setup, task: Task) -> None:
        """Give it a task, after the setup; both are sent at once only if it has nothing else to do."""
        if self.setup is not setup:
            self.setup = setup
            self.assigned.append(setup)
            self._send(setup)
        self.assigned.append(task)
        self._unsent.append(task)
        # The next task may be long in coming, from an archive.
        if len(self.assigned) - len(self._unsent) < _LEAST:
            self.send()

    def send(self) -> None:
        """Send the tasks that are assigned, as far as the pipe surely has room for them."""
        # A process that waits until its results are taken reads no tasks: if both waited for room in the
        # pipe, it would be for ever.
        n_out = len(self.assigned) - len(self._unsent)
        ready: list[Task] = []
        while self._unsent and (not n_out or self._in_pipe + _n_bytes(self._unsent[0]) <= _IN_PIPE):
            ready.append(self._unsent.popleft())
            n_out, self._in_pipe = n_out + 1, self._in_pipe + _n_bytes(ready[-1])
        if ready:
            self._send(ready)

    def _send(self, message: Setup | list[Task]) -> None:
        # If the process has died, the next receive says so; until then the task counts as assigned to it.
        with suppress(OSError):
            self.connection.send(message)

    def results(self, outcomes: Sequence[Outcome]) -> Iterator[tuple[Task, Outcome]]:
        """Yield results that came together, each with its task."""
        if len(outcomes) * 2 >= len(self.assigned):  # it is quick, and had soon had nothing to do
            self._room = min(_MOST, 2 * self._room)
        elif len(outcomes) * 8 < len(self.assigned):
            self._room = max(_LEAST, self._room // 2)
        for outcome in outcomes:
            # A worker answers in the order of what it was sent.
            task = self.assigned[0]
            assert isinstance(task, Task)
            self.has_begun = isinstance(outcome, PartialResult) and outcome.goes_on
            if not self.has_begun:
                self.assigned.popleft()
                self._in_pipe -= _n_bytes(task)
                self._n_done += 1
            yield task, outcome

    def undone(self) -> list[Task]:
        """Return the tasks that a dead process leaves, the one that it died of first."""
        tasks = [task for task in self.assigned if isinstance(task, Task)]
        # Some may be done that it did not get to tell.
        guilty = min(max(0, self.begun.value - self._n_done - 1), max(0, len(tasks) - 1))
        return [*tasks[guilty : guilty + 1], *tasks[:guilty], *tasks[guilty + 1 :]]

    def stop(self) -> None:
        """End the process without waiting for its tasks."""
        self.connection.close()
        self.process.terminate()

    @property
    def took_too_long(self) -> bool:
        """Tell if the process was ended because it took too long for one image."""
        return is_ended(self.process.exitcode or 0)

    @property
    def ending(self) -> str:
        """How the process ended, for messages."""
        code = self.process.exitcode or 0
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _n_bytes(task: Task) -> int:
    """Return about how many bytes a task takes in the pipe."""
    hashes = sum(64 + len(name) for name in task.pixels)  # of a file with many frames a quarter of a megabyte
    return 256 + len(str(task.path)) + len(task.name) + 64 * len(task.skip) + hashes


def start_worker_process() -> WorkerProcess:
    """Start a worker process that waits for a setup."""
    # A fresh interpreter: a fork would copy locks that other threads hold at that moment, locked for ever.
    context = get_context("spawn")
    here, there = context.Pipe()
    begun = sharedctypes.RawValue(ctypes.c_int64, 0)
    # A daemon is ended when this process ends normally; when this one is killed, so is the worker.
    process = context.Process(target=serve, args=(there, os.getpid(), begun), daemon=True)
    with _interrupts_blocked():
        process.start()
    # The worker now holds the only copy of its end, so that its death closes the pipe.
    there.close()
    return WorkerProcess(process, here, begun)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C in this process until the block ends, and for ever in processes started in it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # The tracker is started with the first process, and its start unblocks signals; so start it before.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(connection: Connection, parent: int, begun: ctypes.c_int64) -> None:
    """Do what arrives through a connection until its other end closes: the whole life of a worker process.

    ``parent`` is the number of the process that started it, with which it ends; ``begun`` counts tasks.
    """
    # A worker in the middle of an image would see only afterwards that the pipe has closed.
    end_with_parent(parent)
    # Ctrl-C reaches every process of the terminal; the parent alone decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker, outbox = None, Outbox(connection)
    try:
        while True:
            message = connection.recv()
            if isinstance(message, Setup):
                worker, problem = _prepared(message)
                connection.send(problem)
            elif worker is not None:
                _do(worker, message, outbox, begun)
            if not connection.poll():  # there is nothing to go on with: somebody may wait
                outbox.send()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _do(worker: Worker, tasks: Sequence[Task], outbox: Outbox, begun: ctypes.c_int64) -> None:
    for task in tasks:
        outbox.make_way(task)
        begun.value += 1
        for result in worker.run(task):
            outbox.put(result)


def _prepared(setup: Setup) -> tuple[Worker | None, str | None]:
    """Return a worker, or why there is none."""
    import cv2
    from threadpoolctl import threadpool_limits

    try:
        worker = Worker(setup, by_kernel)
    except Exception as error:
        return None, " ".join(f"{error or type(error).__name__}".split())
    # There is a process for each core: threads of their libraries would only compete. This comes after the
    # representations are made, which imports the libraries that have thread pools.
    cv2.setNumThreads(1)
    threadpool_limits(1)
    if "numba" in sys.modules:
        sys.modules["numba"].set_num_threads(1)
    return worker, None
