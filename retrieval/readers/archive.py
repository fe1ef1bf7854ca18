"""The archive: where images come from if not from a folder, such as a PACS.

An archive is found by the scheme of its address, ``dicomweb:http://host/dicom-web?Modality=CT``, among the
entry points of the group ``semblance.archives``, and made by calling that with the ``Address``.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable
from urllib.parse import parse_qsl, urlencode

from ..errors import SettingError

ARCHIVES = "semblance.archives"
"""The group of entry points: each makes an ``Archive`` of an ``Address``."""

_PART = ".part-"

_ADDRESS = re.compile(r"([a-z][a-z0-9]+):(?!\\)(.+)", re.DOTALL)


@dataclass(frozen=True)
class Address:
    """Where an archive is, and which of its series are meant.

    Parameters
    ----------
    scheme : the name of the entry point, ``dicomweb``.
    place : what follows it, ``http://host/dicom-web``; how it reads is the archive's own matter.
    filters : attributes that series must have, by their DICOM keywords, as DICOM queries match them.
    """

    scheme: str
    place: str
    filters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``scheme:place?Keyword=value&…``.

        Raises
        ------
        SettingError : no scheme, no place, one filter twice, or a password, which everybody could read in a
            list of processes.
        """
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise SettingError(
                f"{text}: is no address of an archive; write dicomweb:http://host/dicom-web?Modality=CT"
            )
        place, _, query = match[2].partition("?")
        # The host by its place, as a damaged address has none that could be parsed.
        if "//" in place and "@" in place.partition("//")[2].partition("/")[0]:
            raise SettingError(
                f"{match[1]}:{place.rpartition('@')[2]}: the address holds a user or a password, which "
                "others can read; keep them in a netrc file or in SEMBLANCE_ARCHIVE_USER and _PASSWORD"
            )
        filters = parse_qsl(query, keep_blank_values=True)
        if twice := [key for number, (key, _) in enumerate(filters) if key in dict(filters[:number])]:
            raise SettingError(
                f"{match[1]}:{place}: {twice[0]} is given twice, and an archive takes one value; give the "
                "address twice, with one each"
            )
        return cls(match[1], place.rstrip("/"), dict(filters))

    def __str__(self) -> str:
        # Filters in order: one archive has one address, however it was typed.
        query = urlencode(sorted(self.filters.items()), safe="-*,:")
        return f"{self.scheme}:{self.place}" + (f"?{query}" if query else "")

    @property
    def shown(self) -> str:
        """The address without its filters, which may name a patient: what messages say."""
        return f"{self.scheme}:{self.place}"


def part_path(folder: Path) -> Path:
    """Return a path in a folder, which nothing has, for a file that is being written."""
    return folder / f"{_PART}{secrets.token_hex(8)}"


def is_part(path: Path) -> bool:
    """Tell if a file was being written, by its name."""
    return path.name.startswith(_PART)


class SeriesKey(NamedTuple):
    """The UIDs of a series and of its study."""

    study: str
    series: str


@dataclass(frozen=True)
class ArchivedSeries:
    """A series of an archive; ``n_images`` is None if the archive does not say how many it has."""

    key: SeriesKey
    n_images: int | None = None


class ArchivedFile(NamedTuple):
    """A file that came from an archive: its SOP instance UID, and where it was written."""

    uid: str
    path: Path


@dataclass(frozen=True)
class Changed:
    """What changed in an archive since a cursor.

    Parameters
    ----------
    series : those that are new or have changed, and are stable; None if the archive cannot tell.
    cursor : where to go on the next time; None if the archive cannot tell.
    n_images : in all of it, whatever the filters; None if the archive cannot tell.
    """

    series: tuple[SeriesKey, ...] | None = None
    cursor: str | None = None
    n_images: int | None = None


@runtime_checkable
class Archive(Protocol):
    """List series, write their files, and remember how far changes were seen.

    Every method raises ``ArchiveError``, one line that names the archive, and ``GoneError`` for a series
    that is not there any more. None but ``files`` writes to the disk.
    """

    def series(self) -> Iterator[ArchivedSeries]:
        """Yield each series that the filters of the address admit, once."""
        ...

    def instances(self, series: SeriesKey) -> list[str]:
        """Return the SOP instance UIDs of a series, rising, each once."""
        ...

    def files(
        self, series: SeriesKey, folder: Path, wanted: Collection[str] | None = None
    ) -> Iterator[ArchivedFile]:
        """Write the files of a series into a folder and yield each when it is whole; the caller deletes it.

        ``wanted`` are the SOP instance UIDs of those that are needed, by default all. What is written is
        DICOM Part 10. If the archive fails in the middle, what was yielded is whole.
        """
        ...

    def changed(self, cursor: str | None) -> Changed:
        """Return what changed since a cursor; without one, only the cursor of now."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class NamesImages(Protocol):
    """An archive whose images have names besides their UIDs, such as the keys of objects."""

    def name_of(self, uid: str) -> str:
        """Return the name of an image, printable; two images of one archive have two names."""
        ...


@runtime_checkable
class LeavesOut(Protocol):
    """An archive that may hold files which are in none of its series."""

    def left_out(self) -> list[tuple[str, str]]:
        """Return the name of each such file that the last listing met, printable, and why."""
        ...
