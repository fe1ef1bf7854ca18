"""Leaks: near-duplicates of a query among the pictures that answer it, which make any figure too good.

The systems propose pairs (the best few hits of each), and the stored thumbnails decide
(``retrieval.answers.near_duplicates``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..answers.near_duplicates import THRESHOLD, correlation, fine_structure
from ..index.storage.snapshot import Snapshot
from .systems import Mask, System

_NEAREST = 3
"""Hits of each system that are looked at: a copy is the first hit of at least one of them."""
_KEPT = 1000
"""Spectra of 33 kB that stay in memory."""


@dataclass(frozen=True)
class Leak:
    """A near-duplicate of a query in the database: its id, and how much their fine structure correlates."""

    query: str
    found: str
    likeness: float


class LeakFinder:
    """Find near-duplicates among what systems rank first.

    Parameters
    ----------
    snapshot : of the index; its thumbnails are compared.
    systems : propose pairs, each the nearest few of a query.
    threshold : the least correlation of a near-duplicate.
    """

    def __init__(self, snapshot: Snapshot, systems: Sequence[System], threshold: float = THRESHOLD) -> None:
        self._systems, self._threshold = systems, threshold
        self._spectrum = lru_cache(_KEPT)(lambda p: fine_structure(_thumbnail(snapshot, p)))

    def near_duplicates(self, position: int, allowed: Mask) -> dict[int, float]:
        """Return the near-duplicates of a picture among those allowed, by position, with their likeness."""
        nearest = {p for s in self._systems for p in s.rank(position, allowed).ids[:_NEAREST].tolist()}
        own = self._spectrum(position)
        found = {p: correlation(own, self._spectrum(p)) for p in sorted(nearest)}
        return {p: value for p, value in found.items() if value >= self._threshold}


def _thumbnail(snapshot: Snapshot, position: int) -> NDArray[np.float32]:
    """Return the stored thumbnail of a picture, grey, float32 (rows, cols) in [0, 1]."""
    with Image.open(BytesIO(snapshot.thumbnail(position))) as image:
        return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255)
