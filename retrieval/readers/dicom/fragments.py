"""DICOM fragments: which items of encapsulated pixels make up which frame; PS3.5 section A.4."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise
from typing import IO, NamedTuple

import numpy as np

from ...errors import PictureError

_ITEM = b"\xfe\xff\x00\xe0"
_END_OF_IMAGE = b"\xff\xd9"  # of JPEG, JPEG-LS and JPEG 2000
_PADDING = 10
"""Bytes at the end of a fragment in which its end marker is looked for."""


class Fragment(NamedTuple):
    """Where the value of an item begins in the file, and how many bytes it says that it has."""

    start: int
    length: int


def fragments_of_frames(
    file: IO[bytes], start: int, n_frames: int, extended: bytes | None = None
) -> list[list[Fragment]]:
    """Return the fragments of each frame, in order; fewer frames if the file holds fewer.

    A single frame has all of them. Of several, an offset table decides if it has one offset or more for each
    frame that the header names, and points at items alone. Many do not: zeros, one offset for all frames, or
    places counted from elsewhere. Then each fragment is a frame if there are no more of them than frames,
    else a frame ends with the end marker of its codestream.

    Parameters
    ----------
    start : where the item of the Basic Offset Table begins.
    extended : the Extended Offset Table.
    """
    table, fragments = _items(file, start)
    if n_frames == 1:
        return [fragments] if fragments else []
    for data, size in ((extended or b"", 8), (table, 4)):
        offsets = np.frombuffer(data[: len(data) // size * size], f"<u{size}").tolist()
        if found := _by_offsets(fragments, offsets, n_frames):
            return found
    if len(fragments) <= n_frames:
        return [[fragment] for fragment in fragments]
    return _by_end_markers(file, fragments)


def read_fragments(file: IO[bytes], fragments: Sequence[Fragment]) -> bytes:
    """Return the bytes of a frame. PictureError if the file ends before."""
    parts, end = [], file.seek(0, io.SEEK_END)
    for fragment in fragments:
        # Decoders of JPEG show what is missing as grey, and say nothing. A byte that pads may be lacking.
        if fragment.start + fragment.length > end + 1:
            raise PictureError("the file is truncated within a frame")
        file.seek(fragment.start)
        parts.append(file.read(fragment.length))
    return b"".join(parts)


def _items(file: IO[bytes], start: int) -> tuple[bytes, list[Fragment]]:
    """Return the Basic Offset Table, and the fragments behind it up to the first that is no item."""
    table, position = b"", start
    found: list[Fragment] = []
    end = file.seek(0, io.SEEK_END)
    while True:
        file.seek(position)
        header = file.read(8)
        if len(header) < 8 or header[:4] != _ITEM:
            return table, found
        length = int.from_bytes(header[4:], "little")
        if position == start:
            table = file.read(min(length, end))  # a damaged length may be that of no memory
        else:
            found.append(Fragment(position + 8, length))
        position += 8 + length


def _by_offsets(fragments: list[Fragment], offsets: list[int], n_frames: int) -> list[list[Fragment]]:
    """Return the fragments from each offset to the next; none if the table cannot be right."""
    if len(offsets) < n_frames or not fragments or offsets[0]:
        return []
    # PS3.5 A.4: offsets are those of items, from the first one behind the table.
    first = fragments[0].start
    at = {fragment.start - first: number for number, fragment in enumerate(fragments)}
    end = fragments[-1].start - first
    there = [offset for offset in offsets if offset <= end]  # a truncated file lacks the last ones
    if any(a >= b for a, b in pairwise(offsets)) or not all(offset in at for offset in there):
        return []
    bounds = [*(at[offset] for offset in there), len(fragments)]
    return [fragments[a:b] for a, b in pairwise(bounds)]


def _by_end_markers(file: IO[bytes], fragments: list[Fragment]) -> list[list[Fragment]]:
    found: list[list[Fragment]] = [[]]
    for fragment in fragments:
        found[-1].append(fragment)
        file.seek(fragment.start + max(0, fragment.length - _PADDING))
        if _END_OF_IMAGE in file.read(min(fragment.length, _PADDING)):
            found.append([])
    return [frame for frame in found if frame]
