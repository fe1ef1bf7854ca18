"""The proven scan: the best k of many rows by their byte codes, re-scored in float32; none can be missed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..kernel import is_worth_loading, kernel
from ..ranker import Ids
from .byte_codes import CodeArrays, CodedViews, coded_product
from .dense_block import DenseBlock
from .row_scores import NUMBERS
from .share_out import share_out_rows
from .top_k import Selection

_IN_NUMPY = 0.2
"""Simple operations in the time that numpy takes for a number of a code."""

_WORTH = 32
"""With at least as many rows for each of the best k, most rows are ruled out by their codes."""


def can_scan(n: int, k: int, views: Sequence[NDArray[np.float32]]) -> bool:
    """Tell if codes rule out most of ``n`` rows; a query of zeros scores all of them the same."""
    return k > 0 and n >= _WORTH * k and all(view.any() for view in views)


class ProvenScan:
    """Select the best k rows of several blocks under the cosine; those without codes are read whole.

    Each code says the score of its row up to an error that is known. The k-th best of the lowest scores that
    rows can have is a bound: a row whose highest possible score is below it is not among the best k. What is
    left is scored from its vector.

    Parameters
    ----------
    views : of the query, each float32 (d,) and of unit length.
    k : how many rows are wanted.
    among : bool, by id: only ids that it holds True count; None: all.
    """

    def __init__(
        self, views: Sequence[NDArray[np.float32]], coded: CodedViews, k: int, among: NDArray[np.bool_] | None
    ) -> None:
        self._views, self._coded = views, coded
        self._among = among
        self._lowest = Selection(k, among)
        self._k = k
        self._scanned: list[tuple[Ids, DenseBlock, NDArray[np.float32]]] = []

    def scan(self, ids: Ids, block: DenseBlock, selection: Selection) -> None:
        """Look at a block; what has no codes is offered to ``selection`` at once."""
        if block.codes is None:
            scores = block.scores(self._views, is_cosine=True)
            selection.offer(ids, scores)
            self._lowest.offer(ids, scores)
            return
        block.codes.check()
        lowest, highest = extents(block.codes.arrays, self._coded, ids, self._among)
        self._lowest.offer(ids, lowest)
        self._scanned.append((ids, block, highest))

    def finish(self, selection: Selection) -> None:
        """Offer the rows that the bound leaves to ``selection``, with their scores."""
        found = self._lowest.ranking().scores
        # With fewer than k rows in all there is no bound.
        bound = found[-1] if len(found) == self._k else np.float32(-np.inf)
        for ids, block, highest in self._scanned:
            rows = _above(highest, bound)
            selection.offer(ids[rows], block.scores_of(rows, self._views, is_cosine=True))


def rows_above(
    codes: CodeArrays, views: CodedViews, ids: Ids, among: NDArray[np.bool_] | None, bound: np.float32
) -> NDArray[np.int64]:
    """Return the rows, of those that count, whose highest possible score is not below a bound."""
    return _above(extents(codes, views, ids, among)[1], bound)


def _above(highest: NDArray[np.float32], bound: np.float32) -> NDArray[np.int64]:
    # Without those that are left out, also where there is no bound.
    return np.flatnonzero(highest >= max(bound, np.finfo(np.float32).min))


def extents(
    codes: CodeArrays, views: CodedViews, ids: Ids, among: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the lowest and the highest score that each row can have; −inf for what is left out."""
    lowest, highest = np.empty(len(ids), np.float32), np.empty(len(ids), np.float32)
    if not is_worth_loading(_IN_NUMPY * codes.codes.size * len(views.steps)):
        _scan_in_numpy(codes, views, lowest, highest)
        left_out = ~Selection(0, among).allows(ids)
        lowest[left_out] = highest[left_out] = -np.inf
        return lowest, highest
    mask = np.zeros(0, dtype=bool) if among is None else np.asarray(among, dtype=bool)

    def scan(rows: slice) -> None:
        some = CodeArrays(codes.codes[rows], codes.scales[rows], codes.errors[rows])
        _scan(some, views, ids[rows], mask, among is not None, lowest[rows], highest[rows])

    share_out_rows(len(ids), scan)
    return lowest, highest


def _scan_in_numpy(
    codes: CodeArrays, views: CodedViews, lowest: NDArray[np.float32], highest: NDArray[np.float32]
) -> None:
    """Fill in the lowest and the highest score that each row can have."""
    coded = views.values * views.steps[:, None]
    step = max(1, NUMBERS // coded.shape[1])
    wide = np.empty((step, coded.shape[1]), np.float32)
    for first in range(0, len(lowest), step):
        rows = slice(first, first + step)
        some = wide[: len(lowest[rows])]
        np.copyto(some, codes.codes[rows])
        about = np.maximum.reduce([some @ view for view in coded]) * codes.scales[rows]
        margin = views.row * codes.errors[rows] + views.fixed
        np.subtract(about, margin, out=lowest[rows])
        np.add(about, margin, out=highest[rows])


@kernel()
def _scan(
    codes: CodeArrays,
    views: CodedViews,
    ids: Ids,
    among: NDArray[np.bool_],
    is_filtered: bool,
    lowest: NDArray[np.float32],
    highest: NDArray[np.float32],
) -> None:
    """Fill in the same; −inf for what is left out."""
    rows, scales, errors = codes
    values, steps, per_error, fixed = views
    highest[:] = -np.inf
    # A view at a time: to look its values up for each row takes longer than to multiply them.
    for view in range(len(steps)):
        own = values[view]
        for row in range(len(ids)):
            id = ids[row]
            if id < 0 or (is_filtered and (id >= len(among) or not among[id])):
                continue
            highest[row] = max(highest[row], coded_product(rows, row, own) * (scales[row] * steps[view]))
    for row in range(len(ids)):
        about, margin = highest[row], per_error * errors[row] + fixed
        lowest[row], highest[row] = about - margin, about + margin
