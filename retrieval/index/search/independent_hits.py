"""Independent hits: the best images that are no near-duplicates of each other, nor of an indexed query.

One image under three names is one piece of evidence, and an indexed query under another name is none: its
label would confirm itself. What is known of a near-duplicate of a new image is news, and counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...answers.duplicate_finder import structure
from ...answers.duplicate_groups import Copies
from ..storage.near_duplicates import near_duplicates
from ..storage.snapshot import Snapshot
from .candidates import own_position
from .query_options import QueryImage


@dataclass(frozen=True)
class QueryCopies:
    """Tell which images are near-duplicates of a query; they are left out if it is indexed itself."""

    is_copy: Callable[[int], bool]
    is_indexed: bool

    @classmethod
    def of(cls, snapshot: Snapshot, query: QueryImage) -> QueryCopies:
        """Return that of a query."""
        finder, position = near_duplicates(snapshot), own_position(snapshot, query)
        if position is not None:
            return cls(lambda one: bool(finder.copies(position, [one])), True)
        assert not isinstance(query, str)  # which has a position, or is refused
        new = structure(query.grey)
        return cls(lambda one: bool(finder.copies(new, [one])), False)

    @classmethod
    def any(cls, several: Sequence[QueryCopies]) -> QueryCopies:
        """Return that of several slices of one query, at least one."""
        return cls(lambda position: any(one.is_copy(position) for one in several), several[0].is_indexed)


@dataclass(frozen=True)
class IndependentHits:
    """The best images by position, each with the near-duplicates that count with it.

    ``of_query`` are near-duplicates of an indexed query, which are left out; ``of_new`` those of a new one.
    """

    groups: Sequence[Sequence[int]]
    of_query: Sequence[int] = ()
    of_new: Sequence[int] = ()

    def copies(self, snapshot: Snapshot) -> Copies:
        """Return the near-duplicates by name."""
        merged, of_query, of_new = (
            tuple(tuple(snapshot.names[one] for one in group) for group in groups)
            for groups in ([g for g in self.groups if len(g) > 1], [self.of_query], [self.of_new])
        )
        return Copies(merged, of_query[0], of_new[0])


def independent_hits(
    snapshot: Snapshot,
    ranked: Iterable[tuple[int, QueryCopies]],
    k: int,
    cases: NDArray[np.int64] | None = None,
) -> IndependentHits:
    """Return the first k images of a ranking that are independent.

    Parameters
    ----------
    ranked : positions, best first, each with the near-duplicates of the query, or of the slice of it that
        found the image.
    cases : int64 (n,), the case of each image by position, if of each case one image counts.
    """
    of_query: list[int] = []
    of_new: list[int] = []

    def counted() -> Iterator[int]:
        # One after the other: thumbnails behind the last image that counts are never decoded.
        for position, copies in ranked:
            if copies.is_copy(position):
                (of_query if copies.is_indexed else of_new).append(position)
            if position not in of_query:
                yield position

    case_of = None if cases is None else lambda position: int(cases[position])
    return IndependentHits(near_duplicates(snapshot).distinct(counted(), k, case_of), of_query, of_new)
