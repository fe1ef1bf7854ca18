"""The exact ranker: ranks dense vectors by reading all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import REPAIR, IndexFolderError, SettingError
from ..kernel import kernel
from ..ranker import Ids, Ranking
from .array_files import ArrayWriter, load_arrays, save_arrays
from .block_store import BlockStore
from .block_sums import NO_CHECK, RowCheck
from .top_k import Selection

Metric = Literal["cosine", "dot"]

_LARGEST = 1e18
"""Maximum length of a vector: a dot product of two such cannot overflow float32."""

_PIECE = 8192
"""Vectors that are copied at a time when a segment is written."""


@dataclass(frozen=True, eq=False)
class _Block:
    """Vectors float32 (n, dimension), their lengths float32 (n,), and what checks the vectors of a file."""

    vectors: NDArray[np.float32]
    lengths: NDArray[np.float32]
    check: RowCheck = NO_CHECK

    @property
    def n(self) -> int:
        return len(self.lengths)


_Row = tuple[NDArray[np.float32], float]
"""A vector float32 (dimension,) and its length."""


class ExactRanker:
    """Rank dense vectors by cosine or dot product with a query, exactly.

    The score of a vector depends on it and the query alone, to the last bit: not on its place. A vector
    of zeros scores 0. Saved segments (``ids`` int64 (n,), ``vectors`` float32 (n, dimension), ``lengths``
    float32 (n,)) are memory-mapped.

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
        self._store: BlockStore[_Row, _Block] = BlockStore(_build, _merged, at_once=1)

    @classmethod
    def open(cls, folders: Iterable[Path], dimension: int, metric: Metric = "cosine") -> Self:
        """Open saved segments as one ranker. IndexFolderError if one is damaged or does not fit."""
        ranker = cls(dimension, metric)
        ranker._store.open([_open_segment(Path(folder), dimension) for folder in folders])
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
        views = [self._scaled(view) for view in (query if query.ndim == 2 else query[None])]
        is_cosine = self.metric == "cosine"
        selection = Selection(min(k, len(self)), among)
        for ids, block in self._store.blocks():
            block.check.all()
            scores = [_scores(block.vectors, block.lengths, view, is_cosine) for view in views]
            selection.offer(ids, scores[0] if len(scores) == 1 else np.max(scores, axis=0))
        return selection.ranking()

    def _scaled(self, view: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a view of the query at unit length for the cosine, else as it is."""
        row, length = self._checked(view)
        return (
            (row.astype(np.float64) / length).astype(np.float32)
            if self.metric == "cosine" and length
            else row
        )

    def vector(self, id: int) -> NDArray[np.float32]:
        """Return the vector under an id, float32 (dimension,), as it was added. KeyError if none is.

        Raises IndexFolderError if it is damaged.
        """
        block, row = self._store.find(id)
        block.check.rows(row, row + 1)
        return np.array(block.vectors[row])

    def ids(self) -> Ids:
        """Return the ids that are there, int64 (n,), rising."""
        return self._store.ids()

    def renumber(self, numbers: NDArray[np.int64]) -> None:
        """Give each id i the new id ``numbers[i]``; remove it if that is negative or i beyond the end."""
        self._store.renumber(numbers)

    def save(self, folder: Path) -> None:
        """Write what is there as one segment, a few thousand vectors at a time."""
        folder.mkdir(parents=True, exist_ok=True)
        parts = [(np.flatnonzero(ids >= 0), ids, block) for ids, block in self._store.blocks()]
        for _, _, block in parts:  # else damage would be written anew, with checksums that fit it
            block.check.all()
        with ArrayWriter(folder, "vectors", np.float32, (len(self), self.dimension)) as file:
            for rows, _, block in parts:
                for first in range(0, len(rows), _PIECE):
                    file.write(block.vectors[rows[first : first + _PIECE]])
        ids = np.concatenate([np.empty(0, np.int64), *(ids[rows] for rows, ids, _ in parts)])
        lengths = np.concatenate(
            [np.empty(0, np.float32), *(block.lengths[rows] for rows, _, block in parts)]
        )
        save_arrays(folder, {"ids": ids, "lengths": lengths})

    def __len__(self) -> int:
        return len(self._store)

    def _checked(self, vector: NDArray[np.float32]) -> _Row:
        """Return a copy as float32 and its length, or raise ValueError."""
        row = np.array(vector, dtype=np.float32)
        if row.shape != (self.dimension,):
            raise ValueError(
                f"a vector of shape {row.shape} against an index of dimension {self.dimension}; "
                "use the representation that made the index"
            )
        length = float(np.linalg.norm(row.astype(np.float64)))
        if not length <= _LARGEST:
            raise ValueError(f"a vector is not finite or longer than {_LARGEST:g}; encode it again")
        return row, length


def _build(rows: Sequence[_Row]) -> _Block:
    return _frozen(np.stack([row for row, _ in rows]), [length for _, length in rows])


def _merged(blocks: Sequence[_Block]) -> _Block:
    vectors = np.concatenate([block.vectors for block in blocks])
    return _frozen(vectors, np.concatenate([block.lengths for block in blocks]))


def _frozen(vectors: NDArray[np.float32], lengths: Sequence[float] | NDArray[np.float32]) -> _Block:
    block = _Block(vectors, np.asarray(lengths, dtype=np.float32))
    for array in (block.vectors, block.lengths):
        array.flags.writeable = False  # as if mapped: so the kernel is compiled once
    return block


def _open_segment(folder: Path, dimension: int) -> tuple[Ids, _Block]:
    arrays = load_arrays(folder, unchecked=("vectors",))
    if {name: array.dtype for name, array in arrays.items()} != {
        "ids": np.int64,
        "lengths": np.float32,
        "vectors": np.float32,
    }:
        raise IndexFolderError(f"{folder}: no segment of dense vectors; {REPAIR}")
    ids, lengths, vectors = arrays["ids"], arrays["lengths"], arrays["vectors"]
    if vectors.shape != (len(ids), dimension) or lengths.shape != ids.shape:
        raise IndexFolderError(
            f"{folder}: vectors {vectors.shape} do not fit {len(ids)} ids, dimension {dimension}; index again"
        )
    return ids, _Block(vectors, lengths, arrays.checks["vectors"])


@kernel(fastmath={"reassoc", "contract", "nsz"})
def _dot(a: NDArray[np.float32], b: NDArray[np.float32]) -> np.float32:
    """Sum in the order that suits the processor's vectors; it is the same for every row."""
    # These three flags let the compiler add several partial sums side by side and fuse the products into
    # them. A matrix product by BLAS may sum in another order for another number of rows, so that a score
    # would depend on what else is in the block.
    total = np.float32(0)
    for i in range(len(b)):
        total += a[i] * b[i]
    return total


@kernel()
def _scores(
    vectors: NDArray[np.float32], lengths: NDArray[np.float32], query: NDArray[np.float32], is_cosine: bool
) -> NDArray[np.float32]:
    """Return the score of each row of ``vectors`` (n, d) against a query (d,), float32 (n,)."""
    # The query has unit length already under the cosine; a row's length divides its score, since the row
    # itself is kept as it was added.
    scores = np.zeros(len(vectors), dtype=np.float32)
    for row in range(len(vectors)):
        score = _dot(vectors[row], query)
        if not is_cosine:
            scores[row] = score
        elif lengths[row] > 0:
            scores[row] = score / lengths[row]
    return scores
