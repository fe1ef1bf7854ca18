"""Pages: what an HTML page holds, as tests ask for it, and encoded images to put on one."""

from __future__ import annotations

import base64
import io
import json
from html.parser import HTMLParser
from typing import Any

from PIL import Image

VOID = ("meta", "img", "input", "rect", "wbr")


class PageReader(HTMLParser):
    """Gather the tags, attributes and texts of a page, and check that tags are closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of a name."""
        return [attributes for name, attributes in self.tags if name == tag]

    def classed(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of a class."""
        return [a for _, a in self.tags if name in (a.get("class") or "").split()]

    @property
    def text(self) -> str:
        """Return all text but styles and scripts."""
        return "".join("".join(t) for tag, t in self.texts.items() if tag not in ("style", "script"))

    @property
    def data(self) -> dict[str, Any]:
        """Return the JSON that the first script element holds."""
        found: dict[str, Any] = json.loads(self.texts["script"][0])
        return found

    def images(self) -> list[Image.Image]:
        """Return the images of the page, all of which it must hold itself."""
        sources = [str(image["src"]) for image in self.named("img")]
        assert all(source.startswith("data:image/") for source in sources)
        return [Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) for source in sources]


def encoded(
    format: str = "JPEG", colour: tuple[int, int, int] = (255, 0, 0), size: tuple[int, int] = (8, 6)
) -> bytes:
    """Return an image of one colour, encoded; ``size`` is (width, height)."""
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, format)
    return stream.getvalue()
