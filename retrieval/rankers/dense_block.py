"""Blocks of dense vectors: in memory or mapped from a segment, with their lengths and their byte codes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import REPAIR, IndexFolderError
from ..ranker import Ids
from .array_files import ArrayWriter, let_go, load_arrays, save_arrays
from .block_sums import NO_CHECK, RowCheck
from .byte_codes import ByteCodes, CodeWriter, open_codes
from .row_scores import scores_of_all, scores_of_some
from .share_out import share_out_rows

CODED = 1024
"""Segments of as many vectors have codes; a smaller one is read as quickly without."""

_PIECE = 512
"""Vectors that are copied at a time when a segment is written: 512 kB of 256 numbers."""

Row = tuple[NDArray[np.float32], float]
"""A vector float32 (dimension,) and its length."""


@dataclass(frozen=True, eq=False)
class DenseBlock:
    """Vectors float32 (n, dimension) and their lengths float32 (n,), never changed.

    ``check`` checks the vectors of a file; ``codes`` are None for vectors in memory, and for few.
    """

    vectors: NDArray[np.float32]
    lengths: NDArray[np.float32]
    check: RowCheck = NO_CHECK
    codes: ByteCodes | None = None

    @property
    def n(self) -> int:
        """How many vectors there are."""
        return len(self.lengths)

    def scores(self, views: Sequence[NDArray[np.float32]], is_cosine: bool) -> NDArray[np.float32]:
        """Return the score of each row, float32 (n,): the best of the views. IndexFolderError if damaged."""
        self.check.all()
        found = [self._scores(view, is_cosine) for view in views]
        return found[0] if len(found) == 1 else np.asarray(np.max(found, axis=0), np.float32)

    def _scores(self, view: NDArray[np.float32], is_cosine: bool) -> NDArray[np.float32]:
        scores = np.empty(self.n, np.float32)

        def score(rows: slice) -> None:
            scores[rows] = scores_of_all(self.vectors[rows], self.lengths[rows], view, is_cosine)

        share_out_rows(self.n, score)
        return scores

    def scores_of(
        self, rows: NDArray[np.int64], views: Sequence[NDArray[np.float32]], is_cosine: bool
    ) -> NDArray[np.float32]:
        """Return the scores of some rows, the same to the last bit. IndexFolderError if they are damaged."""
        self.check.some(rows)
        found = [scores_of_some(self.vectors, self.lengths, rows, view, is_cosine) for view in views]
        return found[0] if len(found) == 1 else np.asarray(np.max(found, axis=0), np.float32)


Part = tuple[Ids, DenseBlock]
"""The id of each row of a block, −1 for those that are gone, and the block."""


def build(rows: Sequence[Row]) -> DenseBlock:
    """Make a block of vectors with their lengths."""
    return _frozen(np.stack([row for row, _ in rows]), [length for _, length in rows])


def merged(blocks: Sequence[DenseBlock]) -> DenseBlock:
    """Return blocks as one, in memory."""
    vectors = np.concatenate([block.vectors for block in blocks])
    return _frozen(vectors, np.concatenate([block.lengths for block in blocks]))


def write_segment(folder: Path, parts: Sequence[Part], dimension: int) -> None:
    """Write the rows that have an id as one segment, a few thousand vectors at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = [(np.flatnonzero(ids >= 0), ids, block) for ids, block in parts]
    n = sum(len(rows) for rows, _, _ in kept)
    with ExitStack() as stack:
        file = stack.enter_context(ArrayWriter(folder, "vectors", np.float32, (n, dimension)))
        codes = stack.enter_context(CodeWriter(folder, n, dimension)) if n >= CODED else None
        for rows, _, block in kept:
            block.check.all()  # else damage would be written anew, with checksums that fit it
            for first in range(0, len(rows), _PIECE):
                piece = block.vectors[rows[first : first + _PIECE]]
                file.write(piece)
                if codes is not None:
                    codes.write(piece)
            let_go(block.vectors)  # all of them together may be more than memory
    ids = np.concatenate([np.empty(0, np.int64), *(ids[rows] for rows, ids, _ in kept)])
    lengths = np.concatenate([np.empty(0, np.float32), *(block.lengths[rows] for rows, _, block in kept)])
    save_arrays(folder, {"ids": ids, "lengths": lengths})


def open_segment(folder: Path, dimension: int) -> Part:
    """Open a saved segment. IndexFolderError if it is damaged or of another dimension."""
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
    return ids, DenseBlock(vectors, lengths, arrays.checks["vectors"], open_codes(folder, vectors.shape))


def _frozen(vectors: NDArray[np.float32], lengths: Sequence[float] | NDArray[np.float32]) -> DenseBlock:
    block = DenseBlock(vectors, np.asarray(lengths, dtype=np.float32))
    for array in (block.vectors, block.lengths):
        array.flags.writeable = False  # as if mapped: so the kernel is compiled once
    return block
