"""A folder as an archive: its DICOM files by series."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from retrieval.errors import ArchiveError, GoneError, PictureError
from retrieval.readers.archive import Address, ArchivedFile, ArchivedSeries, Changed, SeriesKey, part_path
from retrieval.readers.folder import FoundFile, find_files
from retrieval.readers.formats import claims, recognise
from retrieval.readers.reasons import reason_of
from retrieval.readers.warnings_off import quiet

from .matching import check_keyword, matches

_READ = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


class FolderArchive:
    """The DICOM files of a folder, ``folder:/data/incoming?Modality=CT``.

    Each listing looks at all files; headers are read again only of those that are new or have changed.

    Parameters
    ----------
    address : its place is the folder; filters are matched as those of a query to an archive.
    """

    def __init__(self, address: Address) -> None:
        for keyword in address.filters:
            check_keyword(keyword)
        self.address = address
        self._folder = Path(address.place)
        # By path: size and time, then series and SOP instance UID, why it has none, or None if none is meant.
        self._known: dict[Path, tuple[tuple[int, int], tuple[SeriesKey, str] | str | None]] = {}
        self._left_out: list[tuple[str, str]] = []

    def series(self) -> Iterator[ArchivedSeries]:
        """Yield each series that has a file here."""
        for key, files in sorted(self._files().items()):
            yield ArchivedSeries(key, len(files))

    def instances(self, series: SeriesKey) -> list[str]:
        """Return the SOP instance UIDs of a series."""
        return sorted(self._of(series))

    def files(
        self, series: SeriesKey, folder: Path, wanted: Collection[str] | None = None
    ) -> Iterator[ArchivedFile]:
        """Copy files of a series."""
        found = self._of(series)
        for uid in sorted(found if wanted is None else set(wanted) & set(found)):
            part = part_path(folder)
            try:
                shutil.copyfile(found[uid], part)
            except FileNotFoundError:  # deleted since: whoever wants it sees that it does not come
                part.unlink(missing_ok=True)
                continue
            except OSError as error:
                part.unlink(missing_ok=True)
                raise ArchiveError(f"{self.address.shown}: {error.strerror}") from error
            yield ArchivedFile(uid, part)

    def changed(self, cursor: str | None) -> Changed:
        """Tell nothing: a folder keeps no log."""
        return Changed()

    def left_out(self) -> list[tuple[str, str]]:
        """Return the files of the last listing that are of no series, and what could not be looked at."""
        return self._left_out

    def close(self) -> None:
        """Do nothing."""

    def _of(self, series: SeriesKey) -> Mapping[str, Path]:
        found = self._files().get(series)
        if found is None:
            raise GoneError(f"{self.address.shown}: a series is not there any more")
        return found

    def _files(self) -> dict[SeriesKey, dict[str, Path]]:
        """Return the files of each series by their SOP instance UIDs; of two files of one UID the first."""
        if not self._folder.is_dir():
            raise ArchiveError(f"{self.address.shown}: no such folder; check the path, or mount it")
        found: dict[SeriesKey, dict[str, Path]] = {}
        lines: list[str] = []
        self._left_out = []
        for file in find_files(self._folder, report=lines.append):
            header = self._header(file)
            if isinstance(header, str):
                self._left_out.append((file.name, header))
            elif header is not None:
                found.setdefault(header[0], {}).setdefault(header[1], file.path)
        self._left_out += [(name, reason) for name, _, reason in (line.rpartition(": ") for line in lines)]
        return found

    def _header(self, file: FoundFile) -> tuple[SeriesKey, str] | str | None:
        # A listing of a folder that is followed must not read every header again.
        state = (file.size, file.mtime_ns)
        known = self._known.get(file.path)
        if known is None or known[0] != state:
            try:
                known = (state, series_of(file.path, self.address.filters))
            except PictureError as error:
                known = (state, str(error))
            self._known[file.path] = known
        return known[1]


def series_of(path: Path, filters: Mapping[str, str]) -> tuple[SeriesKey, str] | None:
    """Return the series of a DICOM file, and its SOP instance UID; None if it is no DICOM file or not meant.

    Raises PictureError for a DICOM file that cannot be read, or that is meant and lacks one of the UIDs.
    """
    try:
        # By its content: some files have no preamble, and a damaged one is none of DICOM by force.
        if recognise(path) != "dicom":
            if claims(path) == "DICOM":
                raise PictureError("the content is not that of a DICOM file")
            return None
        with quiet():
            from pydicom import dcmread

            tags = [*_READ, *filters]
            header: Any = dcmread(path, specific_tags=tags, stop_before_pixels=True, force=True)
            values = {keyword: str(header.get(keyword) or "") for keyword in _READ}
            is_meant = all(matches(header.get(key), wanted, key) for key, wanted in filters.items())
    except Exception as error:  # damaged DICOM fails in many ways, and a folder may hold anything
        raise PictureError(reason_of(error)) from error
    if not is_meant:
        return None
    if missing := next((keyword for keyword, value in values.items() if not value), None):
        raise PictureError(f"its DICOM header lacks {missing}, without which no archive holds it")
    study, series, uid = values.values()
    return SeriesKey(study, series), uid
