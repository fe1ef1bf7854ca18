"""The UIDs of what came from archives, beside the key file and never in an index.

An index knows an image of an archive by a keyed hash of its SOP instance UID. To fetch its pixels again one
needs the UIDs, of the image, its series and its study. Who has the key file has these as well.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ...errors import ArchiveError
from ...readers.archive import Address, SeriesKey
from ...readers.pseudonym import Key, hashed
from .key_file import key_id, key_path

_TABLES = """
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, archive TEXT NOT NULL, study TEXT NOT NULL, uid TEXT NOT NULL,
    UNIQUE (archive, study, uid));
CREATE TABLE IF NOT EXISTS instance (
    archive TEXT NOT NULL, hash TEXT NOT NULL, series INTEGER NOT NULL REFERENCES series, uid TEXT NOT NULL,
    PRIMARY KEY (archive, hash)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS instance_series ON instance (series);
"""
_WAIT = 60.0
"""Seconds to wait for another process that writes."""


def image_id(key: Key, uid: str) -> str:
    """Return the id of an image of an archive: 16 digits, a keyed hash of its SOP instance UID."""
    return hashed(key, "sop instance", uid)


class Uids:
    """The UIDs of one archive, in a file that all indexes of a key share.

    Parameters
    ----------
    key : of the index.
    address : of the archive; its filters make no difference.

    Raises
    ------
    ArchiveError : the key is not at hand, or the file cannot be opened.
    """

    def __init__(self, key: Key, address: Address) -> None:
        path = key_path(key_id(key)) if key.is_known else None
        if path is None:
            raise ArchiveError(
                f"{address.shown}: its images cannot be found without the key; give --key FILE"
            )
        self._archive = hashed(key, "archive", address.shown)
        self._key = key
        place = path.with_name(f"{path.name}.uids")
        try:
            _make_private(place)
            self._file = sqlite3.connect(place, timeout=_WAIT)
            self._file.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise ArchiveError(f"{place}: the UIDs of archives cannot be kept here ({error})") from error

    def id_of(self, uid: str) -> str:
        """Return the id of an image by its SOP instance UID; it need not be known."""
        return image_id(self._key, uid)

    def remember(self, series: SeriesKey, uids: Iterable[str]) -> list[str]:
        """Keep the UIDs of a series, in one commit, and return the ids of its images in their order."""
        ids = {image_id(self._key, uid): uid for uid in uids}
        with self._file:
            number = self._number(series)
            self._file.executemany(
                "INSERT OR REPLACE INTO instance VALUES (?, ?, ?, ?)",
                [(self._archive, id, number, uid) for id, uid in ids.items()],
            )
        return list(ids)

    def _number(self, series: SeriesKey) -> int:
        about = (self._archive, series.study, series.series)
        self._file.execute("INSERT OR IGNORE INTO series (archive, study, uid) VALUES (?, ?, ?)", about)
        sql = "SELECT id FROM series WHERE archive = ? AND study = ? AND uid = ?"
        return int(self._file.execute(sql, about).fetchone()[0])

    def images_of(self, series: SeriesKey) -> list[str]:
        """Return the ids of the images of a series, as far as they are known."""
        sql = """SELECT i.hash FROM series s JOIN instance i ON i.series = s.id
            WHERE s.archive = ? AND s.study = ? AND s.uid = ? ORDER BY i.hash"""
        return [str(id) for (id,) in self._file.execute(sql, (self._archive, series.study, series.series))]

    def of(self, id: str) -> tuple[SeriesKey, str] | None:
        """Return the UIDs of an image: its series, and its own; None if they are not known."""
        sql = """SELECT s.study, s.uid, i.uid FROM instance i JOIN series s ON s.id = i.series
            WHERE i.archive = ? AND i.hash = ?"""
        row = self._file.execute(sql, (self._archive, id)).fetchone()
        return None if row is None else (SeriesKey(str(row[0]), str(row[1])), str(row[2]))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _make_private(path: Path) -> None:
    """Make a file that only its owner reads, before anything is written into it."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
