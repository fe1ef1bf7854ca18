"""The joint scan: dense vectors that may be among the top k by the weighted sum of two scores."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel
from ..ranker import Ids
from .byte_codes import CodeArrays, CodedViews, code_views, coded_product, fetch_codes
from .dense_block import DenseBlock, Part
from .joint_selection import JointSelection, Scores

_SAMPLE, _FIRST = 16, 64
"""A sample of one row in ``_SAMPLE`` tells which bound one row in ``_FIRST`` reaches: those come first."""

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
    for ids, block in parts:
        if coded is None or block.codes is None:
            selection.offer(ids, block.scores(views, is_cosine))
        else:
            block.codes.check()
            _scan(ids, block, block.codes.arrays, coded, views, selection)


def _scan(
    ids: Ids,
    block: DenseBlock,
    codes: CodeArrays,
    coded: CodedViews,
    views: Sequence[NDArray[np.float32]],
    selection: JointSelection,
) -> None:
    other = selection.added(ids)
    sample = np.sort(other[::_SAMPLE])
    cut = sample[-1 - len(sample) // _FIRST]
    for is_first in (True, False):
        least = cut if is_first else np.float32(selection.least - _MAX_COSINE)
        rows, most, _ = _bounded(codes, coded, other, least, np.float32(np.inf) if is_first else cut)
        score = partial(_scores_of, block, rows, views)
        selection.narrow(ids[rows], most, score)


def _scores_of(
    block: DenseBlock, rows: NDArray[np.int64], views: Sequence[NDArray[np.float32]], which: NDArray[np.int64]
) -> Scores:
    return block.scores_of(rows[which], views, is_cosine=True)


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
