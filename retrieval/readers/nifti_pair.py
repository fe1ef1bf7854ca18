"""Pairs: NIfTI and Analyze volumes in two files, the header in .hdr and the pixels in .img."""

from __future__ import annotations

import struct
from pathlib import Path

_HEADERS, _PIXELS = (".hdr", ".hdr.gz"), (".img", ".img.gz")


def is_pair_header(head: bytes) -> bool:
    """Return whether bytes begin a header of NIfTI-1 ("ni1"), NIfTI-2 ("ni2") or Analyze 7.5.

    Analyze has no magic: 348 in the first four bytes, then at byte 40 a number of axes, 1 to 7, and their
    lengths, all in one byte order; those behind the third may be 0.
    """
    if len(head) < 348:
        return False
    for order in "<>":
        size = struct.unpack_from(f"{order}i", head)[0]
        if size == 540 and head[4:8] == b"ni2\0":
            return True
        n_axes, *lengths = struct.unpack_from(f"{order}8h", head, 40)
        is_array = 1 <= n_axes <= 7 and min(lengths[: min(n_axes, 3)]) > 0 and min(lengths[:n_axes]) >= 0
        if size == 348 and (head[344:348] == b"ni1\0" or (is_array and head[344:348] != b"n+1\0")):
            return True
    return False


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
    # Names keep their own case; suffixes may be in either.
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
