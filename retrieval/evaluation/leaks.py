"""Leaks: near-duplicates of a query among the pictures that answer it, which make any figure too good.

Signatures of the stored thumbnails and the systems (the best few hits of each) propose pairs, and the
thumbnails decide (``retrieval.index.storage.near_duplicates``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..answers.duplicate_groups import joined
from ..index.storage.near_duplicates import near_duplicates
from ..index.storage.snapshot import Snapshot
from .systems import Mask, System

_NEAREST = 3
"""Hits of each system that are looked at: a copy is the first hit of at least one of them."""
_MOST_COMPARED = 200
"""Images of a group that are compared one by one; of more, such as drawings, only the pairs proposed."""


@dataclass(frozen=True)
class Leak:
    """A near-duplicate of a query in the database: its id, and how much their fine structure correlates."""

    query: str
    found: str
    likeness: float


class LeakFinder:
    """Find near-duplicates among all pictures, and among what systems rank first.

    Parameters
    ----------
    snapshot : of the index; its thumbnails are compared.
    systems : propose pairs, each the nearest few of a query.
    """

    def __init__(self, snapshot: Snapshot, systems: Sequence[System]) -> None:
        self._systems, self._finder = systems, near_duplicates(snapshot)
        self._known: dict[int, set[int]] = defaultdict(set)
        pairs = self._finder.all_pairs
        for pair in pairs:
            self._known[pair.one].add(pair.other)
            self._known[pair.other].add(pair.one)
        # Of many copies only pairs that link them are known; each may be one of each other.
        numbers = joined(range(len(snapshot)), [(pair.one, pair.other) for pair in pairs])
        order = np.argsort(numbers, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
            if 2 < len(group) <= _MOST_COMPARED:
                for one in group.tolist():
                    self._known[one].update(set(group.tolist()) - {one})

    def near_duplicates(self, position: int, allowed: Mask) -> dict[int, float]:
        """Return the near-duplicates of a picture among those allowed, by position, with their likeness."""
        nearest = {p for s in self._systems for p in s.rank(position, allowed).ids[:_NEAREST].tolist()}
        nearest |= {p for p in self._known[position] if allowed[p]}
        found = {p: self._finder.likeness(position, p) for p in sorted(nearest)}
        return {p: value for p, value in found.items() if value}
