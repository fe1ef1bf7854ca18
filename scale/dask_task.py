"""What a Dask worker does: check that it is the same Semblance and sees the same files, and do one task."""

from __future__ import annotations

import sys
import threading
from functools import cache
from importlib.metadata import version

from retrieval.errors import SemblanceError
from retrieval.index.update.encoding_limit import by_kernel, no_limit
from retrieval.index.update.in_order import Outcome
from retrieval.index.update.worker_messages import Setup, Task
from retrieval.index.update.worker_task import Worker

_kept = threading.local()
"""Of each thread: the last run, and its worker. Representations take seconds to restore."""

_DECIDE = ("semblance", "numpy", "opencv-python-headless", "numba", "pydicom", "Pillow")
"""Packages on whose versions the numbers depend that a file becomes."""


class OtherWorkerError(SemblanceError):
    """A worker is not like the process that asks it, so that its results would be others."""


@cache
def versions() -> str:
    """Return what must be the same everywhere, in one line."""
    # Once a process: the metadata of seven packages are files, and take 3 ms to read.
    python = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
    return ", ".join([python, *(f"{name} {version(name)}" for name in _DECIDE)])


def do_task(run: str, setup: Setup, task: Task, size: int | None, wanted: str) -> list[Outcome]:
    """Do one task, on a worker.

    Parameters
    ----------
    run, setup : a name that no other run has, and what its tasks need.
    size : bytes of the file as that process sees it; None if it sees none.
    wanted : its versions.

    Raises
    ------
    OtherWorkerError : this worker has other versions, or sees another file, or none, at the path.
    """
    if (own := versions()) != wanted:
        raise OtherWorkerError(
            f"a worker has {own}, and this machine {wanted}; install the same versions everywhere"
        )
    if (found := size_of(task)) != size:
        raise OtherWorkerError(
            f"{task.path}: a worker sees {_bytes(found)} there, and this machine {_bytes(size)}; mount the "
            "files at the same place everywhere"
        )
    return list(_worker(run, setup).run(task))


def size_of(task: Task) -> int | None:
    """Return the bytes of the file of a task; None if there is none, or nobody may see it."""
    try:
        return task.path.stat().st_size
    except OSError:
        return None


def _worker(run: str, setup: Setup) -> Worker:
    if getattr(_kept, "run", None) != run:
        for spec in setup.specs:
            if spec.model is not None and not spec.model.is_dir():
                raise OtherWorkerError(
                    f"{spec.model}: a worker does not see this folder of the index; put the index where all "
                    "see it at the same place"
                )
        _kept.worker, _kept.run = Worker(setup, by_kernel if _is_alone() else no_limit), run
        _use_one_thread()
    worker: Worker = _kept.worker
    return worker


def _is_alone() -> bool:
    """Tell whether this thread does all tasks of its process, whose use of a processor is then theirs."""
    from distributed import get_worker

    return bool(get_worker().state.nthreads == 1)


def _use_one_thread() -> None:
    # As in our own worker processes: their threads would compete with those of other tasks.
    import cv2
    from threadpoolctl import threadpool_limits

    cv2.setNumThreads(1)
    threadpool_limits(1)
    if "numba" in sys.modules:
        sys.modules["numba"].set_num_threads(1)


def _bytes(size: int | None) -> str:
    return "no file" if size is None else f"{size:,} bytes"
