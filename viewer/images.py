"""The images of an index as pages and sheets show them: read again if that gains detail, else thumbnails."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .thumbnail import ENLARGED, LONGEST, thumbnail

if TYPE_CHECKING:
    from retrieval.index import Index
    from retrieval.picture import Picture

MOST_BYTES = 8_000_000
"""Total size of the images that one page gets at full detail; a mail server takes such a page."""

MOST_SECONDS = 10.0
"""Time for reading again: a frame of a compressed volume may take a second, and a page shows fifty."""

_GAIN = 1.5
_GREY_LEVELS = 12.0


class Images:
    """Encoded images of an index by their names.

    An indexed image whose file is still there is read again and encoded with its longest side at most 512
    pixels. The thumbnail of the index is taken if the file is gone or holds another image by now, if it would
    gain less than half as many pixels again on a side, or if the page has grown large or has taken long.
    """

    def __init__(
        self, index: Index, most_bytes: int = MOST_BYTES, most_seconds: float = MOST_SECONDS
    ) -> None:
        self.index = index
        self._bytes_left, self._seconds_left = most_bytes, most_seconds
        self._known: dict[str, bytes] = {}

    def of(self, id: str) -> bytes:
        """Return an indexed image, encoded."""
        if id not in self._known:
            self._known[id] = self._read(id) or self._kept(id)
        # A page holds an image as often as it shows it, so that each use counts.
        self._bytes_left -= len(self._known[id])
        return self._known[id]

    def shape(self, id: str) -> tuple[int, int]:
        """Return the rows and columns of an indexed image."""
        return self.index.picture(id).shape

    def _kept(self, id: str) -> bytes:
        """Return the thumbnail of an image; nothing if the index keeps none."""
        from retrieval.errors import NoThumbnailError

        try:
            return self.index.thumbnail(id)
        except NoThumbnailError:
            return b""

    def _read(self, id: str) -> bytes:
        """Return an image from its file; nothing if it should not or cannot be read."""
        from retrieval.errors import PictureError

        shape = self.shape(id)
        kept = self._kept(id)
        # Without a thumbnail even a small image is read.
        if (kept and max(shape) < _GAIN * LONGEST) or self._bytes_left <= 0 or self._seconds_left <= 0:
            return b""
        started = time.monotonic()
        # Files move and disks are unplugged: a page must come out all the same.
        try:
            picture = self.index.read(id)
        except PictureError:
            return b""
        finally:
            self._seconds_left -= time.monotonic() - started
        # Both: another image of the same scanner has the same shape.
        is_same = tuple(picture.shape[:2]) == tuple(shape) and (not kept or _is_alike(picture, kept))
        return thumbnail(picture, ENLARGED) if is_same else b""


def _is_alike(picture: Picture, encoded: bytes) -> bool:
    """Tell whether an image looks like a thumbnail: what is shown must be what was ranked."""
    # Means of 16 × 16 blocks: JPEG noise and a shift of a pixel vanish, another slice or window does not.
    ours, theirs = (
        np.asarray(
            Image.open(io.BytesIO(one)).convert("L").resize((16, 16), Image.Resampling.BOX), dtype=float
        )
        for one in (thumbnail(picture), encoded)
    )
    return bool(np.abs(ours - theirs).mean() < _GREY_LEVELS)
