"""Score bounds: the most that each vector can score, by its byte codes, and what some score exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernel import kernel
from ..ranker import Ids
from .byte_codes import code_views
from .dense_block import Part
from .proven_scan import extents

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
            highest = block.scores(views, is_cosine=True)
        else:
            block.codes.check()
            _, highest = extents(block.codes.arrays, coded, ids, None)
        _put(ids, highest, start, most, places)
        start += len(ids)
    return ScoreBounds(parts, views, most, places)


@kernel()
def _put(ids: Ids, highest: Scores, start: int, most: Scores, places: Places) -> None:
    """Fill in the most that each id of a block can score, and its place, counted from ``start``."""
    for row in range(len(ids)):
        if ids[row] >= 0:
            most[ids[row]], places[ids[row]] = highest[row], start + row


@kernel()
def _count(ids: Ids, places: Places) -> int:
    """Return how many ids have a place."""
    n = 0
    for id in ids:
        if 0 <= id < len(places):
            n += places[id] >= 0
    return n
