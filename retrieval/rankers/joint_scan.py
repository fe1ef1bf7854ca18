"""The joint scan: dense vectors that may be among the top k by the weighted sum of two scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel
from ..ranker import Ids
from .byte_codes import CodeArrays, CodedViews, code_views, coded_product, fetch_codes
from .dense_block import DenseBlock, Part
from .joint_selection import JointSelection, Scores
from .share_out import share_out, worth_threads

_SAMPLE, _FIRST = 16, 64
"""A sample of one row in ``_SAMPLE`` tells which bound one row in ``_FIRST`` reaches: those come first."""

_ROWS = 16_384
"""Rows that a thread takes at a time."""

_AT_ONCE = 1 << 19
"""Rows of blocks, at most one block more, that threads share before any is scored."""

_PIECE = 16
"""Rows whose codes are brought into the cache together."""

_MAX_COSINE = 1 + 1e-5
"""No cosine is larger, rounding included."""


def offer_jointly(
    parts: Sequence[Part], views: Sequence[NDArray[np.float32]], is_cosine: bool, selection: JointSelection
) -> None:
    """Offer the rows of some blocks that may be among the top k.

    Rows with a high upper bound of the other score come first, as they raise the threshold: the k-th best
    sum so far. That prunes most other rows before their codes are read, and by the bounds of these nearly
    all that are left.

    Parameters
    ----------
    views : of the query, each float32 (d,); of unit length, or zero, under the cosine.
    """
    coded = code_views(views) if is_cosine else None
    scans = []
    for ids, block in parts:
        if coded is None or block.codes is None:
            selection.offer(ids, block.scores(views, is_cosine))
        else:
            block.codes.check()
            scans.append(_Scan(ids, block, block.codes.arrays, coded, views, selection))
    for is_first in (True, False):
        for some in _together(scans):
            _offer(some, is_first)


class _Scan:
    """The scan of a block for some views of a query."""

    def __init__(
        self,
        ids: Ids,
        block: DenseBlock,
        codes: CodeArrays,
        coded: CodedViews,
        views: Sequence[NDArray[np.float32]],
        selection: JointSelection,
    ) -> None:
        self.ids, self._block, self._codes, self._coded, self._views = ids, block, codes, coded, views
        self._selection, self._other = selection, selection.added(ids)
        sample = np.sort(self._other[::_SAMPLE])
        self._cut = sample[-1 - len(sample) // _FIRST]

    def bounded(self, first: int, is_first: bool) -> tuple[NDArray[np.int64], Scores]:
        """Return rows from ``first`` on that are to be looked at, and an upper bound of each sum.

        Those with a high bound of the other score, or the others.
        """
        here, (codes, scales, errors) = slice(first, first + _ROWS), self._codes
        least = self._cut if is_first else np.float32(self._selection.least - _MAX_COSINE)
        below = np.float32(np.inf) if is_first else self._cut
        some = CodeArrays(codes[here], scales[here], errors[here])
        rows, most, _ = _bounded(some, self._coded, self._other[here], least, below)
        return first + rows, most

    def offer(self, rows: NDArray[np.int64], most: Scores) -> None:
        """Offer rows, given an upper bound of each sum."""
        self._selection.narrow(
            self.ids[rows],
            most,
            lambda which: self._block.scores_of(rows[which], self._views, is_cosine=True),
        )


def _together(scans: Sequence[_Scan]) -> Iterator[list[_Scan]]:
    """Yield the scans of blocks of so many rows that threads are busy, and memory stays bounded."""
    some: list[_Scan] = []
    for scan in scans:
        some.append(scan)
        if sum(len(one.ids) for one in some) >= _AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _offer(scans: Sequence[_Scan], is_first: bool) -> None:
    """Offer the rows of some blocks that are to be looked at first, or the others; threads bound them."""
    pieces = [(scan, first) for scan in scans for first in range(0, len(scan.ids), _ROWS)]
    found: dict[tuple[_Scan, int], tuple[NDArray[np.int64], Scores]] = {}

    def bound(piece: tuple[_Scan, int]) -> None:
        found[piece] = piece[0].bounded(piece[1], is_first)

    share_out(pieces, lambda: bound, worth_threads(sum(len(scan.ids) for scan in scans)))
    for scan in scans:
        own = [found[piece] for piece in pieces if piece[0] is scan]
        scan.offer(np.concatenate([rows for rows, _ in own]), np.concatenate([most for _, most in own]))


@kernel()
def _bounded(
    codes: CodeArrays, views: CodedViews, other: Scores, least: np.float32, below: np.float32
) -> tuple[NDArray[np.int64], Scores, np.float32]:
    """Return the rows whose bound of the other score is in [least, below), and an upper bound of each sum.

    And what was fetched meanwhile, which means nothing. ``other`` is that bound by row, float32 (n,), −∞ for
    rows that are left out.
    """
    rows, scales, errors = codes
    values, steps, per_error, fixed = views
    found, n = np.empty(len(other), np.int64), 0
    for row in range(len(other)):
        found[n] = row
        n += other[row] >= least and other[row] < below and other[row] > -np.inf
    most, found, fetched = np.full(n, -np.inf, np.float32), found[:n].copy(), np.float32(0)
    # Rows that are far apart wait for the memory one after the other, unless some are asked for side by side.
    piece = _PIECE if n < len(other) // 2 else max(1, n)
    for first in range(0, n, piece):
        last = min(n, first + piece)
        if piece < n:
            fetched += fetch_codes(rows, scales, found[first:last], last - first)
        for view in range(len(steps)):
            own = values[view]
            for i in range(first, last):
                row = found[i]
                about = coded_product(rows, row, own) * (scales[row] * steps[view])
                most[i] = max(most[i], about + (per_error * errors[row] + fixed) + other[row])
    return found, most, fetched
