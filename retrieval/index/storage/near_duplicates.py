"""Near-duplicates among the images of a snapshot, found on their stored thumbnails.

Nothing of it is kept on disk: what a question needs is computed when it is asked, and kept in memory until
the next commit.
"""

from __future__ import annotations

import cv2
import numpy as np

from ...answers.duplicate_finder import DuplicateFinder, Structure, structure
from ...errors import IndexFolderError
from .snapshot import Snapshot


def near_duplicates(snapshot: Snapshot) -> DuplicateFinder:
    """Return the finder of a snapshot, whose images are called by position; always the same one."""

    def structure_of(position: int) -> Structure:
        coded = np.frombuffer(snapshot.thumbnail(position), dtype=np.uint8)
        grey = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
        if grey is None:
            raise IndexFolderError(
                f"{snapshot.names[position]}: its thumbnail is damaged; restore the index, or index again"
            )
        return structure(grey.astype(np.float32) / np.float32(255))

    return snapshot.cached(("near-duplicates",), lambda: DuplicateFinder(structure_of, len(snapshot)))
