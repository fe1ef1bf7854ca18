"""PNG chunks: a file without all that is not its pixels, such as sizes, times, texts and profiles."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_TRANSPARENCY = b"tRNS"
END = 64
"""Bytes in which the last chunk is; some writers leave a few behind it."""
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel by the kind of colour; PNG specification, 11.2.2 IHDR."""
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""Of interlaced images: first row and column, and the steps to the next ones; 8.2 Interlacing."""
_LENGTHS = {0: 2, 2: 6}
"""Bytes of tRNS by the kind of colour: of a grey level, and of RGB; PNG specification, 11.3.2.1."""


def pixels_alone(data: bytes) -> bytes | None:
    """Return a PNG file with those chunks alone that say what its pixels are; None if it is no PNG file."""
    if not data.startswith(_SIGNATURE) or len(data) < 26:
        return None
    colour = data[25]
    kept = (
        whole for kind, whole in _chunks(data) if kind in _PIXELS or _is_transparency(kind, whole, colour)
    )
    return _SIGNATURE + b"".join(kept)


def is_filled(data: bytes) -> bool:
    """Tell whether something else is in the place of pixels that were cut off a PNG file, such as zeros.

    They may well be unpacked to pixels; a checksum says that they are none.
    """
    return any(
        kind == b"IDAT" and zlib.crc32(whole[4:-4]) != int.from_bytes(whole[-4:], "big")
        for kind, whole in _chunks(data)
        if len(whole) == 12 + int.from_bytes(whole[:4], "big")
    )


def lacks_rows(data: bytes) -> bool:
    """Tell whether a PNG file holds fewer pixels than its header names: the rest would be black."""
    import imagecodecs

    n_bytes = _n_bytes(data)
    packed = b"".join(whole[8 : 8 + int.from_bytes(whole[:4], "big")]
                      for kind, whole in _chunks(data) if kind == b"IDAT")  # fmt: skip
    try:
        return len(imagecodecs.deflate_decode(packed, out=n_bytes)) < n_bytes
    except Exception:  # there are more, or who decodes it in earnest says what is wrong
        return False


def is_interlaced(data: bytes) -> bool:
    """Tell whether the rows of a PNG file come in passes."""
    return data[28:29] == b"\x01"


def _n_bytes(data: bytes) -> int:
    """Return how many bytes the pixels have, with the one before each row that names its filter."""
    cols, rows, depth, colour = struct.unpack_from(">IIBB", data, 16)
    passes = _PASSES if is_interlaced(data) else ((0, 0, 1, 1),)
    sizes = [(-(-(rows - top) // down), -(-(cols - left) // across)) for top, left, down, across in passes]
    bits = _SAMPLES.get(colour, 1) * depth
    return sum(n_rows * (1 + -(-n_cols * bits // 8)) for n_rows, n_cols in sizes if n_rows > 0 < n_cols)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind of each chunk, and all of it: length, kind, contents, checksum."""
    at = len(_SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at : at + 12 + length]
        at += 12 + length


def _is_transparency(kind: bytes, whole: bytes, colour: int) -> bool:
    """Tell whether a chunk says which level is transparent, and can be believed."""
    contents, checksum = whole[8:-4], whole[-4:]
    is_whole = zlib.crc32(kind + contents) == int.from_bytes(checksum, "big")
    return kind == _TRANSPARENCY and is_whole and len(contents) == _LENGTHS.get(colour, len(contents))
