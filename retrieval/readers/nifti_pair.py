"""Pairs: NIfTI and Analyze volumes in two files, the header in .hdr and the pixels in .img."""

from __future__ import annotations

import struct
from pathlib import Path

_HEADERS, _PIXELS = (".hdr", ".hdr.gz"), (".img", ".img.gz")


def is_pair_header(head: bytes) -> bool:
    """Return whether bytes begin a header of NIfTI-1 ("ni1"), NIfTI-2 ("ni2") or Analyze 7.5.

    Analyze has no magic: 348 in the first four bytes, extents of 16384, and "r" at byte 38.
    """
    if len(head) < 348:
        return False
    sizes = struct.unpack_from("<i", head)[0], struct.unpack_from(">i", head)[0]
    if 540 in sizes:
        return head[4:8] == b"ni2\0"
    return 348 in sizes and (head[344:348] == b"ni1\0" or head[38:39] == b"r")


def header_beside(path: Path) -> Path | None:
    """Return the header of a file of pixels; None if it has none beside it."""
    found = _beside(path, _PIXELS, _HEADERS)
    return found if found is not None and _begins_header(found) else None


def pixels_beside(path: Path) -> Path | None:
    """Return the file of pixels beside a header; None if there is none."""
    return _beside(path, _HEADERS, _PIXELS)


def _beside(path: Path, own: tuple[str, ...], others: tuple[str, ...]) -> Path | None:
    suffix = next((ending for ending in own if path.name.lower().endswith(ending)), None)
    if suffix is None:
        return None
    stem = path.name[: -len(suffix)]
    names = [stem + other for ending in others for other in (ending, ending.upper())]
    return next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)


def _begins_header(path: Path) -> bool:
    import gzip
    import zlib

    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            return is_pair_header(file.read(540))
    except (OSError, EOFError, zlib.error):
        return False
