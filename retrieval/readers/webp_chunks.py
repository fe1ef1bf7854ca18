"""WebP chunks: whether pixels are lossy, and whether zeros are in the place of some of them; RFC 9649."""

from __future__ import annotations

import io
import struct

import numpy as np
from numpy.typing import NDArray

_MANY_ZEROS, _FEW_ZEROS = 256, 8
_FILLER = b"\x55" * 64


def lossy_pixels(data: bytes) -> tuple[int, int] | None:
    """Return where the pixels of a WebP file, or of its first frame, begin and end; None if not lossy."""
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind in (b"VP8 ", b"VP8L"):
            return (at + 8, min(at + 8 + length, len(data))) if kind == b"VP8 " else None
        # A frame of an animation has 16 bytes, and chunks of its own behind them.
        at += 24 if kind == b"ANMF" else 8 + length + length % 2
    return None


def is_filled(data: bytes) -> bool:
    """Tell whether zeros that stand in the place of what was cut off were taken for a part of the image.

    An image that ends in zeros takes all of them. These take less room than what they replace, so that of
    those that fill a gap the last ones are not taken.
    """
    start, end = lossy_pixels(data) or (0, 0)
    if end - start < _MANY_ZEROS or any(data[end - _MANY_ZEROS : end]):
        return False
    before = len(data[:end].rstrip(b"\0"))
    shown = _decoded(data)

    def is_changed(at: int) -> bool:
        try:
            changed = _decoded(data[:at] + _FILLER + data[at + len(_FILLER) :])
        except Exception:  # decoders fail in many ways
            return True
        return not np.array_equal(changed, shown)

    return is_changed(before + _FEW_ZEROS) and not is_changed(end - len(_FILLER))


def _decoded(data: bytes) -> NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data), formats=("WEBP",)).convert("RGB"))
