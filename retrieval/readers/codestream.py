"""The codestream: how large a compressed frame says that it is, read before anything is decoded."""

from __future__ import annotations

import struct

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}  # 0xF7: JPEG-LS


def codestream_size(data: bytes) -> tuple[int, int] | None:
    """Return (rows, cols) of a JPEG, JPEG-LS or JPEG 2000 codestream; None where it does not say."""
    start = data.find(b"\xff\x4f\xff\x51", 0, 4096)  # bare, or within the boxes of a JP2 file
    if start >= 0 and len(data) >= start + 24:
        right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
        return bottom - top, right - left
    return _jpeg_size(data) if data.startswith(b"\xff\xd8") else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the marker segments to the first start of frame; ITU-T T.81 B.1."""
    position = 2
    while position + 9 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker in _JPEG_FRAMES:
            rows, cols = struct.unpack_from(">HH", data, position + 5)
            return rows, cols
        length = struct.unpack_from(">H", data, position + 2)[0]
        position += 2 + max(length, 2)
    return None
