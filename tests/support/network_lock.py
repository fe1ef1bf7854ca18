"""The network of the machine: browsers break their connections off when an address comes or goes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_LOCK = Path(tempfile.gettempdir()) / f"semblance-tests-network-{os.getuid()}"
_LONGEST = 120.0
"""Seconds to wait for browsers, of which one or another may always be open."""


@contextlib.contextmanager
def unchanged() -> Iterator[None]:
    """Let no other process of the tests change the network meanwhile; several may ask that at once."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def changing() -> Iterator[None]:
    """Wait until no browser of the tests is open, and let none be opened meanwhile."""
    with _LOCK.open("w") as lock:
        end = time.monotonic() + _LONGEST
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.05)
        yield
