"""Multipart answers, read as a stream: each part goes to a file of its own, and memory holds one piece.

RFC 2046 section 5.1; DICOM PS3.18 section 8.6.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from retrieval.errors import ArchiveError
from retrieval.readers.archive import part_path

_PIECE = 1 << 18
"""Bytes that are read at a time."""
_HEAD = 1 << 10
"""The first bytes of a part that are handed on: they hold the meta header of a DICOM file."""
_MOST_HEADER = 1 << 14
"""Bytes of the header of a part; what is longer is no part."""

Read = Callable[[int], bytes]
"""Return up to so many bytes, none at the end."""


class Part(NamedTuple):
    """A part of an answer: its file, and the first bytes of that."""

    path: Path
    head: bytes


class CutError(ArchiveError):
    """An answer ends before its end."""


def boundary_of(content_type: str, shown: str) -> bytes:
    """Return what parts a multipart answer. Raise ArchiveError if it is none."""
    match = re.search(r'boundary="?([^";,]+)"?', content_type)
    if not content_type.lower().startswith("multipart/") or match is None:
        raise ArchiveError(
            f"{shown}: answers with {content_type.partition(';')[0] or 'nothing'}, not with DICOM files"
        )
    return match[1].strip().encode()


def parts(read: Read, boundary: bytes, folder: Path, shown: str) -> Iterator[Part]:
    """Write each part into a file in a folder, and yield it when it is whole.

    Raises
    ------
    CutError : the answer ends in the middle; the part that was being written is deleted.
    """
    stream = _Stream(read, shown)
    # The first boundary has no line before it; one is put there, so that all are alike.
    stream.held = b"\r\n"
    mark = b"\r\n--" + boundary
    stream.copy_until(mark, None)
    while stream.take(2) != b"--":
        stream.skip_header()
        path = part_path(folder)
        try:
            with path.open("wb") as file:
                head = stream.copy_until(mark, file.write)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        yield Part(path, head)


class _Stream:
    """What was read and not used yet, and what reads more."""

    def __init__(self, read: Read, shown: str) -> None:
        self.held = b""
        self._read = read
        self._shown = shown

    def take(self, n: int) -> bytes:
        """Return the next n bytes."""
        while len(self.held) < n:
            self._more()
        taken, self.held = self.held[:n], self.held[n:]
        return taken

    def skip_header(self) -> None:
        """Pass over the header of a part, to the empty line after it; the rest of the boundary's line too."""
        # Two bytes were taken to see if it is the last boundary: they are the end of its line.
        self.held = b"\r\n" + self.held
        while (end := self.held.find(b"\r\n\r\n")) < 0:
            if len(self.held) > _MOST_HEADER:
                raise ArchiveError(
                    f"{self._shown}: a part of its answer has no header; it is no multipart answer"
                )
            self._more()
        self.held = self.held[end + 4 :]

    def copy_until(self, mark: bytes, write: Callable[[bytes], object] | None) -> bytes:
        """Hand on everything before a mark, and go behind it; return the first of it."""
        head = b""
        while (at := self.held.find(mark)) < 0:
            # The end of what is held may be the beginning of the mark.
            sure = max(0, len(self.held) - len(mark) + 1)
            head = head or self.held[: min(sure, _HEAD)]
            if write is not None:
                write(self.held[:sure])
            self.held = self.held[sure:]
            self._more()
        if write is not None:
            write(self.held[:at])
        head = head or self.held[: min(at, _HEAD)]
        self.held = self.held[at + len(mark) :]
        return head

    def _more(self) -> None:
        # One piece more, and not the rest: a part may be larger than memory.
        piece = self._read(_PIECE)
        if not piece:
            raise CutError(
                f"{self._shown}: its answer ends in the middle; the same command goes on from here"
            )
        self.held += piece
