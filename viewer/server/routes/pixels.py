"""The pixels: thumbnails, JPEG, and raw values, of images of an index and of files that were brought."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from retrieval.errors import PictureError
from viewer.thumbnail import thumbnail

from ..desk import Desk
from ..images import LONGEST, Raw
from ..problem import RefusedError, not_found
from .endpoint import FOR_EVER, NEVER

FALLBACK = "Semblance-Fallback"
ABOUT = "Semblance-Image"


async def of_index(desk: Desk, request: Request) -> Response:
    """Return an image of an index, in the form that the address names."""
    collection = desk.collection(request.path_params["index"])
    key, form = request.path_params["key"], request.path_params["form"]
    images, fetch = desk.images, desk.workers.fetch
    name = collection.now.name_of(key)
    if name is not None and desk.access_log is not None:
        await fetch(lambda: desk.log(collection, "image", shown=[name]))
    if form in ("pixels", "about"):
        return _values(await fetch(lambda: images.raw(collection, key)), form, FOR_EVER)
    if form == "thumbnail":
        return _jpeg(await fetch(lambda: images.thumbnail(collection, key)), FOR_EVER)
    if form != "picture":
        raise not_found(form)
    try:
        return _jpeg(await fetch(lambda: images.jpeg(collection, key)), FOR_EVER)
    except (PictureError, RefusedError):
        # The file may come back: what is shown instead is not kept.
        small = await fetch(lambda: images.thumbnail(collection, key))
        return _jpeg(small, {**NEVER, FALLBACK: "thumbnail"})


async def of_upload(desk: Desk, request: Request) -> Response:
    """Return an image of a file that was brought, in the form that the address names."""
    upload = desk.uploads.file(request.path_params["upload"])
    number, form = int(request.path_params["frame"]), request.path_params["form"]
    if form in ("pixels", "about"):
        return _values(await desk.workers.fetch(lambda: upload.raw(number)), form, NEVER)
    sizes = {"thumbnail": 192, "picture": LONGEST}
    if form not in sizes:
        raise not_found(form)
    return _jpeg(await desk.workers.fetch(lambda: thumbnail(upload.frame(number), sizes[form])), NEVER)


async def made(desk: Desk, request: Request) -> Response:
    """Return a file that was made for one who asked."""
    found = desk.made.get(request.path_params["id"])
    if found is None or found.name != request.path_params["name"]:
        raise not_found("this file")
    # Saved and never opened in the place of the page: a report is a page with a style of its own.
    headers = {**NEVER, "Content-Disposition": f'attachment; filename="{found.name}"'}
    return Response(found.content, 200, headers, found.media_type)


def _values(raw: Raw, form: str, headers: Mapping[str, str]) -> Response:
    if form == "about":
        return Response(raw.about, 200, headers, "application/json")
    # Packed once and kept so: the browser unpacks it.
    packed = {**headers, "Content-Encoding": "gzip", ABOUT: raw.about}
    return Response(raw.packed, 200, packed, "application/octet-stream")


def _jpeg(content: bytes, headers: Mapping[str, str]) -> Response:
    return Response(content, 200, headers, "image/jpeg")
