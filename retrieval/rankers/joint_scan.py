"""The joint scan: dense vectors that may be among the best by the sum of their own score and another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel
from ..ranker import Ids
from .byte_codes import CodeArrays, CodedViews, code_views, coded_product
from .dense_block import DenseBlock, Part
from .joint_selection import JointSelection, Scores

_SAMPLE, _FIRST = 16, 64
"""One row of so many is looked at to find the best by the other score, one of so many, which come first."""

_LARGEST = 1 + 1e-5
"""No cosine is larger."""


def offer_jointly(
    parts: Sequence[Part], views: Sequence[NDArray[np.float32]], is_cosine: bool, selection: JointSelection
) -> None:
    """Offer the rows of some blocks that may be among the best.

    Rows for which the other score says much come first. What they reach together rules most others out
    before their codes are read, and nearly all that are left by their codes.

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
    added = selection.added(ids)
    sample = np.sort(added[::_SAMPLE])
    cut = sample[-1 - len(sample) // _FIRST]
    for is_first in (True, False):
        least = cut if is_first else np.float32(selection.least - _LARGEST)
        rows, most = _bounded(codes, coded, added, least, np.float32(np.inf) if is_first else cut)
        score = partial(_scores_of, block, rows, views)
        selection.narrow(ids[rows], most, score)


def _scores_of(
    block: DenseBlock, rows: NDArray[np.int64], views: Sequence[NDArray[np.float32]], which: NDArray[np.int64]
) -> Scores:
    return block.scores_of(rows[which], views, is_cosine=True)


@kernel()
def _bounded(
    codes: CodeArrays, views: CodedViews, added: Scores, least: np.float32, below: np.float32
) -> tuple[NDArray[np.int64], Scores]:
    """Return the rows to which ``least`` to below ``below`` is added, and what each reaches at most."""
    rows, scales, errors = codes
    values, steps, per_error, fixed = views
    found, n = np.empty(len(added), np.int64), 0
    for row in range(len(added)):
        found[n] = row
        n += added[row] >= least and added[row] < below and added[row] > -np.inf
    most = np.full(n, -np.inf, np.float32)
    for view in range(len(steps)):
        own = values[view]
        for i in range(n):
            row = found[i]
            about = coded_product(rows, row, own) * (scales[row] * steps[view])
            most[i] = max(most[i], about + (per_error * errors[row] + fixed) + added[row])
    return found[:n].copy(), most
