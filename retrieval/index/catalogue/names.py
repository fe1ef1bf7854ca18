"""The names of all images, and their numbers in the order of names, which every opening of an index reads."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from .connection import MOST_OF_A_CELL
from .database import Catalogue

_END = "\n"
"""Parts names; one that holds it, as only an early version could write, makes us read row by row."""

_LOOKED_AT = 32  # names
_PIECE = 16_384  # names that are strings at a time while their order is looked at


def numbers_by_name(catalogue: Catalogue) -> NDArray[np.int64]:
    """Return the numbers of all images in the order of their names, int64 (n,)."""
    # Joined by SQLite: one text is read in a third of the time of as many rows as there are images.
    ((n, last),) = catalogue.rows("SELECT count(*), max(id) FROM picture")
    if n * len(f"{last},") < MOST_OF_A_CELL:
        sql = "SELECT group_concat(id) FROM (SELECT id FROM picture ORDER BY name)"
        ids = np.fromstring(catalogue.rows(sql)[0][0] or "", np.int64, sep=",")
        if _some_rise(catalogue, ids):
            return ids
    rows = catalogue.rows("SELECT id FROM picture ORDER BY name")
    return np.fromiter((row[0] for row in rows), np.int64, len(rows))


def _some_rise(catalogue: Catalogue, ids: NDArray[np.int64]) -> bool:
    """Tell whether some of the names under numbers rise: SQLite promises the order only of rows."""
    some = ids[:: max(1, len(ids) // _LOOKED_AT)]
    names = [catalogue.rows("SELECT name FROM picture WHERE id = ?", id)[0][0] for id in some.tolist()]
    return names == sorted(names)


def all_names(catalogue: Catalogue) -> Sequence[str]:
    """Return the names of all images, rising."""
    sql = "SELECT count(*), total(length(CAST(name AS BLOB)) + 1) FROM picture"
    ((n, n_bytes),) = catalogue.rows(sql)
    if not n:
        return []
    if n_bytes < MOST_OF_A_CELL:
        sql = "SELECT CAST(group_concat(name, ?) AS BLOB) FROM (SELECT name FROM picture ORDER BY name)"
        names = JoinedNames(catalogue.rows(sql, _END)[0][0])
        if len(names) == n and names.rises():
            return names
    return [row[0] for row in catalogue.rows("SELECT name FROM picture ORDER BY name")]


class JoinedNames(Sequence[str]):
    """Names as one text; a string is made of each that is asked for, and of all when they are gone through.

    A query by name looks at some thirty of a million names: as strings these take 70 MB and a tenth of a
    second.

    Parameters
    ----------
    joined : the names in UTF-8, with a line feed between them.
    """

    def __init__(self, joined: bytes) -> None:
        self._joined = joined
        ends = np.flatnonzero(np.frombuffer(joined, np.uint8) == ord(_END))
        self._starts = np.concatenate([[0], ends + 1, [len(joined) + 1]])
        self._all: list[str] | None = None

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        """Return a name, or those of a slice."""
        if self._all is not None:
            return self._all[at]
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        place = range(len(self))[at]  # as a list counts from its end, and refuses what is beyond
        return self._joined[self._starts[place] : self._starts[place + 1] - 1].decode()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[str]:
        # Whoever goes through all of them does so again: grouping, browsing, completion.
        if self._all is None:
            self._all = self._joined.decode().split(_END)
        return iter(self._all)

    def __eq__(self, other: object) -> bool:
        """Tell whether the names are those of another sequence."""
        return isinstance(other, Sequence) and len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def rises(self) -> bool:
        """Tell whether no name is below the one before it."""
        last = ""
        for first in range(0, len(self), _PIECE):
            piece = self._piece(first, min(first + _PIECE, len(self)))
            if piece != sorted(piece) or piece[0] < last:
                return False
            last = piece[-1]
        return True

    def _piece(self, first: int, end: int) -> list[str]:
        return self._joined[self._starts[first] : self._starts[end] - 1].decode().split(_END)


def find(names: Sequence[str], name: str) -> int | None:
    """Return the place of a name among names in order; None if it is not there."""
    # A table of the places of a million names takes longer to make than a query.
    at = bisect_left(names, name)
    return at if at < len(names) and names[at] == name else None
