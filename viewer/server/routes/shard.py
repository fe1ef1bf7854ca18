"""What the head of shards asks: rankings and vectors of a shard that is served here."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from retrieval.errors import SemblanceError
from scale.shards.messages import Message, MessageError
from scale.shards.serving import answer, is_shard

from ..desk import Desk
from ..guard import TooLargeError
from ..problem import Kind, RefusedError, not_found
from ..work import GoneAwayError
from .endpoint import NEVER


async def shard(desk: Desk, request: Request) -> Response:
    """Answer a message of a head; an index that is no shard answers nothing."""
    try:
        body = await request.body()
    except TooLargeError:
        raise RefusedError(Kind.LIMIT, "the message is too large") from None
    try:
        # A head that has waited too long asks another copy: its question is not worked for.
        found = await desk.workers.ask(lambda: _answered(desk, body), request.is_disconnected)
    except GoneAwayError:
        raise RefusedError(Kind.GONE, "nobody waits for the answer any more") from None
    return Response(found, 200, NEVER, "application/octet-stream")


def _answered(desk: Desk, body: bytes) -> bytes:
    try:
        message = Message.unpack(body)
        for collection in desk.collections:
            opened = collection.now
            if is_shard(opened.index, message):
                return answer(opened.index, message).pack()
    except MessageError as error:
        raise RefusedError(Kind.BAD_ASK, str(error)) from error
    except (ValueError, TypeError) as error:  # arrays of another kind than the question has
        if isinstance(error, SemblanceError):
            raise
        raise RefusedError(Kind.BAD_ASK, "a message makes no sense") from error
    raise not_found("shard of this split")
