"""Multipart responses, read as a stream: each part goes to a file of its own, and memory holds one chunk.

RFC 2046 section 5.1; DICOM PS3.18 section 8.6.1.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import NamedTuple

from retrieval.errors import ArchiveError
from retrieval.readers.archive import part_path

_CHUNK = 1 << 18
"""Bytes that are read at once."""
_HEAD = 1 << 10
"""The first bytes of a part that are handed on: they hold the file meta information of a DICOM file."""
_MOST_HEADER = 1 << 14
"""Bytes of the header of a part; what is longer is no part."""

Read = Callable[[int], bytes]
"""Return up to n bytes; none at the end."""


class Part(NamedTuple):
    """A body part of a multipart response: its file, and the first bytes of that."""

    path: Path
    head: bytes


class TruncatedError(ArchiveError):
    """A response ends before its last boundary."""


def boundary_of(content_type: str, shown: str) -> bytes:
    """Return the boundary of a multipart response by its content type. Raise ArchiveError if it is none."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_maintype() != "multipart" or not boundary:
        raise ArchiveError(
            f"{shown}: answers with {content_type.partition(';')[0] or 'nothing'}, not with DICOM files"
        )
    return boundary.encode()


def parts(read: Read, boundary: bytes, folder: Path, shown: str) -> Iterator[Part]:
    """Write each part into a file in a folder, and yield it when it is whole.

    Raises
    ------
    TruncatedError : the answer ends in the middle; the part that was being written is deleted.
    """
    stream = _Stream(read, shown)
    # The first boundary has no line before it; one is put there, so that all are alike.
    stream.buffer = b"\r\n"
    delimiter = b"\r\n--" + boundary
    stream.copy_until(delimiter, None)
    while stream.read(2) != b"--":
        stream.skip_header()
        path = part_path(folder)
        try:
            with path.open("wb") as file:
                head = stream.copy_until(delimiter, file.write)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        yield Part(path, head)


def only_part(read: Read, folder: Path) -> Iterator[Part]:
    """Write an answer that is one file and no multipart answer, as some servers give one image; yield it."""
    path, head = part_path(folder), b""
    try:
        with path.open("wb") as file:
            while chunk := read(_CHUNK):
                head += chunk[: _HEAD - len(head)]
                file.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    yield Part(path, head)


class _Stream:
    """A buffered stream that can be searched."""

    def __init__(self, read: Read, shown: str) -> None:
        self.buffer = b""
        self._source = read
        self._shown = shown

    def read(self, n: int) -> bytes:
        """Return the next n bytes."""
        while len(self.buffer) < n:
            self._fill()
        found, self.buffer = self.buffer[:n], self.buffer[n:]
        return found

    def skip_header(self) -> None:
        """Skip the header of a part, up to the empty line after it, and the rest of the boundary's line."""
        # Two bytes were read to see if it is the last boundary: they are the end of its line.
        self.buffer = b"\r\n" + self.buffer
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            if len(self.buffer) > _MOST_HEADER:
                raise ArchiveError(
                    f"{self._shown}: a part of its answer has no header; it is no multipart answer"
                )
            self._fill()
        self.buffer = self.buffer[end + 4 :]

    def copy_until(self, delimiter: bytes, write: Callable[[bytes], object] | None) -> bytes:
        """Write everything up to a delimiter, and skip that; return the first bytes of what was written."""
        head = b""
        while (at := self.buffer.find(delimiter)) < 0:
            # The end of the buffer may be the beginning of the delimiter.
            safe = max(0, len(self.buffer) - len(delimiter) + 1)
            head = head or self.buffer[: min(safe, _HEAD)]
            if write is not None:
                write(self.buffer[:safe])
            self.buffer = self.buffer[safe:]
            self._fill()
        if write is not None:
            write(self.buffer[:at])
        head = head or self.buffer[: min(at, _HEAD)]
        self.buffer = self.buffer[at + len(delimiter) :]
        return head

    def _fill(self) -> None:
        # One chunk more, and not the rest: a part may be larger than memory.
        chunk = self._source(_CHUNK)
        if not chunk:
            raise TruncatedError(
                f"{self._shown}: its answer ends in the middle; the same command goes on from here"
            )
        self.buffer += chunk
