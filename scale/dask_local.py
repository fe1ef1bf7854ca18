"""A cluster of this machine alone, for the length of one command."""

from __future__ import annotations

import dask
import distributed
from distributed.scheduler import DEFAULT_EXTENSIONS as SCHEDULER_EXTENSIONS
from distributed.worker import DEFAULT_EXTENSIONS as WORKER_EXTENSIONS

_HOST = "127.0.0.1"

_DASHBOARD = "127.0.0.1:0"
"""Where Dask shows what the cluster does: any free port, for this machine alone."""

_SETTINGS = {
    # One death is enough here: what died is tried alone.
    "distributed.scheduler.allowed-failures": 0,
    # A look at what each does, every 10 ms, takes a tenth of a small task.
    "distributed.worker.profile.enabled": False,
}

_LEFT_OUT = {"spans"}
"""Extensions that are not wanted: spans note something of every task and forget it at the end only."""


def local_cluster(n_workers: int) -> distributed.LocalCluster:
    """Start a cluster of n workers of one thread each, which nobody outside this machine can reach.

    Raises OSError or RuntimeError if it does not start.
    """
    with dask.config.set(_SETTINGS):
        return distributed.LocalCluster(
            _HOST,
            n_workers=n_workers,
            threads_per_worker=1,
            # Else they would listen to other machines, and all clusters want one port.
            dashboard_address=_DASHBOARD,
            worker_dashboard_address=_DASHBOARD,
            silence_logs=60,
            # Of both, as a scheduler fails at the report of an extension that it lacks.
            scheduler_kwargs={"extensions": _without(SCHEDULER_EXTENSIONS)},
            extensions=_without(WORKER_EXTENSIONS),
        )


def _without(extensions: dict[str, type]) -> dict[str, type]:
    return {name: one for name, one in extensions.items() if name not in _LEFT_OUT}
