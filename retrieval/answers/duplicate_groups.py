"""Groups that near-duplicates join: what one image is in twice is not two independent groups."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..statistics.groups import numbered


def joined(groups: Sequence[Hashable], pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """Return the groups of n members after those of each pair of members became one, int64 (n,), from 0.

    A chain of pairs makes one group of all that it links: if patient A shares an image with B, and B another
    one with C, all three may be one person.
    """
    own = numbered(groups).tolist()
    parent = list(range(max(own, default=-1) + 1))

    def root(group: int) -> int:
        while parent[group] != group:
            parent[group] = group = parent[parent[group]]  # halves the way for the next one that asks
        return group

    for one, other in pairs:
        parent[root(own[other])] = root(own[one])
    return numbered([root(group) for group in own])


@dataclass(frozen=True)
class Copies:
    """Near-duplicates among the images that an answer rests on.

    Parameters
    ----------
    merged : ids of images that are near-duplicates of each other and count as one, best first.
    of_query : ids of near-duplicates of an indexed query, which are left out: they are the query by another
        name, and would confirm its label by itself.
    of_new : ids of near-duplicates of a query that is not in the index; they count, as one.
    n_joined : further cases that share an image with another, or with the query's, and do not count again.
    is_exact : of those only ones with equal thumbnails are known, since the index is large.
    """

    merged: tuple[tuple[str, ...], ...] = ()
    of_query: tuple[str, ...] = ()
    of_new: tuple[str, ...] = ()
    n_joined: int = 0
    is_exact: bool = False

    def __bool__(self) -> bool:
        return bool(self.merged or self.of_query or self.of_new or self.n_joined)


NO_COPIES = Copies()
