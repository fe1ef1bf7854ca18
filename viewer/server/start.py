"""Starting the server: the place where it listens, the address that is printed, and the end of it."""

from __future__ import annotations

import errno
import logging
import os
import re
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

import uvicorn

from retrieval.errors import OptionError

from .app import make_app
from .desk import Desk
from .guard import LOOPBACK, Rules, is_loopback

_CHARACTERS = 24
_LONG_ENOUGH = re.compile(r"[\w-]{20,}", re.ASCII)
TOKEN = "SEMBLANCE_TOKEN"
"""The variable of the environment that holds the token of servers that are to keep it, such as of shards."""

_GRACE = 2
"""Seconds that requests under way have when the server is asked to end."""


@dataclass(frozen=True)
class Listening:
    """Where a server listens.

    Parameters
    ----------
    host, port : of the network; port 0 takes any that is free.
    has_token : whether a token is to be shown. It always is if anybody else can reach the server.

    Raises
    ------
    OptionError : the port is no port.
    """

    host: str = "127.0.0.1"
    port: int = 8417
    has_token: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise OptionError(f"{self.port} is no port; give 1 to 65535", "port")

    @property
    def is_public(self) -> bool:
        """Tell whether other machines can reach the server."""
        return not is_loopback(self.host)

    @property
    def needs_token(self) -> bool:
        """Tell whether a token must be shown."""
        return self.has_token or self.is_public


def serve(desk: Desk, where: Listening, report: Callable[[str], None]) -> None:
    """Serve until the process is asked to end.

    Parameters
    ----------
    report : called with the address, with the token in its fragment, which a browser sends to nobody.

    Raises
    ------
    OptionError : another program has the port, the host is none of this machine, or the token is too short.
    """
    token = _token() if where.needs_token else None
    bound = _bind(where)
    port = bound.getsockname()[1]
    # Other machines may call this one by any name; the token is what they must show.
    hosts = None if where.is_public else (*LOOPBACK, where.host)
    rules = Rules(hosts, token)
    # Warnings alone: a terminal in a reading room is no place for a log.
    config = uvicorn.Config(
        make_app(desk, rules),
        log_level="warning",
        access_log=False,  # addresses hold names of images
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    report(address_of(where.host, port, token))
    # Ctrl-C is how a server ends, and no failure.
    with suppress(KeyboardInterrupt):
        _Server(config).run(sockets=[bound])


class _Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # What is under way is cut short because somebody ends the server: that is no error to be logged.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().handle_exit(sig, frame)


def _token() -> str:
    """Return the token of ``SEMBLANCE_TOKEN``, else a new one. OptionError if it is easy to guess."""
    given = os.environ.get(TOKEN)
    if given is None:
        return secrets.token_urlsafe(_CHARACTERS)
    if not _LONG_ENOUGH.fullmatch(given):
        raise OptionError(f"{TOKEN} holds none; give 20 or more letters, digits, - and _", "token")
    return given


def address_of(host: str, port: int, token: str | None) -> str:
    """Return the address of the page."""
    # Whoever listens everywhere is best reached by this machine's name.
    name = socket.gethostname() if host in ("0.0.0.0", "::") else host
    shown = f"[{name}]" if ":" in name else name
    return f"http://{shown}:{port}/{f'#token={token}' if token else ''}"


def _bind(where: Listening) -> socket.socket:
    """Take the port before anything is said, so that the address that is printed is ours."""
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    # Named as TCP: else asyncio lets small answers wait for an acknowledgement, 40 ms each.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((where.host, where.port))
        # From now on requests wait instead of being refused, so that a browser may come at once.
        bound.listen()
    except (OSError, OverflowError) as error:
        bound.close()
        reason = getattr(error, "strerror", None) or str(error)
        # All others than a port that is taken, or kept for the system, are about the address.
        is_port = getattr(error, "errno", None) in (errno.EADDRINUSE, errno.EACCES, None)
        flag = "port" if is_port else "host"
        raise OptionError(f"{where.host}:{where.port}: {reason}; give another one", flag) from error
    return bound
