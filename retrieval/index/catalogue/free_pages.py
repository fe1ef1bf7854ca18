"""The free pages of a catalogue: what is in them belongs to no commit.

SQLite lists them in trunk pages, each with the numbers of leaves (https://sqlite.org/fileformat2.html, 1.5).
Leaves hold nothing, so SQLite does not write them to its journal before it uses them: when a commit is taken
back, after a kill or an error, they keep what that commit had put there. Their checksums then fit no more,
although nothing that any reader reads has changed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

_HEAD = struct.Struct(">I")
_FIRST_TRUNK = 32  # bytes into the header of the file


class FreePages(NamedTuple):
    """The numbers, from 0, of the pages that hold the list (the header is one) and of those listed."""

    listed: frozenset[int]
    leaves: frozenset[int]


def free_pages(data: bytes, size: int) -> FreePages:
    """Read the list of free pages in the bytes of a catalogue with pages of ``size`` bytes.

    The list ends where it makes no sense.
    """
    return free_pages_of(lambda n: memoryview(data)[n * size : (n + 1) * size], len(data) // size, size)


def free_pages_of(page: Callable[[int], memoryview | bytes], n_pages: int, size: int) -> FreePages:
    """Read the list of free pages of a file of which ``page`` returns one, by its number from 0."""
    lists, leaves = {0}, set[int]()
    trunk = _number(page(0), _FIRST_TRUNK) if n_pages else 0
    while trunk and trunk - 1 not in lists and trunk <= n_pages:
        data = page(trunk - 1)
        count = min(_number(data, 4), size // 4 - 2)
        leaves.update(number - 1 for (number,) in _HEAD.iter_unpack(data[8 : 8 + 4 * count]))
        lists.add(trunk - 1)
        trunk = _number(data, 0)
    return FreePages(frozenset(lists), frozenset(leaves - lists))


def _number(data: memoryview | bytes, at: int) -> int:
    return int(_HEAD.unpack_from(data, at)[0])
