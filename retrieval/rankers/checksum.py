"""The CRC-32 of bytes: by zlib, or of much, eight times as fast, by libdeflate, which imagecodecs brings."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from functools import cache
from typing import TypeAlias, cast

Crc32: TypeAlias = Callable[[bytes | memoryview, int], int]
"""Takes bytes, and the CRC-32 of those before them, 0 if there are none."""

MUCH = 16_000_000
"""Bytes by which it pays to load imagecodecs, which takes 4 ms."""


def crc32_for(n_bytes: int) -> Crc32:
    """Return what computes the CRC-32 of a number of bytes in the least time; the results are the same."""
    # Without numpy it would take far longer to load than zlib takes for any catalogue.
    pays = "imagecodecs" in sys.modules or (n_bytes >= MUCH and "numpy" in sys.modules)
    return _quick() if pays else zlib.crc32


@cache
def _quick() -> Crc32:
    try:
        import imagecodecs

        # Whether a codec was built in is only said when it is called.
        imagecodecs.deflate_crc32(b"")
    except Exception:
        return zlib.crc32
    return cast(Crc32, imagecodecs.deflate_crc32)
