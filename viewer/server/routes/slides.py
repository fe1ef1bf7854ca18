"""The squares of slides, which the page zooms into."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..desk import Desk
from ..slides import slide_of_key, square
from .endpoint import FOR_EVER


async def of_slide(desk: Desk, request: Request) -> Response:
    """Return a square of a slide of an index, by the key of a tile of it, level, column and row."""
    collection = desk.collection(request.path_params["index"])
    opened, key = collection.now, request.path_params["key"]
    at = tuple(int(request.path_params[name]) for name in ("level", "col", "row"))

    def found() -> bytes:
        tile = slide_of_key(opened, key)
        if desk.access_log is not None and desk.seen.is_new(key):
            desk.log(collection, "slide", shown=[opened.index.picture(tile).source])
        return square(opened, key, *at)

    content = await desk.workers.fetch(found)
    return Response(content, 200, FOR_EVER, "image/jpeg")
