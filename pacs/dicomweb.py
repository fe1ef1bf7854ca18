"""DICOMweb: series are found by QIDO-RS and retrieved by WADO-RS, a whole series in one response (PS3.18)."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from retrieval.errors import ArchiveError, GoneError
from retrieval.readers.archive import Address, ArchivedFile, ArchivedSeries, Changed, SeriesKey

from .dicom_json import value_of, values_of
from .instance_uid import checked_uid, uid_in, uid_of_file
from .matching import check_keyword, contradicts, tag_of
from .multipart import Part, boundary_of, only_part, parts
from .orthanc_changes import OrthancChanges
from .web import BadRequestError, HttpClient, RetryPolicy

if TYPE_CHECKING:
    import requests

_STUDY, _SERIES, _INSTANCE, _N_IMAGES = "0020000D", "0020000E", "00080018", "00201209"
_OPTIONS = ("fuzzymatching", "emptyvaluematching", "multiplevaluematching")
"""What stands among the attributes of a query and is none (PS3.18 section 8.3.4)."""
_PAGE, _SMALL_PAGE = 1000, 100
"""Matches asked for at a time; the second number is for servers that refuse the first."""
_WALKS = 3
"""How often a list is read that changes while it is read."""
_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
"""Files as the archive keeps them: to transcode them would cost it time, and might lose something."""


class DicomWeb:
    """An archive that speaks DICOMweb, such as Orthanc, dcm4chee or a cloud's.

    Parameters
    ----------
    address : its place is the address of the service, ``http://host/dicom-web``; its filters are those of
        QIDO-RS.
    policy : how long it may take, and how often it is asked.
    """

    def __init__(self, address: Address, policy: RetryPolicy = RetryPolicy()) -> None:  # noqa: B008
        if not _is_web_address(address.place):
            raise ArchiveError(f"{address.shown}: write it as dicomweb:http://host/dicom-web")
        for keyword in address.filters:
            # A tag is one too, and a part of a sequence is named by both, with a dot.
            check_keyword(keyword, keyword in _OPTIONS or all(map(tag_of, keyword.split("."))))
        self.address = address
        self._http = HttpClient(address.place, address.shown, policy)
        self._orthanc = OrthancChanges(self._http)

    def series(self) -> Iterator[ArchivedSeries]:
        """Yield each series that the filters admit, page by page."""
        try:
            yield from self._series(self.address.filters)
        except GoneError as error:
            raise ArchiveError(
                f"{self.address.shown}: there is no DICOMweb here (404); the address often ends in /dicom-web"
            ) from error

    def _series(self, filters: Any) -> Iterator[ArchivedSeries]:
        # The number of images is not among what a server must return (PS3.18 table 10.6.3-4).
        query = {**filters, "includefield": _N_IMAGES}
        for found in self._pages("series", query, (_STUDY, _SERIES)):
            # Servers may pass over a filter that they do not know (PS3.18 section 8.3.4.1).
            if any(contradicts(values_of(found, tag_of(key)), value, key) for key, value in filters.items()):
                continue
            study, uid = (checked_uid(value_of(found, tag), self.address.shown) for tag in (_STUDY, _SERIES))
            n = str(value_of(found, _N_IMAGES))
            yield ArchivedSeries(SeriesKey(study, uid), int(n) if n.isdecimal() else None)

    def instances(self, series: SeriesKey) -> list[str]:
        """Return the SOP instance UIDs of a series."""
        found = self._pages(f"{_path(series)}/instances", {"includefield": _INSTANCE}, (_INSTANCE,))
        uids = sorted({checked_uid(value_of(one, _INSTANCE), self.address.shown) for one in found})
        # Some servers answer 404 for a series that is not there, others an empty list.
        if not uids:
            raise GoneError(f"{self.address.shown}: a series is not there any more")
        return uids

    def _pages(self, path: str, query: dict[str, str], tags: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """Yield matches, each once; a list of which something is deleted meanwhile is read again."""
        seen: set[str] = set()
        for _ in range(_WALKS):
            is_whole = yield from self._walk(path, query, tags, seen)
            if is_whole:
                return

    def _walk(
        self, path: str, query: dict[str, str], tags: tuple[str, ...], seen: set[str]
    ) -> Generator[dict[str, Any], None, bool]:
        """Yield matches that were not seen, until a page has no new one; return whether none was missed.

        A page may be shorter than asked for and not the last: a server may have a limit of its own
        (PS3.18 section 8.3.4.4), or refuse more than that, as Azure's does. One that does not support
        ``offset`` answers the same again. Each page begins with the last match of the one before: if that is
        elsewhere, one before it was deleted, and what followed has moved up into a page that was read.
        """
        walked: set[str] = set()
        offset, limit, last, is_whole = 0, _PAGE, "", True
        while True:
            start = max(0, offset - bool(last))
            try:
                page = self._http.json(path, {**query, "limit": str(limit), "offset": str(start)}) or []
            except BadRequestError:
                if limit <= _SMALL_PAGE:
                    raise
                limit = _SMALL_PAGE
                continue
            except GoneError:
                # Some servers answer 404, and no empty list, behind the last match.
                if not seen:
                    raise
                page = []
            if not isinstance(page, list):
                raise ArchiveError(f"{self.address.shown}: answers a query with no list; is it a DICOMweb?")
            named = {"/".join(str(value_of(one, tag)) for tag in tags): one for one in page}
            new = set(named) - walked
            # One that shows more than that at once heeds no limit, and has shown all.
            if len(named) == limit and not new:
                raise ArchiveError(
                    f"{self.address.shown}: shows the first {len(seen):,} of what matches again and again, "
                    "and not what follows; ask for less at once, such as StudyDate=20260101-20260131"
                )
            yield from (one for name, one in named.items() if name not in seen)
            is_whole &= not last or last in named
            seen |= new
            walked |= new
            if not new:
                return is_whole
            offset = start + len(page)
            # A page of one match, if the next began with it, would be the same again.
            last = next(reversed(named)) if len(page) > 1 else ""

    def files(
        self, series: SeriesKey, folder: Path, wanted: Collection[str] | None = None
    ) -> Iterator[ArchivedFile]:
        """Retrieve files of a series: all in one response, or the named ones one by one."""
        if wanted is None:
            yield from self._retrieve(_path(series), folder)
            return
        left = set(wanted)
        for uid in sorted(left):
            with suppress(GoneError):  # deleted since: the others are there
                yield from self._retrieve(f"{_path(series)}/instances/{quote(uid)}", folder)

    def _retrieve(self, path: str, folder: Path) -> Iterator[ArchivedFile]:
        seen: set[str] = set()
        for n_failed in range(3):
            try:
                yield from self._attempt(path, folder, seen)
                return
            except ArchiveError as error:
                if isinstance(error, GoneError) or n_failed == 2:
                    raise

    def _attempt(self, path: str, folder: Path, seen: set[str]) -> Iterator[ArchivedFile]:
        with self._http.opened("GET", path, headers={"Accept": _ACCEPT}) as response:
            # The raw stream: its chunks are as large as we ask for, compressed or not.
            response.raw.decode_content = True
            for part in self._parts(response, folder):
                uid = uid_in(part.head) or uid_of_file(part.path)
                # A second attempt retrieves again what was yielded already.
                if uid is None or uid in seen:
                    part.path.unlink()
                    continue
                seen.add(uid)
                yield ArchivedFile(uid, part.path)

    def _parts(self, response: requests.Response, folder: Path) -> Iterator[Part]:
        kind = response.headers.get("Content-Type", "")
        if kind.partition(";")[0].strip().lower() == "application/dicom":
            return only_part(response.raw.read, folder)
        shown = self.address.shown
        return parts(response.raw.read, boundary_of(kind, shown), folder, shown)

    def changed(self, cursor: str | None) -> Changed:
        """Return what Orthanc's ``/changes`` tells; other servers do not tell."""
        return self._orthanc.since(cursor)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()


def _is_web_address(place: str) -> bool:
    try:
        parts = urlsplit(place)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or half an IPv6 address
        return False


def _path(series: SeriesKey) -> str:
    return f"studies/{quote(series.study)}/series/{quote(series.series)}"
