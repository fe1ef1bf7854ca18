"""The places: which case and which stack each picture belongs to, and where in the stack it lies."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .columns import Columns


class StackPositions:
    """Number the pictures of one commit by what they belong to, each question answered once.

    Positions of pictures are their places in the order of all names.
    """

    def __init__(self, columns: Columns, names: Sequence[str]) -> None:
        self._columns = columns
        self._names = names
        self._cases: dict[str, NDArray[np.int64]] = {}
        self._lying: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None

    def cases(self, column: str) -> NDArray[np.int64]:
        """Return the case of each picture, int64 (n,) from 0; one without a value is a case of its own.

        Raises SettingError for an unknown column.
        """
        if column not in self._cases:
            cells = self._columns.values(column)
            self._cases[column] = _numbered((cell or i) for i, cell in enumerate(cells))
        return self._cases[column]

    def value(self, column: str, position: int) -> str:
        """Return what a picture's case is called: its value, else the picture's name."""
        cell = self._columns.values(column)[position]
        return ";".join(str(value) for value in cell) if cell else self._names[position]

    def lying(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the stack of each picture, int64 (n,), and its millimetres along the normal, NaN: not known.

        Slices of one series and direction count as one stack here: those of another echo lie beside each
        other.
        """
        if self._lying is None:
            there = set(self._columns.names)
            series, normal, plane, position = (
                self._columns.values(name) if name in there else [()] * len(self._names)
                for name in ("series", "normal", "plane", "position")
            )
            keys = (
                (s, n or p) if s else i for i, (s, n, p) in enumerate(zip(series, normal, plane, strict=True))
            )
            heights = [
                float(cell[0]) if cell and isinstance(cell[0], int | float) else np.nan for cell in position
            ]
            self._lying = _numbered(keys), np.array(heights, dtype=np.float64)
        return self._lying


def _numbered(keys: Iterable[Hashable]) -> NDArray[np.int64]:
    """Return a number for each key, the same for the same, from 0 in the order of their first place."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.int64)
