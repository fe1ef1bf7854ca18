"""The executor on Dask: the tasks of an update, done by the workers of a cluster."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import distributed
from dask.utils import key_split
from distributed.scheduler import KilledWorker

from retrieval.errors import OptionError, SemblanceError
from retrieval.index.catalogue.files import State
from retrieval.index.update.in_order import InOrder, Outcome
from retrieval.index.update.worker_messages import Failure, Setup, Task

from .dask_address import check_address
from .dask_client import asking, gathered, require_semblance, result
from .dask_local import local_cluster
from .dask_task import do_task, size_of, versions

_WINDOW = 4
"""Tasks in the cluster, for each thread of it: one is done, and the others wait so that it need not."""

_DEATHS = 3
"""Workers that die of one file, until the file is given up."""

_WAIT = 30.0
"""Seconds that a cluster has to give its first worker, and to go on."""

_OFTEN = 1.0
"""Seconds between two counts of the threads of a cluster."""

_PATIENCE = 4
"""Times as long for a worker that is started again."""


@dataclass
class _Suspect:
    """A task whose worker died: it is tried alone, so that no neighbour is blamed for it."""

    task: Task
    deaths: int = 0


@dataclass
class _Run:
    """What is under way."""

    setup: Setup
    number: str = field(default_factory=secrets.token_hex)
    order: InOrder = field(default_factory=InOrder)
    futures: dict[distributed.Future, Task] = field(default_factory=dict)
    suspects: deque[_Suspect] = field(default_factory=deque)
    _n_threads: int = 1
    _counted: float = -_OFTEN

    def threads(self, client: distributed.Client) -> int:
        """Return how many threads the cluster has; workers come and go."""
        # Each count is a question to the scheduler, which would cost as much as a small task.
        if time.monotonic() - self._counted >= _OFTEN:
            self._n_threads = max(1, sum(client.nthreads().values()))
            # Dask keeps how it took apart the last 100,000 names of tasks; of ours none comes twice.
            key_split.cache_clear()
            self._counted = time.monotonic()
        return self._n_threads


class DaskExecutor:
    """Do tasks on a cluster: one of this machine for ``dask``, else that of an address.

    Results come in the order of the tasks and are those of one process, to the last bit, whichever workers
    die. The tasks in the cluster, and results that wait for an earlier one, are bounded by its threads.

    Parameters
    ----------
    address : ``tls://host:port``, or ``tcp://`` on this machine; empty for a cluster of this machine's own.
    jobs : processes of that one; None for one a core.

    Raises
    ------
    OptionError : an address over which anybody could run code, or jobs for a cluster that has its own.
    """

    def __init__(self, address: str = "", jobs: int | None = None) -> None:
        check_address(address)
        # A number that means nothing is better refused than passed over.
        if address and jobs is not None:
            raise OptionError("the cluster has workers of its own; leave jobs out", "jobs")
        self._address, self._jobs = address, jobs
        self._cluster: distributed.LocalCluster | None = None
        self._client: distributed.Client | None = None

    def run(self, setup: Setup, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Do tasks and yield their results, as ``Executor.run``.

        Raises SemblanceError if the cluster cannot be reached or is lost, or a worker is not like us.
        """
        run = _Run(setup)
        client = self._connected()
        # Suspects come last: when nothing else is under way, nothing else can be to blame.
        while True:
            self._submit(client, run, tasks)
            if run.futures:
                for future, found in gathered(client, self._done(client, run)):
                    yield from self._taken(run, future, found)
            elif run.suspects:
                yield from self._alone(client, run, run.suspects.popleft())
            else:
                return

    def _submit(self, client: distributed.Client, run: _Run, tasks: Iterator[Task]) -> None:
        """Fill the window; nothing while a suspect waits for the cluster to be empty."""
        with asking():
            most = _WINDOW * run.threads(client)
        while not run.suspects and not run.order.is_full and run.order.n_begun < most:
            task = next(tasks, None)
            if task is None:
                return
            run.order.begin(task)
            run.futures[self._send(client, run, task)] = task

    def _send(self, client: distributed.Client, run: _Run, task: Task) -> distributed.Future:
        # Not pure: a task that is tried again is another one.
        with asking():
            return client.submit(do_task, run.number, run.setup, task, size_of(task), versions(), pure=False)

    def _done(self, client: distributed.Client, run: _Run) -> list[distributed.Future]:
        """Wait until a task is done, and return all that are."""
        while True:
            # Not the client of whoever else uses Dask in this process.
            with asking(), suppress(TimeoutError), client.as_current():
                done = distributed.wait(list(run.futures), _WAIT, "FIRST_COMPLETED").done
                return [future for future in run.futures if future in done]
            _require_workers(client)

    def _taken(
        self, run: _Run, future: distributed.Future, found: list[Outcome] | None
    ) -> Iterator[tuple[Task, Outcome]]:
        """Pass on the results of a task that is done; of one that failed, nothing is found yet."""
        task = run.futures.pop(future)
        # Of all tasks that a dead worker had, one is to blame, and the scheduler does not know which.
        try:
            outcomes = result(future) if found is None else found
        except KilledWorker as error:
            run.suspects.append(_Suspect(task, error.allowed_failures + 1))
            return
        for outcome in outcomes:
            yield from run.order.end(task, outcome)

    def _alone(self, client: distributed.Client, run: _Run, one: _Suspect) -> Iterator[tuple[Task, Outcome]]:
        """Do a task while the cluster does nothing else: now a death of its worker is its own doing."""
        while True:
            try:
                outcomes = result(self._send(client, run, one.task))
                break
            except KilledWorker as error:
                one.deaths += error.allowed_failures + 1
                if one.deaths >= _DEATHS:
                    reason = f"the workers that read it died ({one.deaths} times)"
                    outcomes = [Failure(State.FAILED, reason)]
                    break
        for outcome in outcomes:
            yield from run.order.end(one.task, outcome)

    def _connected(self) -> distributed.Client:
        if self._client is None:
            try:
                self._client = self._client_of(self._address)
                _require_workers(self._client)
                require_semblance(self._client)
            except SemblanceError:
                self.close()
                raise
            except (OSError, ValueError, RuntimeError, TimeoutError) as error:
                self.close()
                raise SemblanceError(self._unreachable(error)) from error
        return self._client

    def _unreachable(self, error: Exception) -> str:
        if not self._address:
            return f"dask: no cluster starts on this machine ({error}); without --on, --jobs does the same"
        remedy = "start its scheduler"
        if self._address.startswith("tls:"):
            remedy += ", and give certificates in distributed.comm.tls of Dask's configuration"
        return f"dask:{self._address}: the cluster cannot be reached ({error}); {remedy}"

    def _client_of(self, address: str) -> distributed.Client:
        if address:
            # Without certificates Dask fails with a trace of calls, and hangs for a minute at the end.
            about = distributed.security.Security().get_connection_args("client")
            if address.startswith("tls:") and about.get("ssl_context") is None:
                raise ValueError("no certificates are configured here")
            # A scheduler that is lost is said in one line; Dask would print its own trace of calls before it.
            logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
            return distributed.Client(address, timeout=_WAIT, set_as_default=False)
        self._cluster = local_cluster(self._jobs or len(os.sched_getaffinity(0)))
        return distributed.Client(self._cluster, set_as_default=False)

    def close(self) -> None:
        """Let go of the cluster, with what it has not done; one of this machine's own ends."""
        client, cluster, self._client, self._cluster = self._client, self._cluster, None, None
        # The client first: what it asked for is cancelled while there is somebody to cancel it.
        for one in (client, cluster):
            if one is not None:
                with suppress(TimeoutError, OSError):
                    one.close(timeout=10)


def _require_workers(client: distributed.Client) -> None:
    """Wait for a worker. Raise SemblanceError if there is none for long, or the scheduler is gone."""
    try:
        # One that died takes long to start again where the machine has other work.
        client.wait_for_workers(1, timeout=_PATIENCE * _WAIT)
    except (TimeoutError, OSError) as error:
        problem = "the cluster has no worker; start some, and run the same command again"
        raise SemblanceError(problem) from error
