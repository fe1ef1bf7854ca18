"""The images that the page shows: of an index by key, or uploaded; as thumbnails, JPEG, or values."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from pathlib import Path

from retrieval.errors import NoThumbnailError, PictureError
from retrieval.picture import Picture
from retrieval.readers.guarded import read_guarded
from retrieval.readers.tiling import frames_of
from retrieval.readers.window import Window
from viewer.thumbnail import thumbnail

from .collection import Collection
from .opened import Opened
from .problem import not_found
from .shelf import Shelf
from .values import Values, values_of

LONGEST = 1024
"""Pixels of the longest side of an image as a JPEG."""
_QUICK = 1
"""The level of gzip: higher ones gain 5 % and take three times as long."""
_KEPT, _KEPT_BYTES = 2000, 256_000_000


@dataclass(frozen=True)
class Raw:
    """The values of an image, packed by gzip, and what the page must know of them (JSON, ASCII)."""

    packed: bytes
    about: str


class ImageSource:
    """Give the images of indexes; values that were asked for are kept for the next one who asks."""

    def __init__(self) -> None:
        self._inverted: dict[tuple[str, str], bool] = {}
        self._raw: Shelf[Raw] = Shelf(_KEPT, _KEPT_BYTES, lambda raw: len(raw.packed))

    def thumbnail(self, collection: Collection, key: str) -> bytes:
        """Return the thumbnail of an image, a JPEG. Raise RefusedError for an unknown key."""
        opened, name = _named(collection, key)
        try:
            return opened.index.thumbnail(name)
        except NoThumbnailError:
            # An index without thumbnails is looked at all the same, more slowly.
            return thumbnail(_read(opened, name))

    def jpeg(self, collection: Collection, key: str) -> bytes:
        """Return an image as the index shows it. Raise PictureError if its file cannot be read."""
        opened, name = _named(collection, key)
        return thumbnail(_read(opened, name), LONGEST)

    def raw(self, collection: Collection, key: str) -> Raw:
        """Return the values of an image. Raise PictureError if its file cannot be read."""
        # Of the key alone: it names one state of one image of one index.
        if (kept := self._raw.get(key)) is not None:
            return kept
        opened, name = _named(collection, key)
        frames = frames_of(name, opened.index.picture(name).source)
        # Of an archive it is fetched once, for the image and for its values.
        with opened.index.file_of(name) as path:

            def read(window: Window) -> Picture:
                return next(iter(read_guarded(path, name, window=window, frames=frames)))

            shown = _read(opened, name, path)
            # Slices of one series are shown in one way: a stack is scrolled faster with one reading less.
            series = (collection.id, shown.groups.get("series", key))
            values = values_of(shown, read, self._inverted.get(series))
        if not shown.is_colour:
            self._inverted[series] = values.is_inverted
        made = pack(values, shown)
        self._raw.keep(key, made)
        return made


def pack(values: Values, shown: Picture) -> Raw:
    """Return the values of an image that is shown, as the page gets them."""
    about = json.dumps(values.about(shown), ensure_ascii=True, allow_nan=False)
    return Raw(gzip.compress(values.stored.tobytes(), _QUICK, mtime=0), about)


def _named(collection: Collection, key: str) -> tuple[Opened, str]:
    opened = collection.now
    name = opened.name_of(key)
    if name is None:
        raise not_found("this image")
    return opened, name


def _read(opened: Opened, name: str, lent: Path | None = None) -> Picture:
    """Read an indexed image from its file; what an index knows of it is added."""
    picture, entry = opened.index.read(name, lent), opened.index.picture(name)
    # Another image may be in the place of the one that was indexed: the page must not draw boxes on it.
    if tuple(picture.shape) != tuple(entry.shape):
        raise PictureError(f"{name}: its file holds another image by now; run `semblance index` again")
    return replace(picture, metadata={**entry.metadata, **picture.metadata}, spacing=entry.spacing)
