"""Files that a user drops on the page: read at once, kept in memory, never written into an index."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PictureError
from retrieval.index import Index
from retrieval.picture import Picture
from retrieval.readers.guarded import read_guarded
from retrieval.readers.window import Window

from .images import Raw, pack
from .problem import Kind, RefusedError, not_found
from .shelf import Shelf
from .values import values_of

MOST_BYTES = 128_000_000
"""Of one file that is brought."""
MOST_FRAMES = 64
"""Of one file that are read: the first ones."""
MOST_UNPACKED = 256_000_000
"""Bytes of pixels of one file, after which no further frame is read."""
_MOST_MASK = 100_000_000
_KEPT, _KEPT_BYTES = 8, 1_000_000_000


@dataclass(frozen=True, eq=False)
class Upload:
    """A file that was brought: its name, its bytes, and its frames as the index shows them.

    ``is_whole`` tells whether all of its frames are there: of very many, the first ones are.
    """

    name: str
    content: bytes
    pictures: tuple[Picture, ...]
    is_whole: bool = True
    kept: dict[int, Raw] = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        """The memory that it takes."""
        return len(self.content) + sum(picture.pixels.nbytes for picture in self.pictures)

    @property
    def note(self) -> str:
        """What was left out, in a line; empty if nothing was."""
        return "" if self.is_whole else f"{self.name}: only its first {len(self.pictures)} images are read"

    def frame(self, number: int) -> Picture:
        """Return one of its images. Raise RefusedError if there is none of that number."""
        if not 0 <= number < len(self.pictures):
            raise not_found(f"frame {number}")
        return self.pictures[number]

    def raw(self, number: int) -> Raw:
        """Return the values of one of its images. Raise RefusedError if there is none of that number."""
        if number not in self.kept:
            picture = self.frame(number)
            with _on_disk(self.name, self.content) as path:
                self.kept[number] = _raw(path, picture)
        return self.kept[number]


class Uploads:
    """The files and the masks that were brought, the last eight of each."""

    def __init__(self) -> None:
        self._files: Shelf[Upload] = Shelf(_KEPT, _KEPT_BYTES, lambda one: one.n_bytes)
        self._masks: Shelf[NDArray[np.bool_]] = Shelf(_KEPT, _KEPT_BYTES, lambda mask: mask.nbytes)

    def add(self, index: Index, name: str, content: bytes) -> tuple[str, Upload]:
        """Read a file as an index reads its own, and keep it. Raise PictureError if it is no image."""
        # Read before it is kept: what is no image is refused at once.
        upload = _read(index, _base_name(name), content)
        return self._files.put(upload), upload

    def add_mask(self, content: bytes) -> tuple[str, NDArray[np.bool_]]:
        """Read a mask, PNG, black where nothing is marked, and keep it. RefusedError if it is none."""
        mask = _read_mask(content)
        return self._masks.put(mask), mask

    def file(self, id: str) -> Upload:
        """Return a file that was brought. Raise RefusedError if it is not there any more."""
        found = self._files.get(id)
        if found is None:
            gone = f"the server has this file no more (it keeps the last {_KEPT}); drop it here again"
            raise RefusedError(Kind.NOT_FOUND, gone, "upload")
        return found

    def mask(self, id: str) -> NDArray[np.bool_]:
        """Return a mask that was brought, bool (rows, cols). RefusedError if it is not there any more."""
        found = self._masks.get(id)
        if found is None:
            raise RefusedError(Kind.BAD_REGION, "the mask is not there any more; draw it again", "mask")
        return found

    def drop(self, id: str) -> bool:
        """Let go of a file; tell whether it was there."""
        return self._files.drop(id)


def _base_name(name: str) -> str:
    """Return the last part of a name, which a browser may give with folders, fit to be shown."""
    base = PurePath(name.replace("\\", "/")).name
    return "".join(c for c in base if c.isprintable() and c != "#")[:120] or "upload"


@contextmanager
def _on_disk(name: str, content: bytes) -> Iterator[Path]:
    """Write a file for the time of a context: readers want one. Errors call it as the user does."""
    with tempfile.TemporaryDirectory(prefix="semblance-") as folder:
        # The suffix tells some formats apart; the rest of the name stays outside the disk.
        path = Path(folder) / f"upload{PurePath(name).suffix[:12]}"
        path.write_bytes(content)
        try:
            yield path
        except PictureError as error:
            raise type(error)(str(error).replace(path.name, name)) from error


def _read(index: Index, name: str, content: bytes) -> Upload:
    with _on_disk(name, content) as path:
        pictures, is_whole = _some(index.read_query(path))
        named = tuple(replace(one, id=name + one.id.removeprefix(path.name)) for one in pictures)
    if not named:
        raise PictureError(f"{name}: holds no image")
    return Upload(name, content, named, is_whole)


def _some(pictures: Iterable[Picture]) -> tuple[list[Picture], bool]:
    """Return the first images, until they are many or large, and whether these are all.

    A small file may unpack into very many.
    """
    found: list[Picture] = []
    n_bytes = 0
    for picture in pictures:
        if len(found) == MOST_FRAMES or n_bytes > MOST_UNPACKED:
            return found, False
        found.append(picture)
        n_bytes += picture.pixels.nbytes
    return found, True


def _raw(path: Path, picture: Picture) -> Raw:
    # Damaged frames are left out, so that the number of a frame is that in its name.
    _, mark, number = picture.id.rpartition("#")
    frames = [int(number)] if mark else None

    def read(window: Window) -> Picture:
        return next(iter(read_guarded(path, picture.id, window=window, frames=frames)))

    return pack(values_of(picture, read), picture)


def _read_mask(content: bytes) -> NDArray[np.bool_]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            if image.width * image.height > _MOST_MASK:
                raise RefusedError(Kind.LIMIT, "the mask is too large", "mask")
            # What is transparent is not marked: a canvas is transparent where nobody drew.
            red, green, blue, alpha = np.moveaxis(np.asarray(image.convert("RGBA")), 2, 0)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise RefusedError(Kind.BAD_REGION, "the mask is no PNG image", "mask") from error
    return np.asarray((alpha > 0) & ((red > 0) | (green > 0) | (blue > 0)))
