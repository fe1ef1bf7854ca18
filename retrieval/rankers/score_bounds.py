"""Score bounds: an upper bound of the score of each vector, by its byte codes, and exact scores on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel
from ..ranker import Ids
from .byte_codes import CodeArrays, CodedViews, code_views, coded_product
from .dense_block import Part
from .share_out import share_out, worth_threads

Scores = NDArray[np.float32]
Rows = NDArray[np.int32]

_ROWS = 16_384
"""Rows that a thread takes at a time."""


@dataclass(frozen=True, eq=False)
class ScoreBounds:
    """Upper bounds of the cosines of a query with the vectors of some blocks.

    Parameters
    ----------
    most : float32 by id, the upper bound of its score; 0 for ids that have no vector.
    rows : int32 by id, the row of its vector, counted through all blocks; −1 for ids that have none.
    """

    parts: Sequence[Part]
    views: Sequence[NDArray[np.float32]]
    most: Scores
    rows: Rows

    def count(self, ids: Ids) -> int:
        """Return how many of some ids have a vector."""
        return int(_count(ids, self.rows))

    def scores(self, ids: Ids) -> Scores:
        """Return the scores of some ids, float32 (n,); 0 for those that have no vector.

        Raises IndexFolderError if a vector is damaged.
        """
        rows, found, start = self._rows(ids), np.zeros(len(ids), np.float32), 0
        for own, block in self.parts:
            here = np.flatnonzero((rows >= start) & (rows < start + len(own)))
            if len(here):
                in_block = rows[here].astype(np.int64) - start
                found[here] = block.scores_of(in_block, self.views, is_cosine=True)
            start += len(own)
        return found

    def _rows(self, ids: Ids) -> Rows:
        # The last entry, −1, is that of the id −1 and of those beyond the end.
        return self.rows[np.minimum(ids, len(self.rows) - 1)]


def bounds_of(parts: Sequence[Part], views: Sequence[NDArray[np.float32]]) -> ScoreBounds:
    """Return the bounds that the codes of some blocks give; vectors without codes are scored exactly.

    ``views`` are those of the query, each float32 (d,) and of unit length or zero. Raises IndexFolderError if
    codes are damaged.
    """
    n, start = 1 + max((int(ids.max(initial=-1)) for ids, _ in parts), default=-1), 0
    most, rows = np.zeros(n + 1, np.float32), np.full(n + 1, -1, np.int32)
    coded, waiting = code_views(views), []
    for ids, block in parts:
        if block.codes is None:
            _put(ids, block.scores(views, is_cosine=True), start, most, rows)
        else:
            block.codes.check()
            waiting += [(ids, block.codes.arrays, start, first) for first in range(0, len(ids), _ROWS)]
        start += len(ids)

    def put(piece: tuple[Ids, CodeArrays, int, int]) -> None:
        """Fill in the upper bound of each id of some rows of a block, by its code, and its row."""
        ids, (codes, scales, errors), start, first = piece
        own = slice(first, first + _ROWS)
        some = CodeArrays(codes[own], scales[own], errors[own])
        _put_some(ids[own], some, coded, start + first, most, rows)

    share_out(waiting, lambda: put, worth_threads(sum(len(ids) for ids, _ in parts)))
    return ScoreBounds(parts, views, most, rows)


@kernel()
def _put_some(ids: Ids, codes: CodeArrays, views: CodedViews, start: int, most: Scores, rows: Rows) -> None:
    # Put down at once by id: to keep the scores of all rows first takes as long again as to read small codes.
    own_codes, scales, errors = codes
    values, steps, per_error, fixed = views
    for view in range(len(steps)):
        own = values[view]
        for row in range(len(ids)):
            id = ids[row]
            if id >= 0:
                about = coded_product(own_codes, row, own) * (scales[row] * steps[view])
                bound = about + (per_error * errors[row] + fixed)
                most[id] = bound if view == 0 else max(most[id], bound)
                rows[id] = start + row


@kernel()
def _put(ids: Ids, highest: Scores, start: int, most: Scores, rows: Rows) -> None:
    """Fill in the score of each id of a block, and its row, counted from ``start``."""
    for row in range(len(ids)):
        if ids[row] >= 0:
            most[ids[row]], rows[ids[row]] = highest[row], start + row


@kernel()
def _count(ids: Ids, rows: Rows) -> int:
    """Return how many ids have a row."""
    n = 0
    for id in ids:
        if 0 <= id < len(rows):
            n += rows[id] >= 0
    return n
