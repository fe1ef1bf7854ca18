"""The inverted index: ranks sparse vectors by their dot product, reading only the words of the query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..errors import REPAIR, IndexFolderError, SettingError
from ..kernel import is_worth_loading
from ..ranker import Ids, Ranking
from ..representation import SparseVector
from .bag_scan import BagScan, Block, Reached, ScoreScan
from .block_store import BlockStore
from .cosines import bag_cosines
from .inverted_segment import open_segment, write_segment
from .joint_selection import JointSelection
from .packed.block import PackedPostings
from .packed.factors import Factors
from .packed.segment import is_packed, open_packed, write_packed
from .postings import BLOCK, Postings
from .postings_merge import merged
from .share_out import share_out, worth_threads
from .top_k import Selection

PACKED = 4096
"""Vectors of a segment that is packed."""

_ROW = 100_000
"""Simple operations in the time that the score of a row takes without numba."""

_LARGEST = 1e15
"""A dot product of values up to this size cannot overflow float32."""


class InvertedIndex:
    """Rank sparse vectors by dot product (the cosine, if they have unit length).

    The score of a vector is Σ_w query[w] · vector[w], summed in float32 in the order of the words: the
    same to the last bit however the vectors are spread over blocks and segments. Vectors are kept in blocks
    of at most 65,536; a posting takes at most 6 bytes, or about 2 in saved segments of 4,096 vectors or more
    whose ``factors`` are known, and again as many by which scores are the same. Saved segments are
    memory-mapped.

    Parameters
    ----------
    size : the length of the vectors (how many words there are), at least 1.
    factors : what the values are products of; None if they are not known.
    """

    def __init__(self, size: int, factors: Factors | None = None) -> None:
        if size < 1:
            raise SettingError(f"size: {size} words cannot be indexed; give at least 1")
        self.size, self._factors = size, factors
        # Sorting by word costs the same for one vector as for many: so they are gathered until somebody asks.
        self._store: BlockStore[SparseVector, Block] = BlockStore(
            partial(_build, size), _merged, at_once=BLOCK, most=BLOCK
        )

    @classmethod
    def open(cls, folders: Iterable[Path], size: int, factors: Factors | None = None) -> Self:
        """Open saved segments as one ranker. IndexFolderError if one is damaged or of another size."""
        index = cls(size, factors)
        blocks: list[tuple[Ids, Block]] = []
        for folder in map(Path, folders):
            blocks += open_packed(folder, size) if is_packed(folder) else open_segment(folder, size)
        index._store.open(blocks)
        return index

    def add(self, ids: Ids, vectors: Sequence[SparseVector]) -> None:
        """Add vectors under new ids; nothing is added if one of them is refused.

        Raises ValueError if an id is negative, there already or repeated, or a vector has another size, words
        out of order, or values that are not finite.
        """
        self._store.add(ids, vectors, self._copied)

    def remove(self, ids: Ids) -> None:
        """Forget ids; those that are not there are passed over."""
        self._store.remove(ids)

    def rank(self, query: SparseVector, k: int, among: NDArray[np.bool_] | None = None) -> Ranking:
        """Rank the ids against a vector and return the best ``k``; all of them if k is above their number.

        ``among`` is bool, by id: ids that it does not hold, or holds False, are not ranked. Raises ValueError
        if the query has another size.
        """
        selection = Selection(min(k, len(self)), among)
        self.offer_to(query, k, selection)
        return selection.ranking()

    def offer_to(self, query: SparseVector, k: int, selection: Selection | JointSelection) -> None:
        """Offer what may be among the best k of a selection. Raises ValueError as ``rank`` does."""
        query = self._copied(query)

        def start() -> Callable[[tuple[Ids, Block]], None]:
            scan = BagScan(query, k, selection)
            return lambda item: scan.offer(*item)

        blocks = list(self._store.blocks())
        share_out(blocks, start, worth_threads(sum(len(ids) for ids, _ in blocks)))

    def block_ids(self) -> list[Ids]:
        """Return the ids of the rows of each block, −1 for those that are gone."""
        return [ids for ids, _ in self._store.blocks()]

    def reached(
        self, query: SparseVector, least: float, among: NDArray[np.bool_] | None = None
    ) -> tuple[Ids, NDArray[np.float32]]:
        """Return ids and scores of all whose score is at least ``least``, in no order.

        Raises ValueError as ``rank`` does, IndexFolderError if postings are damaged.
        """
        query, found = self._copied(query), Reached(np.float32(least), among)

        def start() -> Callable[[tuple[Ids, Block]], None]:
            scan = ScoreScan(query, found)
            return lambda item: scan.offer(*item)

        blocks = list(self._store.blocks())
        share_out(blocks, start, worth_threads(sum(len(ids) for ids, _ in blocks)))
        return found.joined()

    def vector(self, id: int) -> SparseVector:
        """Return the vector under an id, as it was added.

        Raises KeyError if there is none, IndexFolderError if it is damaged.
        """
        block, row = self._store.find(id)
        words, values = block.vector(row)
        try:
            return self._copied(SparseVector(words, values, self.size))
        except ValueError as error:
            raise IndexFolderError(f"the vector of image {id} is damaged; {REPAIR}") from error

    def scores(self, query: SparseVector, ids: Ids) -> NDArray[np.float32]:
        """Return the scores of some ids, float32 (m,), as ``rank`` gives them; 0 for those not there."""
        query = self._copied(query)
        whole, found = query.dense(), np.zeros(len(ids), np.float32)
        sums = np.empty(BLOCK, dtype=np.float32)
        for block, places, rows in self._store.find_held(ids):
            if isinstance(block, PackedPostings) and is_worth_loading(_ROW * len(rows)):
                found[places] = block.score(whole, rows)
                continue
            sums[: block.n] = 0
            block.add_scores(query.indices, query.values, sums)
            found[places] = sums[rows]
        return found

    def cosines(self, ids: Ids) -> NDArray[np.float32]:
        """Return the cosines of the vectors under some ids, float32 (m, m).

        Raises KeyError if one is not there, IndexFolderError if one is damaged.
        """
        found = self._store.find_all(ids)
        if not found:
            return np.empty((0, 0), np.float32)
        parts = [_vectors(block, rows) for block, _, rows in found]
        lengths, words, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        if words.max(initial=0) >= self.size or not np.isfinite(values).all():
            raise IndexFolderError(f"vectors of this index are damaged; {REPAIR}")
        # They were gathered block by block.
        order = np.argsort(np.concatenate([places for _, places, _ in found]))
        return bag_cosines(lengths, words, values, self.size, order)

    def ids(self) -> Ids:
        """Return the ids that are there, int64 (n,), rising."""
        return self._store.ids()

    def renumber(self, numbers: NDArray[np.int64]) -> None:
        """Give each id i the new id ``numbers[i]``; remove it if that is negative or i beyond the end."""
        self._store.renumber(numbers)

    def save(self, folder: Path) -> None:
        """Write what is there as one segment, in blocks as full as can be; memory stays bounded by pieces."""
        blocks = list(self._store.blocks())
        ids = np.concatenate([np.empty(0, np.int64), *(ids for ids, _ in blocks)])
        ids, own, parts = ids[ids >= 0], [own for own, _ in blocks], [b for _, b in blocks]
        factors = self._factors if len(ids) >= PACKED else None
        if factors is None or not write_packed(folder, ids, parts, own, factors):
            write_segment(folder, ids, [_plain(block, self.size) for block in parts], own, self.size)

    def __len__(self) -> int:
        return len(self._store)

    def _copied(self, vector: SparseVector) -> SparseVector:
        """Return a copy in the right types. Raise ValueError if the vector makes no sense here."""
        if vector.size != self.size:
            raise ValueError(
                f"a vector over {vector.size} words against an index of {self.size}; "
                "use the representation that made the index"
            )
        indices = np.array(vector.indices, dtype=np.uint32)
        values = np.array(vector.values, dtype=np.float32)
        # "Not all at most" refuses NaN too.
        if indices.shape != values.shape or not (np.abs(values) <= _LARGEST).all():
            raise ValueError("a vector has words without a value, or no finite values; encode it again")
        if len(indices) and (indices[-1] >= self.size or (indices[1:] <= indices[:-1]).any()):
            raise ValueError(f"the words of a vector must rise and stay below {self.size}; encode it again")
        # A word of weight 0 adds nothing, and a column could not tell it from a word that is not there.
        return SparseVector(indices[values != 0], values[values != 0], self.size)


def _vectors(
    block: Block, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.float32]]:
    """Return the vectors of some rows laid end to end: lengths int64 (n,), words and values."""
    if isinstance(block, PackedPostings):
        bags = block.vectors(rows)
        return bags.lengths, bags.words, bags.values
    pairs = [block.vector(row) for row in rows.tolist()]
    lengths = np.array([len(words) for words, _ in pairs], dtype=np.int64)
    return lengths, np.concatenate([words for words, _ in pairs]), np.concatenate([v for _, v in pairs])


def _merged(blocks: Sequence[Block]) -> Postings:
    """Merge blocks in memory."""
    return merged([block for block in blocks if isinstance(block, Postings)])


def _plain(block: Block, size: int) -> Postings:
    """Return a block in full precision."""
    if isinstance(block, Postings):
        return block
    block.check_all()
    bags = block.bags(0, block.n)
    return Postings.build(bags.lengths, bags.words, bags.values, size)


def _build(size: int, vectors: Sequence[SparseVector]) -> Postings:
    """Make a block of some vectors."""
    lengths = np.array([len(vector.indices) for vector in vectors], dtype=np.int64)
    indices = np.concatenate([vector.indices for vector in vectors])
    values = np.concatenate([vector.values for vector in vectors])
    return Postings.build(lengths, indices, values, size)
