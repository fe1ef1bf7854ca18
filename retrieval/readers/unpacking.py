"""Unpacking: compressed files become seekable ones, and no larger than their pixels may be."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..errors import PictureError
from .source import Source

_IN_MEMORY = 1 << 26
_MOST_FRAMES_OF_PIXELS = 20
_DEFLATE_AT_BEST = 1032
"""How many times longer than itself deflated data can become at most."""
_GZIP = b"\x1f\x8b"
_ANY_HEADER = 32 + zlib.MAX_WBITS
"""zlib.h: 32 tells the header of gzip from that of zlib."""


@contextmanager
def opened(path: Path, source: Source) -> Iterator[IO[bytes]]:
    """Open a file for reading anywhere in it; unpack it first if it is gzipped, beyond 64 MB to disk."""
    with path.open("rb") as file:
        is_gzip = file.read(2) == _GZIP
        file.seek(0)
        if not is_gzip:
            yield file
            return
        with unpacked(Inflated(file), path.stat().st_size, source) as whole:
            yield whole


@contextmanager
def unpacked(packed: Any, size: int, source: Source, n_wanted: int | None = None) -> Iterator[IO[bytes]]:
    """Unpack a stream, and no more of it than a volume within the limits can hold.

    Parameters
    ----------
    packed : has ``read``; gives unpacked bytes.
    size : the number of packed bytes.
    n_wanted : how many unpacked bytes are of use, if that is known; what follows them is not unpacked.

    Raises
    ------
    PictureError : it holds more.
    """
    # No honest file is larger; a bomb is stopped long before it fills the disk.
    most = source.limits.max_pixels * _MOST_FRAMES_OF_PIXELS
    left = min(most, size * _DEFLATE_AT_BEST) if n_wanted is None else most
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as whole:
        while (n_wanted is None or whole.tell() < n_wanted) and (chunk := packed.read(1 << 20)):
            left -= len(chunk)
            if left < 0:
                raise PictureError("the compressed volume is too large; raise max_pixels, or unpack it first")
            whole.write(chunk)
        whole.seek(0)
        yield whole


class Inflated:
    """Deflated data of a file, with the header of gzip or zlib, to be read piece by piece.

    Members of gzip behind each other are one stream. What else follows is left alone, as gzip does itself.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._inflater = file, zlib.decompressobj(_ANY_HEADER)
        self._next = b""

    def read(self, n: int) -> bytes:
        """Return up to n bytes; none at the end, and where the file was cut off."""
        while not self._inflater.eof or self._begins_another():
            data = self._next or self._inflater.unconsumed_tail or self._file.read(1 << 16)
            # At most n bytes at once: a small file may hold very many zeros.
            piece, self._next = self._inflater.decompress(data, n), b""
            if piece or not data:
                return piece
        return b""

    def _begins_another(self) -> bool:
        rest = self._inflater.unused_data.lstrip(b"\0")
        if len(rest) < len(_GZIP):  # not in any case: of many small members it would never be used up
            rest = (rest + self._file.read(1 << 16)).lstrip(b"\0")
        if not rest.startswith(_GZIP):
            return False
        self._inflater, self._next = zlib.decompressobj(_ANY_HEADER), rest
        return True
