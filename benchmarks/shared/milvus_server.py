"""A Milvus server for tests and benchmarks: milvus-lite, in a process of its own, on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

_START = 60.0


class MilvusServer:
    """A server on a free port, whose files outlive its process.

    Parameters
    ----------
    folder : for its files.
    """

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.process: subprocess.Popen | None = None

    @property
    def place(self) -> str:
        """What ``--to`` and ``--ranker`` call it."""
        return f"milvus:http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it answers."""
        words = ["-m", "milvus_lite", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, *words, "--data-dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started = time.monotonic()
        while time.monotonic() - started < _START:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            assert self.process.poll() is None, "milvus-lite ended at once"
            time.sleep(0.1)
        raise AssertionError(f"milvus-lite does not listen after {_START:g} s")

    def kill(self) -> None:
        """Kill it, as a power failure would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None

    def pause(self) -> None:
        """Let it take connections and answer nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        os.kill(self.process.pid, signal.SIGCONT)
