"""The guard: who may ask, from where, and how much at once; it stands before all that answers."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY = 262_144
"""Bytes of a request, but for files that are brought."""

POLICY = (
    "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The page loads its own files alone, and images that its script fetched: nothing is taken from elsewhere."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Holds nothing of any index, and is what asks for the token.
_OPEN = ("/static/",)
_LARGE = ("/uploads", "/masks", "/shard")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""The names of this machine for itself."""


@dataclass(frozen=True)
class Rules:
    """Who may ask.

    Parameters
    ----------
    hosts : the names that the server answers to; a page elsewhere cannot pretend to be one of them. None:
        any, since whoever asks must show the token.
    token : must be shown with everything but the page itself; None for none.
    most_upload : bytes of a file that is brought.
    """

    hosts: Collection[str] | None = LOOPBACK
    token: str | None = None
    most_upload: int = 128_000_000


class Guard:
    """Refuse what is not allowed, and add the headers that keep the page to itself."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app, self._rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        # No part of the page needs a websocket.
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        refused = refuse(scope, self._rules)
        # Headers are added to refusals as well: they are answers like any other.
        app = self._app if refused is None else JSONResponse({"message": refused[1]}, refused[0])
        most = self._rules.most_upload if scope["path"].startswith(_LARGE) else MOST_BODY
        await app(scope, limited(receive, most), _with_headers(send))


class TooLargeError(Exception):
    """A request that goes on after its limit."""


def refuse(scope: Scope, rules: Rules) -> tuple[int, str] | None:
    """Return the status and the reason why a request is not answered; None if it may be."""
    headers, path = Headers(scope=scope), str(scope["path"])
    host = host_of(headers.get("host", ""))
    if host is None or (rules.hosts is not None and host not in rules.hosts):
        return 403, "this server does not answer to that name; open the address that it printed"
    origin = headers.get("origin")
    # A page of another site may send requests, and must not get an answer, nor change anything.
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return 403, "a page of another site cannot ask this server"
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return 403, "a page of another site cannot ask this server"
    if rules.token is not None and path != "/" and not path.startswith(_OPEN):
        shown = headers.get("authorization", "")
        # Compared in constant time: the time that it takes tells nothing of the token.
        if not hmac.compare_digest(shown.encode(), f"Bearer {rules.token}".encode()):
            return 401, "the token is missing or wrong; open the address that the server printed"
    return None


def host_of(text: str) -> str | None:
    """Return the host of a header ``Host`` without its port, in lower case; None if it makes no sense."""
    try:
        return urlsplit(f"//{text}").hostname
    except ValueError:
        return None


def limited(receive: Receive, most: int) -> Receive:
    """Return what receives at most this number of bytes of a request, and raises TooLargeError for more."""
    taken = 0

    async def receive_some() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise TooLargeError
        return message

    return receive_some


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _with_headers(send: Send) -> Send:
    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
        await send(message)

    return send_with
