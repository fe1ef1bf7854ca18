"""Near-duplicates among the images of a snapshot, found on their stored thumbnails.

Nothing of it is kept on disk: what a question needs is computed when it is asked, and kept in memory; what
thumbnails show beyond the next commit, too, which changes few of them.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from ...answers.duplicate_finder import DuplicateFinder, Structure, structure
from ...errors import IndexFolderError
from .snapshot import Snapshot

_KEPT = 2000
"""Structures of 28 kB and thumbnails of 6 kB that a process keeps, of all its indexes together."""


def near_duplicates(snapshot: Snapshot) -> DuplicateFinder:
    """Return the finder of a snapshot, whose images are called by position; always the same one."""

    def structure_of(position: int) -> Structure:
        found = _structure_of(snapshot.thumbnail(position))
        if found is None:
            raise IndexFolderError(
                f"{snapshot.names[position]}: its thumbnail is damaged; restore the index, or index again"
            )
        return found

    return snapshot.cached(("near-duplicates",), lambda: DuplicateFinder(structure_of, len(snapshot)))


@lru_cache(_KEPT)
def _structure_of(jpeg: bytes) -> Structure | None:
    """Return what a thumbnail shows; None if it is damaged."""
    grey = cv2.imdecode(np.frombuffer(jpeg, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if grey is None else structure(grey.astype(np.float32) / np.float32(255))
