"""Score bounds: the most that each vector can score, by its byte codes, and what some score exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel
from ..ranker import Ids
from .byte_codes import CodeArrays, CodedViews, code_views, coded_product
from .dense_block import Part
from .share_out import share_out_rows

Scores = NDArray[np.float32]
Places = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class ScoreBounds:
    """What is known of the cosines of a query with the vectors of some blocks.

    Parameters
    ----------
    most : float32 by id, at least its score; 0 for ids that have no vector.
    places : int32 by id, its row, counted through all blocks; −1 for ids that have none.
    """

    parts: Sequence[Part]
    views: Sequence[NDArray[np.float32]]
    most: Scores
    places: Places

    def count(self, ids: Ids) -> int:
        """Return how many of some ids have a vector."""
        return int(_count(ids, self.places))

    def scores(self, ids: Ids) -> Scores:
        """Return the scores of some ids, float32 (n,); 0 for those that have no vector.

        Raises IndexFolderError if a vector is damaged.
        """
        places, found, start = self._places(ids), np.zeros(len(ids), np.float32), 0
        for own, block in self.parts:
            here = np.flatnonzero((places >= start) & (places < start + len(own)))
            if len(here):
                found[here] = block.scores_of(
                    places[here].astype(np.int64) - start, self.views, is_cosine=True
                )
            start += len(own)
        return found

    def _places(self, ids: Ids) -> Places:
        # A last place, of no row, for the id −1 and for those beyond the end.
        return self.places[np.minimum(ids, len(self.places) - 1)]


def bounds_of(parts: Sequence[Part], views: Sequence[NDArray[np.float32]]) -> ScoreBounds:
    """Return what the codes of some blocks say; vectors without codes are scored.

    ``views`` are those of the query, each float32 (d,) and of unit length or zero. Raises IndexFolderError if
    codes are damaged.
    """
    n, start = 1 + max((int(ids.max(initial=-1)) for ids, _ in parts), default=-1), 0
    most, places = np.zeros(n + 1, np.float32), np.full(n + 1, -1, np.int32)
    coded = code_views(views)
    for ids, block in parts:
        if block.codes is None:
            _put(ids, block.scores(views, is_cosine=True), most)
        else:
            block.codes.check()
            _bound(block.codes.arrays, coded, ids, most)
        _put_places(ids, start, places)
        start += len(ids)
    return ScoreBounds(parts, views, most, places)


def _put(ids: Ids, scores: Scores, most: Scores) -> None:
    there = ids >= 0
    most[ids[there]] = scores[there]


def _bound(codes: CodeArrays, views: CodedViews, ids: Ids, most: Scores) -> None:
    def bound(rows: slice) -> None:
        some = CodeArrays(codes.codes[rows], codes.scales[rows], codes.errors[rows])
        _fill_most(some, views, ids[rows], most)

    share_out_rows(len(ids), bound)


@kernel()
def _fill_most(codes: CodeArrays, views: CodedViews, ids: Ids, most: Scores) -> None:
    """Fill in the most that each id can score."""
    rows, scales, errors = codes
    values, steps, per_error, fixed = views
    for view in range(len(steps)):
        own = values[view]
        for row in range(len(ids)):
            if ids[row] >= 0:
                about = coded_product(rows, row, own) * (scales[row] * steps[view])
                bound = about + (per_error * errors[row] + fixed)
                most[ids[row]] = bound if view == 0 else max(most[ids[row]], bound)


@kernel()
def _put_places(ids: Ids, start: int, places: Places) -> None:
    """Fill in the place of each id, the first of which is ``start``."""
    for row in range(len(ids)):
        if ids[row] >= 0:
            places[ids[row]] = start + row


@kernel()
def _count(ids: Ids, places: Places) -> int:
    """Return how many ids have a place."""
    n = 0
    for id in ids:
        if 0 <= id < len(places):
            n += places[id] >= 0
    return n
