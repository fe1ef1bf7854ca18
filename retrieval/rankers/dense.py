"""The exact ranker: ranks dense vectors by reading all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..ranker import Ids, Ranking, order
from .batch_scan import scan_batch
from .block_store import BlockStore
from .byte_codes import code_views
from .cosines import dense_cosines
from .dense_block import DenseBlock, Part, Row, build, merged, open_segment, write_segment
from .joint_scan import offer_jointly
from .joint_selection import JointSelection
from .proven_scan import ProvenScan, can_scan
from .score_bounds import ScoreBounds, bounds_of
from .threshold_scan import reached_in
from .top_k import Selection

Metric = Literal["cosine", "dot"]

_LARGEST = 1e18
"""Maximum length of a vector: a dot product of two such cannot overflow float32."""


class ExactRanker:
    """Rank dense vectors by cosine or dot product with a query, exactly.

    The score of a vector depends on it and the query alone, to the last bit: not on its place. A vector
    of zeros scores 0. Saved segments (``ids`` int64 (n,), ``vectors`` float32 (n, dimension), ``lengths``
    float32 (n,), and byte codes of large ones) are memory-mapped. The codes rule out most rows; what is left
    is scored from its vector, and a bound proves that the answer is the same.

    Parameters
    ----------
    dimension : the length of the vectors, at least 1.
    metric : ``cosine``, in [−1, 1], or ``dot``.
    """

    def __init__(self, dimension: int, metric: Metric = "cosine") -> None:
        if dimension < 1:
            raise SettingError(f"dimension: {dimension} makes no vector; give at least 1")
        if metric not in ("cosine", "dot"):
            raise SettingError(f"metric: {metric!r} is unknown; use 'cosine' or 'dot'")
        self.dimension = dimension
        self.metric = metric
        # One vector is a block at once: there is nothing to sort, and small blocks are merged anyway.
        self._store: BlockStore[Row, DenseBlock] = BlockStore(build, merged, at_once=1)

    @classmethod
    def open(cls, folders: Iterable[Path], dimension: int, metric: Metric = "cosine") -> Self:
        """Open saved segments as one ranker. IndexFolderError if one is damaged or does not fit."""
        ranker = cls(dimension, metric)
        ranker._store.open([open_segment(Path(folder), dimension) for folder in folders])
        return ranker

    def add(self, ids: Ids, vectors: Sequence[NDArray[np.float32]] | NDArray[np.float32]) -> None:
        """Add vectors, (n, dimension) or n times (dimension,), under new ids; all of them or, refused, none.

        Raises ValueError if an id is negative, there already or repeated, or a vector has another
        dimension, values that are not finite, or a length above 1e18.
        """
        self._store.add(ids, vectors, self._checked)

    def remove(self, ids: Ids) -> None:
        """Forget ids; those that are not there are passed over."""
        self._store.remove(ids)

    def rank(self, query: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None = None) -> Ranking:
        """Rank the ids against a vector and return the best ``k``; all of them if k is above their number.

        A query (n, dimension) holds several views of one thing: the best of their scores counts. ``among`` is
        bool, by id: ids that it does not hold, or holds False, are not ranked. Raises ValueError if the query
        has another dimension or values that are not finite.
        """
        selection = Selection(min(k, len(self)), among)
        self._offer(list(self._store.blocks()), self._views(query), selection, k, among)
        return selection.ranking()

    def rank_many(
        self, queries: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None = None
    ) -> list[Ranking]:
        """Rank the ids against several vectors (m, dimension): what ``rank`` answers for each, in less time.

        Raises ValueError as ``rank`` does.
        """
        if self.metric != "cosine" or k < 1:
            return [self.rank(query, k, among) for query in queries]
        views = np.array([self._scaled(query) for query in queries]).reshape(-1, self.dimension)
        found = scan_batch(list(self._store.blocks()), views, k, among)
        return [
            self.rank(query, k, among) if ranking is None else ranking
            for query, ranking in zip(queries, found, strict=True)
        ]

    def _offer(
        self,
        parts: Sequence[Part],
        views: Sequence[NDArray[np.float32]],
        selection: Selection,
        k: int,
        among: NDArray[np.bool_] | None,
    ) -> None:
        """Offer the rows of some blocks that can be among the best k."""
        n = sum(block.n for _, block in parts if block.codes is not None)
        if self.metric != "cosine" or not can_scan(n, k, views):
            for ids, block in parts:
                selection.offer(ids, block.scores(views, self.metric == "cosine"))
            return
        scan = ProvenScan(views, code_views(views), k, among)
        for ids, block in parts:
            scan.scan(ids, block, selection)
        scan.finish(selection)

    def _views(self, query: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return the views of a query as they are scored, or raise ValueError."""
        return [self._scaled(view) for view in (query if query.ndim == 2 else query[None])]

    def _scaled(self, view: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a view of the query at unit length for the cosine, else as it is."""
        row, length = self._checked(view)
        return (
            (row.astype(np.float64) / length).astype(np.float32)
            if self.metric == "cosine" and length
            else row
        )

    def blocks(self) -> Iterator[Part]:
        """Yield the id of each row, −1 for those that are gone, and the vectors, block by block."""
        yield from self._store.blocks()

    def vector(self, id: int) -> NDArray[np.float32]:
        """Return the vector under an id, float32 (dimension,), as it was added. KeyError if none is.

        Raises IndexFolderError if it is damaged.
        """
        block, row = self._store.find(id)
        block.check.rows(row, row + 1)
        return np.array(block.vectors[row])

    def above(
        self, query: NDArray[np.float32], least: float, most: int, among: NDArray[np.bool_] | None = None
    ) -> Ranking | None:
        """Return all ids whose score is at least ``least``; None if these may be more than ``most``.

        Raises ValueError as ``rank`` does, IndexFolderError if a vector is damaged.
        """
        parts = list(self._store.blocks())
        found = reached_in(parts, self._views(query), self.metric == "cosine", least, most, among)
        return None if found is None else order(*found, len(found[0]))

    def bounds(self, query: NDArray[np.float32]) -> ScoreBounds:
        """Return what each id scores at most, under the cosine, and what scores some exactly.

        Raises ValueError as ``rank`` does, IndexFolderError if codes are damaged.
        """
        return bounds_of(list(self._store.blocks()), self._views(query))

    def offer_to(self, query: NDArray[np.float32], k: int, selection: JointSelection) -> None:
        """Offer what may be among the best k of a selection. Raises ValueError as ``rank`` does."""
        offer_jointly(list(self._store.blocks()), self._views(query), self.metric == "cosine", selection)

    def block_ids(self) -> list[Ids]:
        """Return the ids of the rows of each block, −1 for those that are gone."""
        return [ids for ids, _ in self._store.blocks()]

    def reached(
        self, query: NDArray[np.float32], least: float, among: NDArray[np.bool_] | None = None
    ) -> tuple[Ids, NDArray[np.float32]]:
        """Return ids and scores of all whose score is at least ``least``, in no order.

        Raises ValueError as ``rank`` does, IndexFolderError if a vector is damaged.
        """
        parts, n = list(self._store.blocks()), len(self)
        found = reached_in(parts, self._views(query), self.metric == "cosine", least, n, among)
        assert found is not None  # they are no more than all
        return found

    def scores(self, query: NDArray[np.float32], ids: Ids) -> NDArray[np.float32]:
        """Return the scores of some ids, float32 (m,), as ``rank`` gives them; 0 for those not there.

        Raises ValueError as ``rank`` does, IndexFolderError if a vector is damaged.
        """
        views, found = self._views(query), np.zeros(len(ids), np.float32)
        for block, places, rows in self._store.find_held(ids):
            found[places] = block.scores_of(rows, views, self.metric == "cosine")
        return found

    def cosines(self, ids: Ids) -> NDArray[np.float32]:
        """Return the cosines of the vectors under some ids, float32 (m, m). KeyError if one is not there.

        Raises IndexFolderError if one is damaged.
        """
        found = np.empty((len(ids), self.dimension), np.float32)
        for block, places, rows in self._store.find_all(ids):
            block.check.ranges(rows, rows + 1)
            found[places] = block.vectors[rows]
        return dense_cosines(found)

    def ids(self) -> Ids:
        """Return the ids that are there, int64 (n,), rising."""
        return self._store.ids()

    def renumber(self, numbers: NDArray[np.int64]) -> None:
        """Give each id i the new id ``numbers[i]``; remove it if that is negative or i beyond the end."""
        self._store.renumber(numbers)

    def save(self, folder: Path) -> None:
        """Write what is there as one segment, a few thousand vectors at a time."""
        write_segment(folder, list(self._store.blocks()), self.dimension)

    def __len__(self) -> int:
        return len(self._store)

    def _checked(self, vector: NDArray[np.float32]) -> Row:
        """Return a copy as float32 and its length, or raise ValueError."""
        row = np.array(vector, dtype=np.float32)
        if row.shape != (self.dimension,):
            raise ValueError(
                f"a vector of shape {row.shape} against an index of dimension {self.dimension}; "
                "use the representation that made the index"
            )
        wide = row.astype(np.float64)
        length = math.sqrt(wide.dot(wide))
        if not length <= _LARGEST:
            raise ValueError(f"a vector is not finite or longer than {_LARGEST:g}; encode it again")
        return row, length
