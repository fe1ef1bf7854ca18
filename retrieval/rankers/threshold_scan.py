"""The threshold scan: all rows of which a score is at least so much; their byte codes rule the others out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..ranker import Ids, Ranking, order
from .byte_codes import CodedViews, code_views
from .dense_block import DenseBlock, Part
from .proven_scan import rows_above
from .top_k import Selection


def scan_above(
    parts: Sequence[Part],
    views: Sequence[NDArray[np.float32]],
    is_cosine: bool,
    least: float,
    most: int,
    among: NDArray[np.bool_] | None,
) -> Ranking | None:
    """Return all ids whose score is at least ``least``, best first; None if they may be more than ``most``.

    Parameters
    ----------
    views : of the query, each float32 (d,), of unit length under the cosine.
    among : bool, by id: only ids that it holds True count; None: all.
    """
    reached = reached_in(parts, views, is_cosine, least, most, among)
    return None if reached is None else order(*reached, len(reached[0]))


def reached_in(
    parts: Sequence[Part],
    views: Sequence[NDArray[np.float32]],
    is_cosine: bool,
    least: float,
    most: int,
    among: NDArray[np.bool_] | None,
) -> tuple[Ids, NDArray[np.float32]] | None:
    """Return ids and scores of the same, in no order."""
    coded = code_views(views) if is_cosine else None
    bound = np.float32(least)
    found: list[Ids] = []
    scored: list[Callable[[], NDArray[np.float32]]] = []
    for ids, block in parts:
        rows, scores = _rows(ids, block, views, coded, bound, among)
        found.append(ids[rows])
        if sum(map(len, found)) > most:
            return None
        scored.append(scores)
    everyone = np.concatenate([np.empty(0, np.int64), *found])
    reached = np.concatenate([np.empty(0, np.float32), *(scores() for scores in scored)])
    kept = np.flatnonzero(reached >= bound)
    return everyone[kept], reached[kept]


def _rows(
    ids: Ids,
    block: DenseBlock,
    views: Sequence[NDArray[np.float32]],
    coded: CodedViews | None,
    bound: np.float32,
    among: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.int64], Callable[[], NDArray[np.float32]]]:
    """Return the rows of a block whose score may reach a bound, and what gives their scores."""
    if coded is not None and block.codes is not None:
        block.codes.check()
        rows = rows_above(block.codes.arrays, coded, ids, among, bound)
        return rows, lambda: block.scores_of(rows, views, is_cosine=True)
    scores = block.scores(views, coded is not None)
    rows = np.flatnonzero(scores >= bound)
    rows = rows[Selection(0, among).allows(ids[rows])]
    found = scores[rows]
    return rows, lambda: found
