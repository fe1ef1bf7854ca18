"""The stable series of a spool as an archive, ``received:/data/spool``: ``semblance receive`` indexes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from retrieval.errors import ArchiveError, GoneError, PictureError
from retrieval.readers.archive import ArchivedSeries, SeriesKey

from .folder import FolderArchive, series_of
from .spool import SUFFIX, series_folders


class Received(FolderArchive):
    """The series that a receiver wrote; unlike any folder it is listed by names alone, and no file is opened.

    Filters are matched by the first file of each series.
    """

    def series(self) -> Iterator[ArchivedSeries]:
        """Yield each stable series."""
        if not self._folder.is_dir():
            raise ArchiveError(f"{self.address.shown}: no such spool; check the path, or mount it")
        for key, folder in series_folders(self._folder):
            files = _named(folder)
            # A folder from which a user has deleted all files is no series any more.
            if files and self._is_meant(next(iter(files.values()))):
                yield ArchivedSeries(key, len(files))

    def _is_meant(self, path: Path) -> bool:
        try:
            return not self.address.filters or series_of(path, self.address.filters) is not None
        except PictureError:  # a file that is damaged within
            return False

    def _of(self, series: SeriesKey) -> Mapping[str, Path]:
        found = _named(self._folder / series.study / series.series)
        if not found:
            raise GoneError(f"{self.address.shown}: a series is not there any more")
        return found


def _named(folder: Path) -> dict[str, Path]:
    """Return the files of a series by their SOP instance UIDs, in order."""
    try:
        return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix == SUFFIX}
    except FileNotFoundError:
        return {}
