"""The page and its files."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from ..desk import Desk
from .endpoint import NEVER

FOLDER = Path(__file__).parents[2] / "static"
_START = FOLDER / "page" / "index.html"


_COMMENT = re.compile(r"/\*\*(?:[^*]|\*(?!/))*\*/ ?|^[ \t]*//.*|  // [^'\"`\n]*$", re.MULTILINE)
_BLANK = re.compile(r"^\s+", re.MULTILINE)
_TEXT = r"""'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`"""
_SIGNS = r"[!=,;:{}()?<>&|\[\]]+"
_AROUND = re.compile(rf" ?({_TEXT})|\s*({_SIGNS})(?:(?<=[,;(\[{{])\s*|[ \t]*)| ?([-+*/%]) (?![-+])")
"""Texts, which stay as they are, and signs: blanks around them say nothing, nor lines but after the last."""
_NEEDLESS = re.compile(rf"({_TEXT})|(?<![\w$\])])\((\w+)\)(?==>)|;(?=}})")
"""Texts, and signs that say nothing: around one argument of an arrow, and the last semicolon of a block."""
_DAY = "max-age=86400"


class Static(StaticFiles):
    """The files of the page. A browser asks each time whether they have changed, which costs nothing.

    Scripts go without their comments, types and blanks: a third of what is written, and nothing that runs.
    """

    def __init__(self) -> None:
        # Links are not followed: what is given is in this folder itself.
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file."""
        response = await super().get_response(path, scope)
        # The browser looks at the icon again after each question, whose address is a new one.
        response.headers["Cache-Control"] = _DAY if path.endswith("icon.svg") else "no-cache"
        return response

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Return a file as it is, or a script without what does not run."""
        found = super().file_response(full_path, stat_result, scope, status_code)
        if not str(full_path).endswith(".js") or isinstance(found, NotModifiedResponse):
            return found
        kept = {name: found.headers[name] for name in ("etag", "last-modified")}
        script = _script(Path(full_path), stat_result.st_mtime_ns)
        return Response(script, status_code, kept, "text/javascript; charset=utf-8")


@lru_cache(maxsize=64)
def _script(path: Path, mtime_ns: int) -> str:
    return bare(path.read_text(encoding="utf-8"))


def bare(script: str) -> str:
    """Return one of our scripts without comments, and without blanks, lines and signs that say nothing.

    For our own alone, whose texts hold nothing that looks like a comment, and none of several lines in which
    blanks matter, and in which no block ends in an empty statement; a test compares the words of both.
    """
    return _NEEDLESS.sub(_kept, _AROUND.sub(_kept, _BLANK.sub("", _COMMENT.sub("", script))))


def _kept(found: re.Match[str]) -> str:
    return next(filter(None, found.groups()), "")


async def start(desk: Desk, request: Request) -> Response:
    """Return the page."""
    return FileResponse(_START, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})


async def state(desk: Desk, request: Request) -> Response:
    """Say what is served and what is still loading, quickly: a page asks it to see whether we are there."""
    # Nothing here waits for a thread: a page that asks every second costs nothing.
    indexes = [
        {
            "id": one.id,
            "images": len(now.index),
            "commit": now.commit,
            "loading": now.waiting,
        }
        for one, now in [(one, one.now) for one in desk.collections]
    ]
    return JSONResponse({"indexes": indexes}, 200, NEVER)
