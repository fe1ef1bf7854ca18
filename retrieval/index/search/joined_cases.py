"""Joined cases: cases of an index that share an image are one case, whatever their names say.

Of the cases that a test draws from, each real image must count once, as among those that match: else a class
whose images are there three times would seem three times as common.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from ...answers.duplicate_groups import joined
from ..storage.near_duplicates import near_duplicates
from ..storage.snapshot import Snapshot

MOST = 2000
"""Images of an index among which all near-duplicates are looked for, in 2 s, once in a process. At 100,000
it would take minutes: of more images, those with equal thumbnails are found, in as many seconds."""

_BLOCK = 1000
"""Thumbnails that are in memory at once."""


def is_complete(snapshot: Snapshot) -> bool:
    """Tell whether ``joined_cases`` knows all near-duplicates, and not those with equal thumbnails alone."""
    return len(snapshot) <= MOST


def joined_cases(snapshot: Snapshot, column: str) -> NDArray[np.int64]:
    """Return the case of each image, int64 (n,) from 0, after all cases that share an image became one.

    ``column`` is what makes a case. Images that cannot be found now are not looked at.
    """

    return _joined(snapshot, column)[0]


def distinct_images(snapshot: Snapshot, column: str) -> NDArray[np.int64]:
    """Return the number of what each image shows, int64 (n,): near-duplicates that are known have one number.

    Of a large index, those within a case are not known.
    """
    return _joined(snapshot, column)[1]


def _joined(snapshot: Snapshot, column: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the joined cases and the distinct images."""

    def compute() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        own = snapshot.stack_positions.independent_cases(column).tolist()
        there = np.flatnonzero(snapshot.available).tolist()
        if is_complete(snapshot):
            pairs = [(pair.one, pair.other) for pair in near_duplicates(snapshot).pairs(there)]
        else:
            pairs = list(_equal_pairs(snapshot, there, own))
        return joined(own, pairs), joined(range(len(own)), pairs)

    # Shards may go away and come back between two answers.
    return snapshot.cached(("joined cases", column, snapshot.lacking), compute)


def _equal_pairs(snapshot: Snapshot, there: Sequence[int], own: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield pairs of images of several cases with equal thumbnails, which link all that are equal."""
    equal: dict[bytes, list[int]] = defaultdict(list)
    for start in range(0, len(there), _BLOCK):
        block = there[start : start + _BLOCK]
        for position, jpeg in zip(block, snapshot.thumbnails(block), strict=True):
            equal[blake2b(jpeg, digest_size=16).digest()].append(position)
    for first, *others in equal.values():
        far = [one for one in others if own[one] != own[first]]
        # A blank image is like nothing, not even itself: the black slices of two people link nobody.
        if far and near_duplicates(snapshot).likeness(first, first):
            yield from ((first, one) for one in far)
