"""Endpoints: functions of a desk and a request, with refusals as JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..desk import Desk
from ..problem import STATUS, Kind, RefusedError, refusal_of

Endpoint = Callable[[Desk, Request], Awaitable[Response]]
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""Of what is kept under the key of an image: it never becomes another."""
NEVER = {"Cache-Control": "no-store"}


def endpoint(desk: Desk, answer: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint of Starlette, whose refusals are JSON with a kind and a message."""

    async def answered(request: Request) -> Response:
        try:
            return await answer(desk, request)
        except Exception as error:
            refused = refusal_of(error)
            if refused is None:
                raise
            return refusal(refused)

    return answered


def refusal(error: RefusedError) -> Response:
    """Return the response that says why there is none."""
    content = {"kind": error.kind, "message": error.message, "argument": error.argument}
    return JSONResponse(content, STATUS.get(Kind(error.kind), 400), NEVER)
