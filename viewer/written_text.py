"""The texts of a file: what a page, a table, an image or a DICOM header says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from .provenance import MADE_ON

_MOST = 1 << 28
"""Bytes of a text file that are read, 256 MiB."""
_EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+")


def file_texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the texts of a file as (part of it, text): its own name first. Raises OSError."""
    yield "name of the file", path.name
    from retrieval.readers import recognise

    kind = recognise(path)
    if kind == "dicom":
        yield from _header_texts(path)
    elif kind is None:
        text = path.read_bytes()[:_MOST].decode("utf-8", "replace")
        is_page = path.suffix.lower() in (".html", ".htm", ".svg", ".xml")
        yield from _page_texts(text) if is_page else (("text", line) for line in text.splitlines())
    else:
        yield from _image_texts(path)


def _page_texts(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a page shows, holds in attributes, and keeps as data for its script."""
    page = _Page()
    # Images are megabytes of letters and digits, in which anything can be seen.
    page.feed(_EMBEDDED.sub("data:", text))
    yield from page.found


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._is_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # A script of data holds names; one of code, and a style, hold none.
        self._is_code = tag == "style" or (tag == "script" and ("type", "application/json") not in attrs)
        own = ((name, value) for name, value in attrs if value and name not in ("style", "class", "d"))
        self.found += [(f"{tag} {name}", value) for name, value in own]

    def handle_endtag(self, tag: str) -> None:
        self._is_code = False

    def handle_data(self, data: str) -> None:
        # When a page of ours was made is of nobody.
        if not self._is_code and data.strip() and self.found[-1:] != [("text", MADE_ON)]:
            self.found.append(("text", data))

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", data))


def _image_texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the texts beside the pixels of an image: comments, EXIF and text chunks."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            about: dict[str, object] = {str(key): value for key, value in image.info.items()}
            about |= {f"EXIF {key}": value for key, value in image.getexif().items()}
    except Exception:  # a volume, or what Pillow does not read: its pixels are no text
        return
    for name, value in about.items():
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        if isinstance(text, str):
            yield name, text


def _header_texts(path: Path) -> Iterator[tuple[str, str]]:
    from pydicom import dcmread

    try:
        dataset = dcmread(path, force=True, stop_before_pixels=True)
        for element in dataset.iterall():
            if element.VR not in ("SQ", "OB", "OW", "UN"):
                yield element.name, str(element.value)
    except Exception:  # damaged headers fail in many ways, and what was read of them counts
        return
