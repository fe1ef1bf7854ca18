"""SQLite's rollback journal: what the pages were that a commit changes.

Its format is that of https://sqlite.org/fileformat2.html, 3. Not in it are pages that the commit adds to the
file, and free pages that it uses.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_MAGIC = bytes.fromhex("d9d505f920a163d7")
_HEAD = struct.Struct(">8sIIIII")  # magic, records, nonce, pages of the file, bytes of a sector and of a page
_NUMBER = struct.Struct(">I")
_TO_THE_END = 0xFFFFFFFF


@dataclass(frozen=True)
class Journal:
    """How many pages the file had before a commit, and what those were that it changes, by number from 0."""

    n_pages: int
    pages: Mapping[int, memoryview]


def read_journal(path: Path, size: int) -> Journal | None:
    """Read the journal of a commit that is about to be made, of pages of ``size`` bytes.

    None if there is none, or if it is not as SQLite 3 writes it.
    """
    try:
        data = memoryview(path.read_bytes())
    except FileNotFoundError:
        return None
    pages: dict[int, memoryview] = {}
    n_pages, at, step = -1, 0, _NUMBER.size + size + _NUMBER.size
    # After each time that pages were written ahead of the commit there is another head, at a whole sector.
    while len(data) >= at + _HEAD.size and data[at : at + 8] == _MAGIC:
        _, n, nonce, n_pages, sector, page_size = _HEAD.unpack_from(data, at)
        first = at + sector
        n = (len(data) - first) // step if n == _TO_THE_END else n
        at = first + n * step
        if page_size != size or at > len(data):
            return None
        for record in range(first, at, step):
            page = data[record + _NUMBER.size : record + _NUMBER.size + size]
            if _sum(page, nonce) != _NUMBER.unpack_from(data, record + _NUMBER.size + size)[0]:
                return None
            pages.setdefault(_NUMBER.unpack_from(data, record)[0] - 1, page)
        at += -at % sector
    return None if n_pages < 0 else Journal(n_pages, pages)


def _sum(page: memoryview, nonce: int) -> int:
    """Return the checksum of a record: every 200th byte, from the end, and the nonce."""
    return (nonce + sum(page[at] for at in range(len(page) - 200, 0, -200))) & 0xFFFFFFFF
