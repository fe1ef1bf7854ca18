"""Orthanc's log of changes, ``/changes``: which series became stable since a number that is remembered."""

from __future__ import annotations

from typing import Any

from retrieval.errors import ArchiveError, GoneError
from retrieval.readers.archive import Changed, SeriesKey

from .web import HttpClient

_PAGE = "1000"


class OrthancChanges:
    """Ask the log of an Orthanc, which is beside its DICOMweb; other servers have none."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._root = http.base.rpartition("/")[0]
        self._is_orthanc: bool | None = None

    def since(self, cursor: str | None) -> Changed:
        """Return the stable series that changed since a cursor; without one, only the cursor of now."""
        if not self._is_there():
            return Changed()
        # The log is not read from its beginning: that is what a list of all series is for.
        if cursor is None or not cursor.isdecimal():
            return Changed((), str(self._json("changes?last")["Last"]), self._n_images())
        found: dict[str, None] = {}
        while True:
            page = self._json("changes", {"since": cursor, "limit": _PAGE})
            # An image that came again is a change of its series, which is stable a while later.
            found |= {c["ID"]: None for c in page["Changes"] if c["ChangeType"] == "StableSeries"}
            cursor = str(page["Last"])
            if page["Done"]:
                return Changed(tuple(self._keys(found)), cursor, self._n_images())

    def _n_images(self) -> int:
        # The log says nothing of what was deleted; the number of images does.
        return int(self._json("statistics")["CountInstances"])

    def _is_there(self) -> bool:
        if self._is_orthanc is None:
            try:
                about = self._http.json(f"{self._root}/system")
                self._is_orthanc = isinstance(about, dict) and "DicomAet" in about
            except ArchiveError:
                # Asked again the next time: it may only be away now.
                return False
        return self._is_orthanc

    def _keys(self, ids: dict[str, None]) -> list[SeriesKey]:
        found = []
        for id in ids:
            try:
                series, study = self._json(f"series/{id}"), self._json(f"series/{id}/study")
            except GoneError:  # deleted since; whoever lists the series sees that it is gone
                continue
            key = (study["MainDicomTags"]["StudyInstanceUID"], series["MainDicomTags"]["SeriesInstanceUID"])
            found.append(SeriesKey(*key))
        return found

    def _json(self, path: str, query: dict[str, str] | None = None) -> Any:
        return self._http.json(f"{self._root}/{path}", query)
