"""DIMSE: series are found by C-FIND and come by C-GET, over several associations at once (PS3.4 annex C)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from retrieval.errors import ArchiveError, GoneError, SettingError
from retrieval.readers.archive import Address, ArchivedFile, ArchivedSeries, Changed, SeriesKey, part_path
from retrieval.readers.warnings_off import quiet

from .association import Peer, Store
from .installed import require
from .instance_uid import checked_uid
from .matching import check_keyword, contradicts, is_any, is_list
from .spool import Piece

_PLACE = re.compile(r"(?P<title>[^@:/]{1,16})@(?P<host>[^@:/]+):(?P<port>\d{1,5})")
_OF_STUDY = {
    "AccessionNumber", "ModalitiesInStudy", "PatientBirthDate", "PatientID", "PatientName", "PatientSex",
    "ReferringPhysicianName", "StudyDate", "StudyDescription", "StudyID", "StudyInstanceUID", "StudyTime",
}  # fmt: skip
"""Attributes by which studies are found; the others are of series (PS3.4 section C.6.2.1)."""
_AT_ONCE = 100
"""Images asked for in one C-GET."""
_TRIES = 3

Transfer = Callable[[Any, Sequence[str], Store], None]
"""Lets images come: by the identifier that asks for them, their UIDs, and what stores each of them."""


class Dimse:
    """An archive that speaks DIMSE, ``dimse:AET@host:104``; we are called as ``SEMBLANCE_AET`` says.

    Parameters
    ----------
    address : its place is the title, host and port of the archive.
    n_associations : how many are used to bring the files of a series.
    """

    def __init__(self, address: Address, n_associations: int = 4) -> None:
        match = _PLACE.fullmatch(address.place)
        if match is None:
            raise SettingError(f"{address.shown}: write it as {address.scheme}:TITLE@host:104")
        require("pynetdicom", address.shown)
        _identifier("SERIES", address.filters)  # refused before anything is asked
        self.address, self._n = address, n_associations
        self._peer = Peer(match["title"], match["host"], int(match["port"]), address.shown)

    def series(self) -> Iterator[ArchivedSeries]:
        """Yield each series that the filters admit: those of studies first, then of their series."""
        filters = self.address.filters
        of_study = {key: value for key, value in filters.items() if key in _OF_STUDY}
        of_series = {key: value for key, value in filters.items() if key not in _OF_STUDY}
        # Not all archives return it or heed it; the series are asked for it in any case.
        if "Modality" in filters:
            of_study.setdefault("ModalitiesInStudy", filters["Modality"])
        for study in self._studies(of_study):
            returned = {"SeriesInstanceUID": "", "NumberOfSeriesRelatedInstances": ""}
            for found in self._find("SERIES", {**returned, **of_series, "StudyInstanceUID": study}):
                if not self._heeds(found, of_series):
                    continue
                uid = checked_uid(_text(found, "SeriesInstanceUID"), self.address.shown)
                n = _text(found, "NumberOfSeriesRelatedInstances")
                yield ArchivedSeries(SeriesKey(study, uid), int(n) if n.isdecimal() else None)

    def _studies(self, keys: Mapping[str, str]) -> list[str]:
        asked = set(keys) & set(self.address.filters)
        found = self._find("STUDY", {"StudyInstanceUID": "", **keys})
        uids = {_text(one, "StudyInstanceUID") for one in found if self._heeds(one, asked)}
        return sorted(checked_uid(uid, self.address.shown) for uid in uids)

    def _heeds(self, found: Any, keywords: Collection[str]) -> bool:
        """Tell if a match is one of what the filters ask for. Raise ArchiveError if it does not say.

        An archive passes over what it does not match by, and does not return it (PS3.4 section C.2.2.1.3).
        """
        for keyword in keywords:
            wanted, values = self.address.filters[keyword], _values(found, keyword)
            if is_any(wanted):
                continue
            if keyword not in found:
                raise ArchiveError(f"{self.address.shown}: does not find by {keyword}; leave that out")
            if not any(map(str, values)) or contradicts(values, wanted, keyword):
                return False
        return True

    def instances(self, series: SeriesKey) -> list[str]:
        """Return the SOP instance UIDs of a series."""
        return sorted(self._images(series))

    def _images(self, series: SeriesKey) -> dict[str, str]:
        """Return the SOP classes of the images of a series by their UIDs, empty if they are not said."""
        above = {"StudyInstanceUID": series.study, "SeriesInstanceUID": series.series}
        found = self._find("IMAGE", {**above, "SOPInstanceUID": "", "SOPClassUID": ""})
        # A series that is not there matches nothing; no status says so.
        if not found:
            raise GoneError(f"{self.address.shown}: a series is not there any more")
        return {
            checked_uid(_text(one, "SOPInstanceUID"), self.address.shown): _text(one, "SOPClassUID")
            for one in found
        }

    def files(
        self, series: SeriesKey, folder: Path, wanted: Collection[str] | None = None
    ) -> Iterator[ArchivedFile]:
        """Write files of a series; each association brings a share of them."""
        # Asked for image by image: what did not come when an association ended is asked for again.
        try:
            kinds = self._images(series)
        except ArchiveError:
            if wanted is None:
                raise
            kinds = {}  # what is wanted is asked for in any case
        left = set(kinds if wanted is None else wanted)
        for attempt in range(_TRIES):
            transfer = partial(self._transfer, kinds=kinds, is_plain=attempt == 1)
            try:
                for file in self._shared(series, folder, sorted(left), transfer):
                    if file.uid in left:
                        left.discard(file.uid)
                        yield file
                    else:  # one that was not asked for, or comes twice
                        file.path.unlink(missing_ok=True)
            except ArchiveError:
                if attempt == _TRIES - 1:
                    raise
            if not left:
                return

    def _shared(
        self, series: SeriesKey, folder: Path, uids: list[str], transfer: Transfer
    ) -> Iterator[ArchivedFile]:
        """Bring images over several associations; the first error is raised when all of them have ended."""
        arrived: SimpleQueue[ArchivedFile | Exception | None] = SimpleQueue()
        stop = Event()
        shares = [share for i in range(self._n) if (share := uids[i :: self._n])]

        def bring(share: list[str]) -> None:
            try:
                _bring(series, folder, share, transfer, arrived, stop)
                arrived.put(None)
            except Exception as error:  # whatever it is, who waits for this thread must hear of it
                arrived.put(error)

        threads = [Thread(target=bring, args=(share,), daemon=True) for share in shares]
        for thread in threads:
            thread.start()
        # The disk holds what came before it is taken; memory holds names only.
        failed: Exception | None = None
        try:
            n_left = len(threads)
            while n_left:
                item = arrived.get()
                if isinstance(item, ArchivedFile):
                    yield item
                else:
                    failed, n_left = failed or item, n_left - 1
        finally:
            # Whoever wants no more may have gone: the threads end with what they are at.
            stop.set()
            for thread in threads:
                thread.join()
        if failed is not None:
            raise failed

    def _transfer(
        self, identifier: Any, uids: Sequence[str], store: Store, kinds: Mapping[str, str], is_plain: bool
    ) -> None:
        """Let images come over an association of its own; ``kinds`` are their SOP classes, if known."""
        own = {kind for uid in uids if (kind := kinds.get(uid))}
        self._peer.get(identifier, store, own, is_plain=is_plain)

    def changed(self, cursor: str | None) -> Changed:
        """Tell nothing: DIMSE has no log of changes."""
        return Changed()

    def close(self) -> None:
        """Do nothing: associations end with what they were for."""

    def _find(self, level: str, keys: Mapping[str, str]) -> list[Any]:
        return self._peer.find(_identifier(level, keys))


def _bring(
    series: SeriesKey,
    folder: Path,
    uids: list[str],
    transfer: Transfer,
    arrived: SimpleQueue[ArchivedFile | Exception | None],
    stop: Event,
) -> None:
    def store(uid: str, content: Sequence[Piece]) -> None:
        path = part_path(folder)
        with path.open("wb") as file:
            file.writelines(content)
        arrived.put(ArchivedFile(uid, path))

    above = {"StudyInstanceUID": series.study, "SeriesInstanceUID": series.series}
    for start in range(0, len(uids), _AT_ONCE):
        if stop.is_set():
            return
        # A list of UIDs is allowed at the lowest level (PS3.4 section C.4.3.1.3.1).
        some = uids[start : start + _AT_ONCE]
        transfer(_identifier("IMAGE", {**above, "SOPInstanceUID": "\\".join(some)}), some, store)


def _identifier(level: str, keys: Mapping[str, str]) -> Any:
    """Return what is asked for, as a data set. Raise SettingError for what DICOM does not have."""
    from pydicom.dataset import Dataset

    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    if not (text := "".join(keys.values())).isascii():
        # Without a character set letters become question marks, which match any (PS3.4 section C.2.2.2.4).
        identifier.SpecificCharacterSet = "ISO_IR 100" if max(text) <= "\xff" else "ISO_IR 192"
    for keyword, value in keys.items():
        check_keyword(keyword)
        try:
            with quiet():
                setattr(identifier, keyword, value)
        except (TypeError, ValueError):  # a text for a number, or for a sequence
            raise SettingError(
                f"{keyword}: {value!r} cannot be its value; give one number, or leave that out"
            ) from None
    return identifier


def _text(found: Any, keyword: str) -> str:
    return str(found.get(keyword) or "").strip("\0 ")


def _values(found: Any, keyword: str) -> list[Any]:
    value = found.get(keyword)
    return [] if value is None else list(value) if is_list(value) else [value]
