"""A worker process: how it is started, what it does until it ends, and what its parent knows of it."""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from ...readers.reading_child import end_with_parent
from .encoding_limit import by_kernel, is_ended
from .worker_messages import Setup, Task
from .worker_task import Worker


@dataclass(eq=False)
class WorkerProcess:
    """A worker process, as its parent sees it.

    Parameters
    ----------
    process : the process.
    connection : its end of the pipe: tasks go out, results come in.
    setup : the last one that was sent.
    assigned : what was sent and is not finished, in order.
    has_begun : partial results of the first task have arrived.
    """

    process: BaseProcess
    connection: Connection
    setup: Setup | None = None
    assigned: deque[Task | Setup] = field(default_factory=deque)
    has_begun: bool = False

    def assign(self, message: Task | Setup) -> None:
        """Send a task or a setup."""
        self.assigned.append(message)
        # If the process has died, the next receive says so; until then the task counts as assigned to it.
        with suppress(OSError):
            self.connection.send(message)

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


def start_worker_process() -> WorkerProcess:
    """Start a worker process that waits for a setup."""
    # A fresh interpreter: a fork would copy locks that other threads hold at that moment, locked for ever.
    context = get_context("spawn")
    here, there = context.Pipe()
    # A daemon is ended when this process ends normally; when this one is killed, so is the worker.
    process = context.Process(target=serve, args=(there, os.getpid()), daemon=True)
    with _interrupts_blocked():
        process.start()
    # The worker now holds the only copy of its end, so that its death closes the pipe.
    there.close()
    return WorkerProcess(process, here)


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


def serve(connection: Connection, parent: int) -> None:
    """Do what arrives through a connection until its other end closes: the whole life of a worker process.

    ``parent`` is the number of the process that started it, with which it ends.
    """
    # A worker in the middle of an image would see only afterwards that the pipe has closed.
    end_with_parent(parent)
    # Ctrl-C reaches every process of the terminal; the parent alone decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker: Worker | None = None
    try:
        while True:
            message = connection.recv()
            if isinstance(message, Setup):
                worker, problem = _prepared(message)
                connection.send(problem)
            elif worker is not None:
                for result in worker.run(message):
                    connection.send(result)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


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
