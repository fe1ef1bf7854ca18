"""What is brought: files and masks, as the plain body of a POST."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from retrieval.picture import Picture

from ..desk import Desk
from ..guard import TooLargeError
from ..problem import Kind, RefusedError
from ..uploads import Upload
from .endpoint import NEVER


async def bring(desk: Desk, request: Request) -> Response:
    """Keep a file, and say what is in it."""
    content = await _body(request)
    name = request.query_params.get("name", "upload")
    # The window and the kinds of files are those of the first index, or of the one that is named.
    wanted = request.query_params.get("index")
    collection = desk.collection(wanted) if wanted else next(iter(desk.collections))
    opened = collection.now
    id, found = await desk.workers.fetch(lambda: desk.uploads.add(opened.index, name, content))
    return JSONResponse(_about(id, found), 201, NEVER)


async def brought(desk: Desk, request: Request) -> Response:
    """Say what is in a file that was brought before."""
    id = request.path_params["upload"]
    return JSONResponse(_about(id, desk.uploads.file(id)), 200, NEVER)


async def mask(desk: Desk, request: Request) -> Response:
    """Keep a mask, and say how large it is."""
    content = await _body(request)
    id, found = await desk.workers.fetch(lambda: desk.uploads.add_mask(content))
    rows, cols = found.shape
    about = {"mask": id, "rows": rows, "cols": cols, "pixels": int(found.sum())}
    return JSONResponse(about, 201, NEVER)


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except TooLargeError:
        raise RefusedError(Kind.LIMIT, "the file is too large") from None


def _about(id: str, upload: Upload) -> dict[str, Any]:
    # The shape of each frame, so that a place can be made for it before the pixels come.
    frames = [_frame(picture) for picture in upload.pictures]
    return {"upload": id, "name": upload.name, "frames": frames, "note": upload.note}


def _frame(picture: Picture) -> dict[str, Any]:
    spacing = None if picture.spacing is None else list(picture.spacing)
    return {"id": picture.id, "rows": picture.shape[0], "cols": picture.shape[1], "spacing": spacing}
