"""Whole slides on the page: which names are slides, and their squares as the page zooms into them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from retrieval.errors import PictureError
from retrieval.readers.slides.deep_zoom import n_levels
from retrieval.readers.slides.facts import SlideFacts
from retrieval.readers.tiling import box_of
from viewer.queries.query import ids_of
from viewer.thumbnail import encode_jpeg

from .opened import Opened
from .problem import not_found

_LOGGED_EVERY = 3600.0
"""Seconds after which a slide that is still looked at is logged again: its squares are thousands."""


@dataclass(frozen=True)
class OpenSlide:
    """A slide of an index: its name, one of its tiles, its file, and what is known of it."""

    name: str
    tile: str
    path: Path
    facts: SlideFacts

    @property
    def n_levels(self) -> int:
        """How many levels the page may zoom through."""
        return n_levels(self.facts.size)


def tile_of(opened: Opened, name: str) -> str | None:
    """Return the first tile of a slide of an index; None if that is no slide of it."""
    # The name of an image is none of a slide; most questions end here.
    if opened.index.tiling is None or name in opened.index:
        return None
    ids = ids_of(opened.index, name)
    return ids[0] if ids and box_of(opened.index.picture(ids[0]).metadata) is not None else None


def open_slide(opened: Opened, name: str) -> OpenSlide | None:
    """Return a slide of an index; None if that is no slide of it. Raise PictureError if its file is gone."""
    tile = tile_of(opened, name)
    if tile is None:
        return None
    path = _path(opened, tile)
    facts = opened.index.slide_facts(path)
    if facts is None:
        raise PictureError(f"{name}: its file is no slide any more; run `semblance index` again")
    return OpenSlide(name, tile, path, facts)


def square(opened: Opened, key: str, level: int, col: int, row: int) -> bytes:
    """Return a square of a slide, a JPEG.

    Parameters
    ----------
    key : that of any of its tiles, which becomes another when the file does.

    Raises
    ------
    RefusedError : no such slide. PictureError : no such square, or a damaged one.
    """
    tile = slide_of_key(opened, key)
    found = opened.index.slide_square(_path(opened, tile), level, col, row)
    if found is None:
        raise not_found("this slide")
    return encode_jpeg(Image.fromarray(found))


def slide_of_key(opened: Opened, key: str) -> str:
    """Return the tile that has a key. Raise RefusedError if none has."""
    name = opened.name_of(key)
    if name is None or box_of(opened.index.picture(name).metadata) is None:
        raise not_found("this slide")
    return name


class Seen:
    """Which slides were logged of late, so that each square of one need not be."""

    def __init__(self) -> None:
        self._when: dict[str, float] = {}

    def is_new(self, key: str) -> bool:
        """Tell if the slide of a key is to be logged now."""
        now = time.monotonic()
        is_new = now - self._when.get(key, -_LOGGED_EVERY) >= _LOGGED_EVERY
        if is_new:
            # Only what was seen of late is kept: a server runs for months.
            self._when = {k: t for k, t in self._when.items() if now - t < _LOGGED_EVERY}
            self._when[key] = now
        return is_new


def _path(opened: Opened, tile: str) -> Path:
    path = opened.index.path_of(tile)
    slide = tile.partition("#")[0]
    if path is None:
        raise PictureError(f"{slide}: its file is not there any more, or holds something else")
    if not path.is_file():
        # Of an archive only tiles are kept: a whole slide, of gigabytes, is not fetched for a square of it.
        raise PictureError(
            f"{slide}: the page zooms into slides that are files on the server's disk, and this one's is not "
            "there: it is in an archive, or was moved; browse images to see and ask with its tiles"
        )
    return path
