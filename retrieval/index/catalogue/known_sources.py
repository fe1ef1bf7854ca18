"""The files that an index knows: what it recognises each by, looked up some hundreds at a time.

All of an index of a million files, as objects, would take a gigabyte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .database import Catalogue
from .files import Stat, State
from .number_set import NumberSet
from .tombstones import tombstone_path_key

_PAGE = 1000
"""Files at a time; two values of each are in one statement, of which SQLite takes 32,766."""

NO_IMAGES = (State.IGNORED, State.REMOVED)
"""The states of files of which no image is in the index, or to come."""

_SELECT = """SELECT path, id, name, size, mtime_ns, inode, ctime_ns, state, reason, part, whole
    FROM source WHERE root = ? AND """


class KnownSource(NamedTuple):
    """What the index recognises a file by; ``part`` and ``whole`` are hashes of its contents."""

    id: int
    name: str
    stat: Stat
    state: State
    reason: str
    part: bytes | None
    whole: bytes | None


def each_source(catalogue: Catalogue, root: int) -> Iterator[tuple[bytes, KnownSource]]:
    """Yield the path below an indexed folder, and what is known, of each file of it, by number."""
    last = 0
    while page := catalogue.rows(f"{_SELECT} id > ? ORDER BY id LIMIT {_PAGE}", root, last):
        for row in page:
            yield catalogue.names.path(bytes(row[0])), _known(row)
        last = page[-1][1]


def known_sources(catalogue: Catalogue, root: int) -> dict[bytes, KnownSource]:
    """Return the files of an indexed folder, by their paths below it."""
    return dict(each_source(catalogue, root))


class Recognised:
    """Look up the files of an indexed folder by their paths, and note which were found.

    Parameters
    ----------
    catalogue : of the index.
    root : the number of the folder.
    salt : the key of the paths of removed files.
    """

    def __init__(self, catalogue: Catalogue, root: int, salt: bytes) -> None:
        self._catalogue, self._root, self._salt = catalogue, root, salt
        self._kept, self._n_found = NumberSet(), 0
        self.n = int(catalogue.rows("SELECT count(*) FROM source WHERE root = ?", root)[0][0])
        sql = "SELECT 1 FROM source WHERE root = ? AND state = 'removed' LIMIT 1"
        self._has_removed = bool(catalogue.rows(sql, root))

    def n_images(self) -> int:
        """Return how many files of the folder have images in the index by now, or to come."""
        sql = "SELECT count(*) FROM source WHERE root = ? AND state NOT IN (?, ?)"
        return int(self._catalogue.rows(sql, self._root, *NO_IMAGES)[0][0])

    def find(self, paths: Sequence[bytes]) -> list[KnownSource | None]:
        """Return what is known of the file at each path below the folder, None of a new one.

        Each is asked for once. A removed file is found by the hash of its path.
        """
        found: list[KnownSource | None] = []
        for first in range(0, len(paths), _PAGE) if self.n else ():
            found += self._page(paths[first : first + _PAGE])
        return found or [None] * len(paths)

    def _page(self, paths: Sequence[bytes]) -> list[KnownSource | None]:
        kept = [self._catalogue.names.keep(path) for path in paths]
        keys = [tombstone_path_key(self._salt, path) for path in paths] if self._has_removed else kept
        known = self._at([*kept, *keys] if self._has_removed else kept)
        found = [known.get(path) or known.get(key) for path, key in zip(kept, keys, strict=True)]
        self._n_found += sum(one is not None for one in found)
        return found

    def keep(self, id: int) -> None:
        """Note that a file is there, under a number that may be another than the one it was found by."""
        self._kept.add(id)

    def _at(self, kept: Sequence[bytes]) -> Mapping[bytes, KnownSource]:
        marks = ", ".join("?" * len(kept))
        rows = self._catalogue.rows(f"{_SELECT} path IN ({marks})", self._root, *kept)
        return {bytes(row[0]): _known(row) for row in rows}

    def rest(self) -> Iterator[tuple[bytes, KnownSource]]:
        """Yield the path and what is known of each file that was not found, and is not kept."""
        if self._n_found < self.n:
            for path, one in each_source(self._catalogue, self._root):
                if one.id not in self._kept:
                    yield path, one


def _known(row: Sequence[object]) -> KnownSource:
    _, id, name, *rest = row
    return KnownSource(id, name, Stat(*rest[:4]), State(rest[4]), *rest[5:])  # type: ignore[arg-type]
