"""The block store: what a ranker holds, in blocks of rows, and which id each row has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids
from .id_map import IdMap


class Block(Protocol):
    """Some rows of a ranker, never changed once they are made."""

    @property
    def n(self) -> int:
        """How many rows there are."""
        ...


Item = TypeVar("Item")
Rows = TypeVar("Rows", bound=Block)


class BlockStore(Generic[Item, Rows]):
    """Hold rows in blocks: those of saved segments first, then those in memory.

    What is added waits until somebody asks, so that many small additions make one block. Blocks in memory are
    merged until they at least halve in size, so that n single additions cost n log n.

    Parameters
    ----------
    build : makes a block of items, of one or more.
    merge : makes one block of two, the rows of the first before those of the second.
    at_once : items are made into blocks as soon as this many wait.
    most : maximum number of rows of a block; None: no limit.
    """

    def __init__(
        self,
        build: Callable[[Sequence[Item]], Rows],
        merge: Callable[[Sequence[Rows]], Rows],
        at_once: int,
        most: int | None = None,
    ) -> None:
        self._build, self._merge = build, merge
        self._at_once, self._most = at_once, most
        self._id_map = IdMap()
        self._blocks: list[Rows] = []
        self._n_saved = 0
        self._waiting: list[tuple[Ids, list[Item]]] = []

    def open(self, blocks: Sequence[tuple[Ids, Rows]]) -> None:
        """Take over the blocks of saved segments; these are never merged.

        Raise IndexFolderError if an id is negative or there twice.
        """
        for ids, block in blocks:
            self._id_map.open_block(ids)
            self._blocks.append(block)
        self._id_map.check_unique()
        self._n_saved = len(self._blocks)

    def add(self, ids: Ids, vectors: Sequence[Any] | NDArray[Any], prepare: Callable[[Any], Item]) -> None:
        """Add the items that ``prepare`` makes of vectors, under new ids; none if one of them is refused.

        Raise ValueError if an id is negative, there already or repeated, or ``prepare`` refuses a vector.
        """
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids for {len(vectors)} vectors; give one id each")
        # Ids are checked before vectors are prepared, and nothing is kept until both are right.
        new = self._id_map.check_new(ids, self._waiting_ids())
        if len(new):
            self._waiting.append((new, [prepare(vector) for vector in vectors]))
        if sum(len(batch) for batch, _ in self._waiting) >= self._at_once:
            self._settle()

    def remove(self, ids: Ids) -> None:
        """Forget ids; those that are not there are passed over."""
        self._settle()
        self._id_map.remove(ids)

    def find(self, id: int) -> tuple[Rows, int]:
        """Return the block and the row of an id. Raise KeyError if it is not there."""
        self._settle()
        number, row = self._id_map.find(id)
        return self._blocks[number], row

    def find_held(self, ids: Ids) -> Iterator[tuple[Rows, NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the blocks that hold some of different ids, the places of those in ``ids``, and their rows.

        Ids that are nowhere are passed over.
        """
        self._settle()
        for number, places, rows in self._id_map.find_held(ids):
            if len(rows):
                yield self._blocks[number], places, rows

    def find_all(self, ids: Ids) -> list[tuple[Rows, NDArray[np.int64], NDArray[np.int64]]]:
        """Return the same. Raise KeyError if one of the ids is not there."""
        found = list(self.find_held(ids))
        held = np.concatenate([np.empty(0, np.int64), *(places for _, places, _ in found)])
        if len(held) < len(ids):
            raise KeyError(int(np.delete(ids, held)[0]))
        return found

    def ids(self) -> Ids:
        """Return the ids that are there, int64 (n,), rising."""
        self._settle()
        return self._id_map.ids()

    def renumber(self, numbers: NDArray[np.int64]) -> None:
        """Give each id i the new id ``numbers[i]``; remove it if that is negative or i is beyond the end."""
        self._settle()
        self._id_map.renumber(numbers)

    def blocks(self) -> Iterator[tuple[Ids, Rows]]:
        """Yield the ids of each block's rows, int64 (n,), −1 for those removed, and the block."""
        self._settle()
        yield from zip(self._id_map.blocks, self._blocks, strict=True)

    def __len__(self) -> int:
        return len(self._id_map) + len(self._waiting_ids())

    def _waiting_ids(self) -> Ids:
        return np.concatenate([np.empty(0, np.int64), *(ids for ids, _ in self._waiting)])

    def _settle(self) -> None:
        """Turn what waits into blocks."""
        if not self._waiting:
            return
        ids, waiting = self._waiting_ids(), self._waiting
        self._waiting = []
        # Whole batches one after the other, cut at the limit: the rows are in the order of addition.
        items = [item for _, batch in waiting for item in batch]
        for first in range(0, len(ids), self._most or max(1, len(ids))):
            rows = slice(first, first + (self._most or len(ids)))
            self._blocks.append(self._build(items[rows]))
            self._id_map.blocks.append(ids[rows])
            self._merge_last()

    def _merge_last(self) -> None:
        """Merge blocks in memory from the last, as long as the one before has no more than twice its rows."""
        while len(self._blocks) - 2 >= self._n_saved:
            # Sizes then at least halve from block to block: log n blocks, and a row is merged log n times.
            before, last = (block.n for block in self._blocks[-2:])
            if before > 2 * last or (self._most is not None and before + last > self._most):
                return
            self._blocks[-2:] = [self._merge(self._blocks[-2:])]
            self._id_map.blocks[-2:] = [np.concatenate(self._id_map.blocks[-2:])]
