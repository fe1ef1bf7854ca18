"""Keeping hashes: of files that an index of format 1 knows by size and time only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..catalogue.contents import Contents, contents_of
from ..catalogue.files import note_contents
from ..progress import Progress
from ..storage.store import Store

_COMMIT_EVERY = 512
"""Files in one commit: a kill loses at most their hashes, and the next update goes on."""


def keep_hashes(store: Store, files: Sequence[tuple[int, Path]], progress: Progress) -> None:
    """Read files, by their numbers and paths, and keep the hashes of their contents. No file is decoded."""
    for start in range(0, len(files), _COMMIT_EVERY):
        found: list[tuple[int, Contents]] = []
        for done, (id, path) in enumerate(files[start : start + _COMMIT_EVERY], start=start + 1):
            try:
                found.append((id, contents_of(path, store.salt)))
            except OSError:  # the next update tries again
                continue
            finally:
                progress("compare", done, len(files))
        with store.catalogue.transaction():
            note_contents(store.catalogue, found)
