"""The map of ids: which id is in which row of which block of a ranker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import REPAIR, IndexFolderError
from ..kernel import is_worth_loading, kernel
from ..ranker import Ids

GONE = -1

_DENSE = 16
"""Ids below this many times their number count as close together."""


_SEARCHED = 16
"""Rows of a block for each id that is looked for, from which on a binary search takes less than a scan."""

_FEW = 10_000
"""Simple operations in the time of some calls of numpy."""


class IdMap:
    """Hold the ids of the rows of several blocks, int64 (n,) each; a row that was removed has the id −1."""

    def __init__(self) -> None:
        self.blocks: list[Ids] = []
        self._rising: dict[int, tuple[Ids, bool]] = {}

    def check_new(self, ids: Ids, others: Ids) -> Ids:
        """Return ids as int64 (n,); raise ValueError if one is negative, twice, here, or in ``others``."""
        new = np.array(ids, dtype=np.int64).reshape(-1)
        if len(new) and new.min() < 0:
            raise ValueError(f"ids: {new.min()} is negative; ids are whole numbers from 0")
        unique, counts = np.unique(new, return_counts=True)
        known = np.union1d(self.ids(), others) if len(self) or len(others) else unique[:0]
        twice = np.union1d(unique[counts > 1], np.intersect1d(unique, known, assume_unique=True))
        if len(twice):
            raise ValueError(f"ids: {twice[0]} is there already; remove it first, or give another id")
        return new

    def open_block(self, ids: NDArray[np.integer]) -> None:
        """Take over the ids of a saved block. Raise IndexFolderError if one is negative."""
        block = np.array(ids, dtype=np.int64)
        if len(block) and block.min() < 0:
            raise IndexFolderError(f"a segment holds a negative id; {REPAIR}")
        self.blocks.append(block)

    def check_unique(self) -> None:
        """Raise IndexFolderError if an id is there twice."""
        if _has_twice(self.blocks):
            raise IndexFolderError(f"two segments hold the same id; {REPAIR}")

    def remove(self, ids: Ids) -> None:
        """Forget ids; those that are not there are passed over."""
        # Rows stay where they are, without an id: blocks may be files, which are never changed.
        gone = np.asarray(ids, dtype=np.int64)
        self.blocks = [np.where(np.isin(block, gone), GONE, block) for block in self.blocks]

    def renumber(self, numbers: NDArray[np.int64]) -> None:
        """Give id i the id ``numbers[i]``; remove it if that is negative or i is beyond the end.

        Raises ValueError, and changes nothing, if two ids would get the same number.
        """
        # A last entry for every id beyond the end, which index −1, of rows that are gone already, reads too.
        known = np.append(np.asarray(numbers, dtype=np.int64), GONE)
        np.maximum(known, GONE, out=known)
        renumbered = [
            known[block if block.max(initial=GONE) < len(known) else np.minimum(block, len(known) - 1)]
            for block in self.blocks
        ]
        if _has_twice(renumbered):
            raise ValueError("numbers: two ids get the same number; give each its own")
        self.blocks = renumbered

    def find(self, id: int) -> tuple[int, int]:
        """Return (block, row) of an id. Raise KeyError if it is not there."""
        if id >= 0:
            # A scan: single ids are asked for rarely, and a table of all would have to follow every change.
            for number, block in enumerate(self.blocks):
                rows = np.flatnonzero(block == id)
                if len(rows):
                    return number, int(rows[0])
        raise KeyError(id)

    def find_held(self, ids: Ids) -> list[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
        """Return where those of some different ids are that are there.

        The number of each block, places in ``ids``, and the rows there.
        """
        wanted = None
        places = np.argsort(ids)
        rising = ids[places]
        found = []
        for number, block in enumerate(self.blocks):
            if _SEARCHED * len(ids) < len(block) and self._is_rising(number):
                # Nearly all blocks lack none between their first and last.
                is_whole = block[-1] - block[0] == len(block) - 1
                rows = rising - block[0] if is_whole else np.searchsorted(block, rising)
                is_there = (rows >= 0) & (rows < len(block))
                is_there[is_there] = block[rows[is_there]] == rising[is_there]
                found.append((number, places[is_there], rows[is_there]))
                continue
            if wanted is None:
                wanted = places_of(np.append(ids, ids.max(initial=-1) + 1))
                wanted[-1] = GONE  # read by the ids −1, and by those beyond the end
            if is_worth_loading(_FEW + len(block)):
                rows = _wanted_rows(block, wanted)
            else:
                rows = np.flatnonzero(wanted[np.minimum(block, len(wanted) - 1)] >= 0)
            found.append((number, wanted[block[rows]], rows))
        return found

    def _is_rising(self, number: int) -> bool:
        """Tell whether the ids of a block rise, as in most; only the first time it is looked at whole."""
        block = self.blocks[number]
        if number not in self._rising or self._rising[number][0] is not block:
            is_rising = bool(len(block) and block[0] >= 0 and (block[1:] > block[:-1]).all())
            self._rising[number] = block, is_rising
        return self._rising[number][1]

    def ids(self) -> Ids:
        """Return the ids that are there, rising."""
        ids = np.sort(np.concatenate([*self.blocks, np.empty(0, np.int64)]))
        return ids[np.searchsorted(ids, 0) :]

    def __len__(self) -> int:
        return sum(int(np.count_nonzero(block >= 0)) for block in self.blocks)


@kernel()
def _wanted_rows(block: Ids, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of a block whose ids have a place from 0."""
    rows, n = np.empty(len(block), np.int64), 0
    last = len(wanted) - 1
    for row in range(len(block)):
        rows[n] = row  # stays if the count goes on: no branch to be guessed
        n += wanted[min(block[row], last)] >= 0
    return rows[:n].copy()


def _has_twice(blocks: Sequence[Ids]) -> bool:
    """Tell if an id from 0 is there twice."""
    ids = blocks[0] if len(blocks) == 1 else np.concatenate([*blocks, np.empty(0, np.int64)])
    if (ids[1:] > ids[:-1]).all():  # as images were indexed, or named
        return False
    ids = ids[ids >= 0]
    # Marks of a byte for each possible id take a tenth of the time of sorting, unless ids are far apart.
    if ids.max(initial=0) < _DENSE * len(ids):
        marks = np.zeros(int(ids.max(initial=0)) + 1, dtype=bool)
        marks[ids] = True
        return int(np.count_nonzero(marks)) < len(ids)
    ids.sort()
    return bool((ids[1:] == ids[:-1]).any())


def places_of(ids: Ids) -> NDArray[np.int64]:
    """Return the place of each id in a list (n,) of different ones, int64 by id; −1 for those it lacks."""
    places = np.full(int(ids.max(initial=-1)) + 1, -1, dtype=np.int64)
    places[ids] = np.arange(len(ids))
    return places
