"""The names of the images of one commit: a few are looked up, and all are read when many are asked for.

A query by name looks at some ten of a million names; to read all takes longer than to rank them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np

from ...ranker import Ids
from ..catalogue.database import Catalogue
from ..catalogue.names import all_names, find
from .snapshot_rankers import MovedOnError

_FEW = 100
"""Names that are looked up one by one; whoever asks for more will ask for many."""


class ImageNames(Sequence[str]):
    """Names in order; asking raises ``MovedOnError`` if a later commit has taken them away.

    Parameters
    ----------
    ids : int64 (n,), the number of each image in the catalogue, by position.
    generation : of the commit.
    """

    def __init__(self, catalogue: Catalogue, ids: Ids, generation: int) -> None:
        self._catalogue, self._ids, self._generation = catalogue, ids, generation
        self._n_asked = 0
        self._found: dict[str, int] = {}
        self._all: Sequence[str] | None = None

    def all(self) -> Sequence[str]:
        """Return all names, as a sequence that no later commit changes."""
        if self._all is None:
            names = all_names(self._catalogue)
            self._check_same()  # after it: whatever was there before is of this commit too
            self._all = names
        return self._all

    def find(self, name: str) -> int | None:
        """Return the position of a name; None if no image has it."""
        self._n_asked += 1
        if self._all is not None or self._n_asked > _FEW:
            return find(self.all(), name)
        if name in self._found:  # a query asks for its own position ten times
            return self._found[name]
        try:
            rows = self._catalogue.rows("SELECT id FROM picture WHERE name = ?", name)
        except UnicodeEncodeError:  # bytes of a command line that are no text
            return None
        places = np.flatnonzero(self._ids == rows[0][0]) if rows else np.empty(0, np.int64)
        if not len(places):
            self._check_same()  # an image that was removed since, or is new
            return None
        return self._found.setdefault(name, int(places[0]))

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        """Return a name, or those of a slice."""
        if isinstance(at, slice):
            return list(self.all()[at])
        self._n_asked += 1
        if self._all is not None or self._n_asked > _FEW:
            return self.all()[at]
        id = int(self._ids[range(len(self))[at]])  # as a list counts from its end, and refuses what is beyond
        rows = self._catalogue.rows("SELECT name FROM picture WHERE id = ?", id)
        if not rows:
            raise MovedOnError
        return str(rows[0][0])

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self.all())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find(name) is not None

    def _check_same(self) -> None:
        if self._catalogue.generation != self._generation:
            raise MovedOnError
