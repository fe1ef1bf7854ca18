"""Independent samples: images of an index that are drawn to tell what is usual, each image once.

One image under three names would make itself look usual: it is like its copies, whatever it shows. Of
near-duplicates in a sample that are of several cases one stays, and cases that share an image are one case.
Those within a case, such as neighbouring slices, stay: images of one case are never compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...answers.duplicate_groups import joined
from ...ranker import Ids, Ranker
from ...representation import Vector
from ..storage.near_duplicates import near_duplicates
from ..storage.snapshot import Snapshot
from .candidates import Mask


@dataclass(frozen=True, eq=False)
class IndependentSample:
    """Images that were drawn from a snapshot.

    Parameters
    ----------
    column : what makes a case.
    drawn : int64 (m,), all of them, by position.
    is_first : bool (m,), which of them count: of near-duplicates of several cases one.
    cases : int64 (m,), equal for images of one case, or of cases that share a near-duplicate in the sample.
    """

    snapshot: Snapshot
    column: str
    drawn: Ids
    is_first: Mask
    cases: NDArray[np.int64]

    @classmethod
    def of(cls, snapshot: Snapshot, column: str, drawn: Ids) -> IndependentSample:
        """Return the sample of some images."""
        place = {position: i for i, position in enumerate(drawn.tolist())}
        found = near_duplicates(snapshot).pairs(place)
        own = snapshot.stack_positions.independent_cases(column)[drawn]
        pairs = [(place[pair.one], place[pair.other]) for pair in found]
        is_first = np.ones(len(drawn), dtype=np.bool_)
        is_first[[other for one, other in pairs if own[one] != own[other]]] = False
        return cls(snapshot, column, drawn, is_first, joined(own.tolist(), pairs))

    @property
    def positions(self) -> Ids:
        """The images that count, int64 (n,)."""
        return self.drawn[self.is_first]

    def cases_of(self, position: int) -> NDArray[np.int64]:
        """Return which of ``cases`` an indexed image belongs to, by itself or by a near-duplicate of it."""
        copies = near_duplicates(self.snapshot).copies(position, self.drawn.tolist())
        numbers = self.snapshot.stack_positions.independent_cases(self.column)
        is_own = (numbers[self.drawn] == numbers[position]) | np.isin(self.drawn, copies)
        return np.unique(self.cases[is_own])

    def others(self) -> Iterator[tuple[int, Mask]]:
        """Yield each image that counts, and which images of the index are of none of its cases."""
        numbers = self.snapshot.stack_positions.independent_cases(self.column)
        for i in np.flatnonzero(self.is_first).tolist():
            own = np.unique(numbers[self.drawn[self.cases == self.cases[i]]])
            # One comparison for nearly all, since few cases share an image with another.
            yield int(self.drawn[i]), numbers != own[0] if len(own) == 1 else ~np.isin(numbers, own)


def best_of_others(
    snapshot: Snapshot, ranker: Ranker, vector: Vector, position: int, column: str, allowed: Mask
) -> float | None:
    """Return the score of what is most like an indexed image among other cases; None if there is nothing.

    A near-duplicate of it is of its case by another name, and so are the other images of that case.

    Parameters
    ----------
    vector : of the image, as ``ranker`` holds vectors.
    column : what makes a case.
    allowed : the images that may be found, without those of its own case.
    """
    numbers, k = snapshot.stack_positions.independent_cases(column), 1
    while True:
        found = ranker.rank(vector, k, allowed)
        # Copies are the best hits if there are any: for most images one thumbnail more is read.
        copies = near_duplicates(snapshot).copies(position, found.ids.tolist())
        is_other = ~np.isin(numbers[found.ids], numbers[np.array(copies, dtype=np.int64)])
        if is_other.any():
            return float(found.scores[is_other][0])
        if len(found) < k:
            return None
        k *= 4
