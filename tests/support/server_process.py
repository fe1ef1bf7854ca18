"""Servers of tests: in this process, or the command in a process of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx


def serving(*indexes, references=None, rules=None, **about):
    """Return a client of a server of some indexes, whose life is that of a context."""
    from starlette.testclient import TestClient

    from viewer.server.app import make_app
    from viewer.server.desk import Desk

    return TestClient(
        make_app(Desk.of(indexes, references, **about), rules), base_url="http://localhost:8417"
    )


@contextmanager
def listening(*indexes, port=0, token=None, **about):
    """Serve some indexes from a thread of this process, on a free port by default; yield the address.

    A process of its own takes seconds to start: one test of each kind sees to it that it does.
    """
    import uvicorn

    from viewer.server.app import make_app
    from viewer.server.desk import Desk
    from viewer.server.guard import Rules
    from viewer.server.start import address_of

    class Server(uvicorn.Server):
        """Closes what a client still reads when the time to finish is over: uvicorn leaves it open."""

        async def shutdown(self, sockets=None):
            await super().shutdown(sockets)
            for connection in self.server_state.connections:
                connection.transport.abort()
            await asyncio.sleep(0)  # a transport closes its socket in the next turn of the loop

    app = make_app(Desk.of(indexes, **about), Rules(token=token))
    bound = socket.create_server(("127.0.0.1", port))
    server = Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield address_of("127.0.0.1", bound.getsockname()[1], token)
    finally:
        server.should_exit = True
        thread.join(20)


class Client(httpx.Client):
    """A client of a server, which knows the process of the server."""

    process: subprocess.Popen


@contextmanager
def command(*arguments, port=0):
    """Run ``semblance serve``, on a free port by default; yield a client, the address and the seconds."""
    code = "import sys; from cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "serve", *map(str, arguments), "--port", str(port), "--quiet"]
    started = time.monotonic()
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    try:
        address = process.stdout.readline().split()[0]
        seconds = time.monotonic() - started
        with Client(base_url=address.partition("#")[0], timeout=60) as client:
            client.process = process
            yield client, address, seconds
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=20)
