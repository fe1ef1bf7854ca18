"""The page and its files."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ..desk import Desk
from .endpoint import NEVER

FOLDER = Path(__file__).parents[2] / "static"
_START = FOLDER / "page" / "index.html"


class Static(StaticFiles):
    """The files of the page. A browser asks each time whether they have changed, which costs nothing."""

    def __init__(self) -> None:
        # Links are not followed: what is given lies in this folder itself.
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


async def start(desk: Desk, request: Request) -> Response:
    """Return the page."""
    return FileResponse(_START, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})


async def state(desk: Desk, request: Request) -> Response:
    """Say what is served and what is still loading, quickly: a page asks it to see whether we are there."""
    # Nothing here waits for a thread: a page that asks every second costs nothing.
    indexes = [
        {
            "id": one.id,
            "images": len(one.now.index),
            "commit": one.now.commit,
            "loading": one.now.waiting,
        }
        for one in desk.collections
    ]
    return JSONResponse({"indexes": indexes}, 200, NEVER)
