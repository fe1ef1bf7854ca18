"""The checksums after a commit, from those before it and the pages that it changes.

All else would be as it was: to read a catalogue of a million images, for each commit, would take longer than
the commit.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path

from .connection import FILE
from .crc_shift import shifted
from .free_pages import free_pages_of
from .journal import Journal, read_journal
from .page_sums import PageSums, without_late

_MOST_IN_A_STRIPE = 20
"""Pages for each page of parity until parity is made anew: it begins with 16."""

ReadPage = Callable[[int], memoryview | bytes]
"""Returns a page of the file as it is now, by its number from 0."""


def sums_after(folder: Path, before: PageSums, n_pages: int, read: ReadPage) -> PageSums | None:
    """Return the checksums of the file, whose changes are in the journal; None if all is to be read for them.

    Parameters
    ----------
    before : the checksums of the commit before, with parity.
    n_pages : pages of the file now.
    """
    n_stripes = len(before.parity) // before.page_size
    if not len(before.pages) <= n_pages <= _MOST_IN_A_STRIPE * n_stripes:
        return None
    journal = read_journal(folder / f"{FILE}-journal", before.page_size)
    if journal is None or journal.n_pages != len(before.pages):
        return None
    old = _old_pages(before, journal, read)
    return None if old is None else _exchanged(before, old, n_pages, read)


def _old_pages(before: PageSums, journal: Journal, read: ReadPage) -> Mapping[int, memoryview] | None:
    """Return what the changed pages were, by number; None if one was not what its checksum says."""
    size, n_pages = before.page_size, len(before.pages)
    old = {n: without_late(n, page) for n, page in journal.pages.items() if n < n_pages}
    free = free_pages_of(lambda n: old[n] if n in old else read(n), n_pages, size).leaves
    # SQLite does not keep what is in free pages: in use they may be anything now, and they were zeros.
    zeros = memoryview(bytes(size))
    used = [n for n in free - old.keys() if n < n_pages and zlib.crc32(read(n)) != before.pages[n]]
    old |= dict.fromkeys(used, zeros)
    return old if all(zlib.crc32(page) == before.pages[n] for n, page in old.items()) else None


def _exchanged(before: PageSums, old: Mapping[int, memoryview], n_pages: int, read: ReadPage) -> PageSums:
    size, n_before = before.page_size, len(before.pages)
    pages = before.pages + array("I", bytes(4 * (n_pages - n_before)))
    parity = bytearray(before.parity)
    change, last = 0, 0  # how the checksum of all pages changes, up to page `last`
    for n in sorted({*old, *range(n_before, n_pages)}):
        new = without_late(n, read(n))
        sum = zlib.crc32(new)
        change = shifted(change, (n - last) * size) ^ sum ^ pages[n]  # 0 where the page is new
        pages[n], last = sum, n
        stripe = n % (len(parity) // size) * size
        parts = (parity[stripe : stripe + size], new, old.get(n, b""))
        parity[stripe : stripe + size] = _xor(parts, size)
    change = shifted(change, (n_pages - 1 - last) * size)
    total = shifted(before.total, (n_pages - n_before) * size) ^ change
    return PageSums(before.generation + 1, size, total, pages, bytes(parity))


def _xor(parts: tuple[bytes | bytearray | memoryview, ...], size: int) -> bytes:
    total = 0
    for part in parts:
        total ^= int.from_bytes(part, "little")
    return total.to_bytes(size, "little")
