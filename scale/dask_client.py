"""What a cluster is asked as a whole: whether it has Semblance, its results, and if it is there at all."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

import distributed
from distributed.comm import CommClosedError

from retrieval.errors import SemblanceError
from retrieval.index.update.in_order import Outcome

from .dask_task import OtherWorkerError, versions


def require_semblance(client: distributed.Client) -> None:
    """Raise OtherWorkerError if a worker of a cluster, or its scheduler, cannot load Semblance."""
    # Before there are tasks: who cannot read one writes all of it into its log, with the key of the hashes,
    # and a worker ends by it.
    for address, found in client.run(versions, on_error="return").items():
        # One that has just died is not to blame.
        if isinstance(found, Exception) and not isinstance(found, OSError):
            raise _not_loaded(f"the worker {address}", found)
    try:
        client.run_on_scheduler(versions)
    except (ImportError, AttributeError) as error:
        raise _not_loaded("the scheduler", error) from error


@contextmanager
def asking() -> Iterator[None]:
    """Raise SemblanceError if the scheduler is gone when it is asked for something."""
    try:
        yield
    # The last is what a client does that was closed under its caller.
    except (CancelledError, distributed.client.ClosedClientError, OSError, AttributeError) as error:
        raise _gone() from error


def gathered(
    client: distributed.Client, done: list[distributed.Future]
) -> Iterator[tuple[distributed.Future, list[Outcome] | None]]:
    """Yield tasks that are done with their results; with None those that failed, to be asked one by one."""
    good = [future for future in done if future.status == "finished"]
    try:
        # At once: each question to the cluster costs as much as a small task.
        found = dict(zip(good, client.gather(good), strict=True))
    except Exception:  # a worker died with its results, so that they are computed again, or not
        found = {}
    return ((future, found.get(future)) for future in done)


def result(future: distributed.Future) -> list[Outcome]:
    """Return the results of a task. Raise KilledWorker if its worker died, SemblanceError if it refuses."""
    try:
        found: Any = future.result()
    except (CancelledError, CommClosedError) as error:
        raise _gone() from error
    outcomes: list[Outcome] = found
    return outcomes


def _not_loaded(who: str, error: Exception) -> OtherWorkerError:
    remedy = "install the same versions on the scheduler and on all workers"
    return OtherWorkerError(f"{who} cannot load Semblance ({error}); {remedy}")


def _gone() -> SemblanceError:
    return SemblanceError("the cluster is gone; run the same command again, and it goes on")
