"""The checksums of the catalogue: one of each page of its file, and parity that mends a damaged page.

SQLite notices a page that makes no sense, but not a digit that became another one. So each commit of format 3
writes what its pages will be to one of two files, ``catalogue.sums-0`` and ``-1`` in turn, before SQLite
changes the catalogue: whichever commit a kill leaves, the checksums of that commit are on the disk.
"""

from __future__ import annotations

import os
import struct
import zlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from ...errors import lack
from ...rankers.checksum import crc32_for
from .connection import FILE
from .free_pages import free_pages
from .page_parity import add_parity, xor

NAMES = ("catalogue.sums-0", "catalogue.sums-1")
"""The files of commits with even and with odd numbers."""

_MAGIC = b"SEMBSUMS"
_LEAST = 16_000_000  # bytes that are always read: a commit may be about to make the catalogue longer
_HEAD = struct.Struct("<8sQIIII")  # magic, generation, bytes of a page, pages, pages of parity, sum of all
_SUM = struct.Struct("<I")
_NAMED = 8  # how many damaged pages are named
_STRIPE = 16
"""Pages for each page of parity: one of them can be mended, for 6 % of the size of the catalogue. A few more
share it before all parity is made anew (``changed_pages``)."""

# Bytes of the first page that SQLite writes after the checksums are made: the counter of changes, twice, and
# the version of SQLite (https://sqlite.org/fileformat2.html, 1.3). No answer depends on them.
_LATE = ((24, 28), (92, 100))


@dataclass(frozen=True)
class PageSums:
    """What the pages of the catalogue are at one commit.

    Parameters
    ----------
    generation : the number of the commit.
    page_size : bytes of a page; 0 while the file is being rewritten, when nothing is known of its pages.
    total : the CRC-32 of all pages.
    pages : the CRC-32 of each page.
    parity : page i is the exclusive or of the pages whose number is i modulo the pages of parity, so that
        neighbours, which are damaged together, are in different ones.
    """

    generation: int
    page_size: int = 0
    total: int = 0
    pages: array[int] = field(default_factory=lambda: array("I"))
    parity: bytes = b""

    @classmethod
    def of(cls, data: bytes, generation: int) -> PageSums:
        """Make the checksums of the bytes of a catalogue."""
        return cls.of_chunks((data,), len(data), generation)

    @classmethod
    def of_chunks(cls, chunks: Iterable[bytes], n_bytes: int, generation: int) -> PageSums:
        """Make the checksums of a catalogue of ``n_bytes``, one chunk of whole pages after the other."""
        size, at, total = 0, 0, 0
        sums, parity, crc32 = array("I"), bytearray(), crc32_for(n_bytes)
        for chunk in chunks:
            if not size:
                size = size_of_page(chunk)
                parity = bytearray(size * -(-(n_bytes // size) // _STRIPE))
                chunk = _without_late(chunk)
            pages = [page for _, page in _pages(chunk, size)]
            sums.extend(map(zlib.crc32, pages))
            total = crc32(memoryview(chunk), total)
            add_parity(parity, at, memoryview(chunk)[: len(pages) * size])
            at += len(chunk)
        return cls(generation, size, total, sums, bytes(parity))

    @property
    def is_open(self) -> bool:
        """Tell if the file is being rewritten by this commit, so that its pages are not known."""
        return not self.page_size

    def fits(self, chunks: Iterable[bytes]) -> bool:
        """Tell if the bytes of a catalogue, one chunk after the other, are those of this commit."""
        n_bytes, total, size = 0, 0, self.page_size * len(self.pages)
        crc32 = crc32_for(size)
        for chunk in chunks:
            # The first chunk has all that SQLite writes late: a file is read in large pieces, or as a whole.
            first = b"" if n_bytes else _without_late(memoryview(chunk)[: _LATE[-1][1]])
            total = crc32(memoryview(chunk)[len(first) :], crc32(first, total))
            n_bytes += len(chunk)
        return n_bytes == size and total == self.total

    def holds(self, data: bytes) -> bool:
        """Tell if the bytes of a catalogue are those of this commit, except in free pages."""
        return self._is_as_long(data) and not self.damaged(data)

    def trouble(self, data: bytes) -> str:
        """Say where the bytes of a catalogue are not those of this commit; nothing if only free pages are."""
        damaged = self.damaged(data)
        if not damaged and self._is_as_long(data):
            return ""
        pages = ", ".join(str(page + 1) for page in damaged[:_NAMED]) or "its end"
        return f"page {pages} of {len(self.pages):,}"

    def _is_as_long(self, data: bytes) -> bool:
        return len(data) == self.page_size * len(self.pages)

    def damaged(self, data: bytes) -> list[int]:
        """Return the numbers of the pages that are others, from 0; missing ones too, but not free ones."""
        others = self._others(data)
        free = free_pages(data, self.page_size)
        # The list of free pages is believed only where it is that of the commit.
        return others if free.listed.intersection(others) else [n for n in others if n not in free.leaves]

    def _others(self, data: bytes) -> list[int]:
        found = {n: without_late(n, page) for n, page in _pages(data, self.page_size)}
        return [n for n, wanted in enumerate(self.pages) if n not in found or zlib.crc32(found[n]) != wanted]

    def mended(self, data: bytes) -> bytes | None:
        """Return the bytes with damaged pages put right; None if two share a page of parity."""
        data = data[: self.page_size * len(self.pages)].ljust(self.page_size * len(self.pages), b"\0")
        pages = [bytes(without_late(n, page)) for n, page in _pages(data, self.page_size)]
        n_stripes = len(self.parity) // self.page_size
        blank = zlib.crc32(bytes(self.page_size))
        # Free pages are zeros when a commit ends (PRAGMA secure_delete): for those no parity is needed.
        other = self._others(data)
        for number in other:
            if self.pages[number] == blank:
                pages[number] = bytes(self.page_size)
        for number in (n for n in other if self.pages[n] != blank):
            stripe = number % n_stripes
            others = [page for n, page in enumerate(pages) if n % n_stripes == stripe and n != number]
            parity = self.parity[stripe * self.page_size : (stripe + 1) * self.page_size]
            pages[number] = xor([parity, *others])
        found = b"".join(pages)
        return found if self.holds(found) else None

    def to_bytes(self) -> bytes:
        """Return the contents of a file of checksums, which has checksums of its own."""
        n_stripes = len(self.parity) // self.page_size if self.page_size else 0
        head = (_MAGIC, self.generation, self.page_size, len(self.pages), n_stripes, self.total)
        body = _HEAD.pack(*head) + self.pages.tobytes()
        return b"".join((body, _sum(body), self.parity, _sum(self.parity)))


def parse(data: bytes, with_parity: bool = True) -> PageSums | None:
    """Return the checksums in a file; None if it is damaged. Parity is looked at only where it is wanted."""
    if len(data) < _HEAD.size or not data.startswith(_MAGIC):
        return None
    _, generation, page_size, n_pages, n_stripes, total = _HEAD.unpack_from(data)
    end = _HEAD.size + 4 * n_pages
    body, parity = data[:end], data[end + _SUM.size : -_SUM.size] if with_parity else b""
    if data[end : end + _SUM.size] != _sum(body):
        return None
    if with_parity and (len(parity) != n_stripes * page_size or data[-_SUM.size :] != _sum(parity)):
        return None
    return PageSums(generation, page_size, total, array("I", body[_HEAD.size :]), parity)


def path_of(folder: Path, generation: int) -> Path:
    """Return the file of the checksums of a commit: the commits before and after it have the other one."""
    return folder / NAMES[generation % 2]


def write_sums(folder: Path, sums: PageSums) -> None:
    """Write the checksums of a commit that is about to be made, and force them to the disk.

    They replace those of the commit before the last, which nobody needs any more.
    """
    with path_of(folder, sums.generation).open("wb") as file:
        file.write(sums.to_bytes())
        file.flush()
        os.fsync(file.fileno())


def read_sums(folder: Path, generation: int, with_parity: bool = False) -> PageSums | None:
    """Return the checksums of a commit; None if its file is missing, damaged, or of another commit."""
    path = path_of(folder, generation)
    try:
        # Checksums and parity are a twelfth of the catalogue; what is much longer is not read into memory.
        with path.open("rb") as file:
            longest = _LEAST + (folder / FILE).stat().st_size
            found = parse(file.read(longest if with_parity else _length(file, longest)), with_parity)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise lack(error, path) from error
    return found if found is not None and found.generation == generation else None


def _length(file: BinaryIO, longest: int) -> int:
    """Return how many bytes of an open file come before the parity, at most ``longest``."""
    head = file.read(_HEAD.size)
    file.seek(0)
    n_pages = _HEAD.unpack(head)[3] if len(head) == _HEAD.size else 0
    return min(longest, _HEAD.size + 4 * int(n_pages) + _SUM.size)


def size_of_page(data: bytes) -> int:
    """Return the size of a page in bytes, as the head of a catalogue says; 1 there means 65,536."""
    (size,) = struct.unpack_from(">H", data, 16)
    return 65_536 if size == 1 else int(size)


def _pages(data: bytes, page_size: int) -> list[tuple[int, memoryview]]:
    """Return the number and the bytes of each whole page."""
    view = memoryview(data)
    bounds = pairwise(range(0, len(data) + 1, page_size))
    return [(n, view[first:last]) for n, (first, last) in enumerate(bounds)]


def without_late(n: int, page: memoryview | bytes) -> memoryview:
    """Return page n, counted from 0, with zeros for what SQLite writes late."""
    return memoryview(page if n else _without_late(page))


def _without_late(page: memoryview | bytes) -> bytes:
    blank = bytearray(page)
    for first, last in _LATE:
        blank[first:last] = bytes(last - first)
    return bytes(blank)


def _sum(data: bytes) -> bytes:
    return _SUM.pack(zlib.crc32(data))
