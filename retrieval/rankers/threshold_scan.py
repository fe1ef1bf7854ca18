"""The threshold scan: all vectors whose score reaches a threshold; bounds by byte codes prune the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids
from .byte_codes import CodedViews, code_views
from .dense_block import DenseBlock, Part
from .proven_scan import rows_above
from .top_k import Selection


def reached_in(
    parts: Sequence[Part],
    views: Sequence[NDArray[np.float32]],
    is_cosine: bool,
    threshold: float,
    limit: int,
    among: NDArray[np.bool_] | None,
) -> tuple[Ids, NDArray[np.float32]] | None:
    """Return all ids whose score is at least ``threshold``, and the scores, both (n,), in no order.

    None if they may be more than ``limit``.

    Parameters
    ----------
    views : of the query, each float32 (d,), of unit length under the cosine.
    among : bool, by id: only ids that it holds True count; None: all.
    """
    coded = code_views(views) if is_cosine else None
    least = np.float32(threshold)
    found: list[Ids] = []
    scored: list[Callable[[], NDArray[np.float32]]] = []
    for ids, block in parts:
        rows, scores = _candidates(ids, block, views, coded, least, among)
        found.append(ids[rows])
        if sum(map(len, found)) > limit:
            return None
        scored.append(scores)
    candidates = np.concatenate([np.empty(0, np.int64), *found])
    own = np.concatenate([np.empty(0, np.float32), *(scores() for scores in scored)])
    kept = np.flatnonzero(own >= least)
    return candidates[kept], own[kept]


def _candidates(
    ids: Ids,
    block: DenseBlock,
    views: Sequence[NDArray[np.float32]],
    coded: CodedViews | None,
    threshold: np.float32,
    among: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.int64], Callable[[], NDArray[np.float32]]]:
    """Return the rows of a block whose upper bound reaches a threshold, and a function that scores them."""
    if coded is not None and block.codes is not None:
        block.codes.check()
        rows = rows_above(block.codes.arrays, coded, ids, among, threshold)
        return rows, lambda: block.scores_of(rows, views, is_cosine=True)
    scores = block.scores(views, coded is not None)
    rows = np.flatnonzero(scores >= threshold)
    rows = rows[Selection(0, among).allows(ids[rows])]
    found = scores[rows]
    return rows, lambda: found
