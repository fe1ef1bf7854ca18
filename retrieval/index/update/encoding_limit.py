"""The limit of encoding: the kernel ends a worker process that takes too long for one image."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ...readers.limits import Limits

TOO_LONG = "encoding an image of it took too long; raise max_seconds if it is sound"


@contextmanager
def no_limit(limits: Limits, n_pixels: int) -> Iterator[None]:
    """Do nothing: a process must not end itself if it does more than encode."""
    yield


@contextmanager
def by_kernel(limits: Limits, n_pixels: int) -> Iterator[None]:
    """Let the system end this process if the block takes more of a processor than an image may."""
    try:
        import resource
    except ImportError:  # Windows
        yield
        return
    # An alarm in Python would wait for the end of a kernel that never ends; this needs nobody who looks.
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    end = int(time.process_time() + limits.encoding_seconds(n_pixels)) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (end if most == resource.RLIM_INFINITY else min(end, most), most))
    # Ended so, a process would leave what it has in memory on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))


def is_ended(exit_code: int) -> bool:
    """Tell if a process with this exit code was ended by its limit."""
    return hasattr(signal, "SIGXCPU") and exit_code == -signal.SIGXCPU
