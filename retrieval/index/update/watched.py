"""An archive that is watched: whether it is time to bring an index up to date with it."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...errors import ArchiveError
from ...readers.archive import Address, Archive
from ..storage.archived_files import open_archive

_ANYWAY = 60.0
"""Seconds after which all series are listed in any case: a log may miss what was moved or deleted."""


class Watched:
    """Ask the log of an archive; one that keeps none is always due.

    Parameters
    ----------
    address : of the archive.
    clock : tells seconds.
    """

    def __init__(self, address: Address, clock: Callable[[], float] = time.monotonic) -> None:
        self._address, self._clock = address, clock
        self._archive: Archive | None = None
        self._cursor: str | None = None
        self._n_images: int | None = None
        self._looked = clock()

    def is_due(self) -> bool:
        """Tell if the archive has changed since this was asked the last time, or may have."""
        try:
            self._archive = self._archive or open_archive(self._address)
            changed = self._archive.changed(self._cursor)
        except ArchiveError:
            return True  # whoever lists its series will say what is wrong
        is_first = self._cursor is None
        # Images are fewer: some were deleted. New ones are waited for until their series is stable.
        is_less = (changed.n_images or 0) < (self._n_images or 0)
        is_late = self._clock() - self._looked > _ANYWAY
        self._cursor, self._n_images = changed.cursor, changed.n_images
        if is_first or changed.series or is_less or is_late:
            self._looked = self._clock()
            return True
        return False
