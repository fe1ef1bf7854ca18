"""The proven scan: the best k of many rows by their byte codes, re-scored in float32; none can be missed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel
from ..ranker import Ids
from .byte_codes import CodeArrays, CodedViews, coded_product
from .dense_block import DenseBlock
from .share_out import share_out_rows
from .top_k import Selection

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
        self._scanned: list[tuple[Ids, DenseBlock, CodeArrays, NDArray[np.float32]]] = []

    def scan(self, ids: Ids, block: DenseBlock, selection: Selection) -> None:
        """Look at a block; what has no codes is offered to ``selection`` at once."""
        if block.codes is None:
            scores = block.scores(self._views, is_cosine=True)
            selection.offer(ids, scores)
            self._lowest.offer(ids, scores)
            return
        block.codes.check()
        codes = block.codes.arrays
        about, lowest = _scores(codes, self._coded, ids, self._among)
        self._lowest.offer(ids, lowest)
        self._scanned.append((ids, block, codes, about))

    def finish(self, selection: Selection) -> None:
        """Offer the rows that the bound leaves to ``selection``, with their scores."""
        found = self._lowest.ranking().scores
        # With fewer than k rows in all there is no bound.
        bound = found[-1] if len(found) == self._k else np.float32(-np.inf)
        for ids, block, codes, about in self._scanned:
            rows = _above(codes.errors, self._coded, about, bound)
            selection.offer(ids[rows], block.scores_of(rows, self._views, is_cosine=True))


def rows_above(
    codes: CodeArrays, views: CodedViews, ids: Ids, among: NDArray[np.bool_] | None, bound: np.float32
) -> NDArray[np.int64]:
    """Return the rows, of those that count, whose highest possible score is not below a bound."""
    about, _ = _scores(codes, views, ids, among)
    return _above(codes.errors, views, about, bound)


def _scores(
    codes: CodeArrays, views: CodedViews, ids: Ids, among: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return about which score each row has, and the lowest that it can have; −inf for what is left out."""
    about, lowest = np.empty(len(ids), np.float32), np.empty(len(ids), np.float32)
    mask = np.zeros(0, dtype=bool) if among is None else np.asarray(among, dtype=bool)

    def scan(rows: slice) -> None:
        some = CodeArrays(codes.codes[rows], codes.scales[rows], codes.errors[rows])
        _scan(some, views, ids[rows], mask, among is not None, about[rows], lowest[rows])

    share_out_rows(len(ids), scan)
    return about, lowest


@kernel()
def _scan(
    codes: CodeArrays,
    views: CodedViews,
    ids: Ids,
    among: NDArray[np.bool_],
    is_filtered: bool,
    about: NDArray[np.float32],
    lowest: NDArray[np.float32],
) -> None:
    """Fill in about which score each row has, and the lowest that it can have; −inf for what is left out."""
    rows, scales, errors = codes
    values, steps, per_error, fixed = views
    about[:] = -np.inf
    # A view at a time: to look its values up for each row takes longer than to multiply them.
    for view in range(len(steps)):
        own = values[view]
        for row in range(len(ids)):
            id = ids[row]
            if id < 0 or (is_filtered and (id >= len(among) or not among[id])):
                continue
            about[row] = max(about[row], coded_product(rows, row, own) * (scales[row] * steps[view]))
    for row in range(len(ids)):
        lowest[row] = about[row] - (per_error * errors[row] + fixed)


@kernel()
def _above(
    errors: NDArray[np.float32], views: CodedViews, about: NDArray[np.float32], bound: np.float32
) -> NDArray[np.int64]:
    """Return the rows whose highest possible score is not below a bound, int64 (n,)."""
    per_error, fixed = views.row, views.fixed
    found = np.empty(len(about), dtype=np.int64)
    n = 0
    for row in range(len(about)):
        if about[row] > -np.inf and about[row] + (per_error * errors[row] + fixed) >= bound:
            found[n] = row
            n += 1
    return found[:n].copy()
