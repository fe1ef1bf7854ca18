"""Unpacking: compressed files become seekable ones, and no larger than their pixels may be."""

from __future__ import annotations

import gzip
import tempfile
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


@contextmanager
def opened(path: Path, source: Source) -> Iterator[IO[bytes]]:
    """Open a file for reading anywhere in it; unpack it first if it is gzipped, beyond 64 MB to disk."""
    with path.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not is_gzip:
            yield file
            return
        with gzip.open(file) as packed, unpacked(packed, path.stat().st_size, source) as whole:
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
