"""The inverted index: ranks sparse vectors by their dot product, reading only the words of the query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..errors import IndexFolderError, SettingError
from ..ranker import Ids, Ranking
from ..representation import SparseVector
from .id_map import IdMap
from .inverted_segment import open_segment, write_segment
from .postings import BLOCK, Postings
from .postings_merge import merged
from .top_k import Selection

_LARGEST = 1e15
"""A dot product of values up to this size cannot overflow float32."""


class InvertedIndex:
    """Rank sparse vectors by dot product (the cosine, where they have unit length).

    The score of a vector is Σ_w query[w] · vector[w], summed in float32 in the order of the words: the
    same to the last bit however the vectors are spread over blocks and segments. Vectors are kept in blocks
    of at most 65,536; a posting takes at most 6 bytes. Saved segments are memory-mapped.

    Parameters
    ----------
    size : the length of the vectors (how many words there are), at least 1.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise SettingError(f"size: {size} words cannot be indexed; give at least 1")
        self.size = size
        self._roster = IdMap()
        self._blocks: list[Postings] = []
        self._n_mapped = 0
        self._pending: list[tuple[Ids, list[SparseVector]]] = []

    @classmethod
    def open(cls, folders: Iterable[Path], size: int) -> Self:
        """Open saved segments as one ranker. IndexFolderError where one is damaged or of another size."""
        index = cls(size)
        for folder in folders:
            for ids, block in open_segment(Path(folder), size):
                index._roster.open_block(ids)
                index._blocks.append(block)
        index._roster.check_unique()
        index._n_mapped = len(index._blocks)
        return index

    def add(self, ids: Ids, vectors: Sequence[SparseVector]) -> None:
        """Add vectors under new ids; nothing is added where one of them is refused.

        Raises ValueError where an id is negative, there already or repeated, or a vector has another size,
        words out of order, or values that are not finite.
        """
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids for {len(vectors)} vectors; give one id each")
        pending = np.concatenate([np.empty(0, np.int64), *(batch[0] for batch in self._pending)])
        new = self._roster.check_new(ids, pending)
        if len(new):
            self._pending.append((new, [self._copied(vector) for vector in vectors]))
        if len(new) + len(pending) >= BLOCK:
            self._settle()

    def remove(self, ids: Ids) -> None:
        """Forget ids; those that are not there are passed over."""
        self._settle()
        self._roster.remove(ids)

    def rank(self, query: SparseVector, k: int, among: NDArray[np.bool_] | None = None) -> Ranking:
        """Rank the ids against a vector and return the best ``k``; all of them where k is above their number.

        ``among`` is bool, by id: ids that it does not hold, or holds False, are not ranked. Raises ValueError
        where the query has another size.
        """
        query = self._copied(query)
        self._settle()
        selection = Selection(min(k, len(self)), among)
        scores = np.empty(BLOCK, dtype=np.float32)
        for ids, block in zip(self._roster.blocks, self._blocks, strict=True):
            scores[: len(ids)] = 0
            block.add_scores(query.indices, query.values, scores)
            selection.offer(ids, scores)
        return selection.ranking()

    def vector(self, id: int) -> SparseVector:
        """Return the vector under an id, as it was added.

        Raises KeyError where there is none, IndexFolderError where it is damaged.
        """
        self._settle()
        block, row = self._roster.find(id)
        words, values = self._blocks[block].vector(row)
        try:
            return self._copied(SparseVector(words, values, self.size))
        except ValueError as error:
            raise IndexFolderError(
                f"the vector of picture {id} is damaged; restore the index, or index again"
            ) from error

    def ids(self) -> Ids:
        """Return the ids that are there, int64 (n,), rising."""
        self._settle()
        return self._roster.ids()

    def renumber(self, numbers: NDArray[np.int64]) -> None:
        """Give each id i the new id ``numbers[i]``; remove it where that is negative or i beyond the end."""
        self._settle()
        self._roster.renumber(numbers)

    def save(self, folder: Path) -> None:
        """Write what is there as one segment, in blocks as full as can be; memory stays bounded by pieces."""
        self._settle()
        ids = np.concatenate([np.empty(0, np.int64), *self._roster.blocks])
        write_segment(folder, ids[ids >= 0], self._blocks, self._roster.blocks, self.size)

    def __len__(self) -> int:
        return len(self._roster) + sum(len(ids) for ids, _ in self._pending)

    def _copied(self, vector: SparseVector) -> SparseVector:
        """Return a copy in the right types. Raise ValueError where the vector makes no sense here."""
        if vector.size != self.size:
            raise ValueError(
                f"a vector over {vector.size} words against an index of {self.size}; "
                "use the representation that made the index"
            )
        indices = np.array(vector.indices, dtype=np.uint32)
        values = np.array(vector.values, dtype=np.float32)
        if indices.shape != values.shape or not (np.abs(values) <= _LARGEST).all():
            raise ValueError("a vector has words without a value, or no finite values; encode it again")
        if len(indices) and (indices[-1] >= self.size or (indices[1:] <= indices[:-1]).any()):
            raise ValueError(f"the words of a vector must rise and stay below {self.size}; encode it again")
        return SparseVector(indices[values != 0], values[values != 0], self.size)

    def _settle(self) -> None:
        """Turn what was added since into blocks; small blocks in memory are merged, larger ones left."""
        pending, self._pending = self._pending, []
        ids = np.concatenate([np.empty(0, np.int64), *(batch[0] for batch in pending)])
        vectors = [vector for batch in pending for vector in batch[1]]
        for first in range(0, len(ids), BLOCK):
            self._append_block(ids[first : first + BLOCK], vectors[first : first + BLOCK])

    def _append_block(self, ids: Ids, vectors: Sequence[SparseVector]) -> None:
        lengths = np.array([len(vector.indices) for vector in vectors], dtype=np.int64)
        indices = np.concatenate([vector.indices for vector in vectors])
        values = np.concatenate([vector.values for vector in vectors])
        self._blocks.append(Postings.build(lengths, indices, values, self.size))
        self._roster.blocks.append(ids)
        # Blocks in memory at least halve in size, so that n single additions cost n log n.
        while len(self._blocks) - 2 >= self._n_mapped:
            before, last = (block.n for block in self._blocks[-2:])
            if before > 2 * last or before + last > BLOCK:
                return
            self._blocks[-2:] = [merged(self._blocks[-2:])]
            self._roster.blocks[-2:] = [np.concatenate(self._roster.blocks[-2:])]
