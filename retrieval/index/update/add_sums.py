"""Adding checksums: segments of older formats get those of their blocks, once."""

from __future__ import annotations

from ..catalogue.representations import note_summed, segments
from ..progress import Progress
from ..storage.segments import add_sums, checksum
from ..storage.store import Store


def add_missing_sums(store: Store, progress: Progress) -> None:
    """Write checksums for the segments that have none; one that is damaged gets none."""
    lacking = [segment for segment in segments(store.catalogue) if not segment.is_summed]
    for done, segment in enumerate(lacking):
        progress("add checksums", done, len(lacking))
        folder = store.folder / "segments" / segment.folder
        # Else damage would get checksums that fit it; `verify` compares it as before, and names it.
        if not folder.is_dir() or checksum(folder) != segment.checksum:
            continue
        add_sums(folder)
        with store.catalogue.transaction():
            note_summed(store.catalogue, segment.id)
    if lacking:
        progress("add checksums", len(lacking), len(lacking))
