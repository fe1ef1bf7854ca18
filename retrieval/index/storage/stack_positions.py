"""Stack positions: the case and the stack of each image, and its place in the stack."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ...metadata.groups import Cells, keep_together, narrower, says_nothing
from ...picture import as_number
from .columns import Columns
from .identities import Values


class StackPositions:
    """Number the images of one commit by what they belong to; each answer is computed once.

    Parameters
    ----------
    columns : what is known of the images, by position.
    names : of the images, by position.
    """

    def __init__(self, columns: Columns, names: Sequence[str]) -> None:
        self._columns = columns
        self._names = names
        self._cases: dict[str, NDArray[np.int64]] = {}
        self._independent: dict[str, NDArray[np.int64]] = {}
        self._slice_positions: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None

    def cases(self, column: str) -> NDArray[np.int64]:
        """Return the case of each image, int64 (n,) from 0; an image without a value is a case of its own.

        Raises SettingError for an unknown column.
        """
        if column not in self._cases:
            cells = self._columns.identities(column)
            # A tuple of values never equals an int, so that images without a value stay alone.
            self._cases[column] = _numbered((cell or i) for i, cell in enumerate(cells))
        return self._cases[column]

    def independent_cases(self, column: str) -> NDArray[np.int64]:
        """Return the cases as they are counted, int64 (n,) from 0: slices of one volume are no cases each.

        An image without a value is kept with those of its group, study, series, slide or file, the first of
        these that it has and that is no wider than the column. Raises SettingError for an unknown column.
        """
        if column not in self._independent:
            groups = keep_together(len(self._names), self._columns_of(column))
            self._independent[column] = _numbered(i if g is None else g for i, g in enumerate(groups))
        return self._independent[column]

    def _columns_of(self, column: str) -> Iterator[tuple[str, Cells]]:
        yield column, self._columns.identities(column)
        # Each is looked up only if the ones before it leave an image alone.
        for name in narrower(column):
            if name in self._columns.names and not says_nothing(name, self._columns.identities(name)):
                yield name, self._columns.identities(name)

    def value(self, column: str, position: int) -> str:
        """Return the name of an image's case: its value in the column, else the image's name."""
        cell = self._columns.values(column)[position]
        return ";".join(str(value) for value in cell) if cell else self._names[position]

    def slice_positions(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the stack of each image, int64 (n,), and its millimetres along the normal; NaN if unknown.

        Slices of one series and one normal count as one stack. A series may hold several directions, such as
        the planes of a localizer; several echoes of the same slice share a place.
        """
        if self._slice_positions is None:
            there = set(self._columns.names)  # an index without DICOM files lacks these columns
            series, normal, plane, position = (
                self._columns.values(name) if name in there else [()] * len(self._names)
                for name in ("series", "normal", "plane", "position")
            )
            keys = (
                (s, n or p) if s else i for i, (s, n, p) in enumerate(zip(series, normal, plane, strict=True))
            )
            heights = [np.nan if (n := _number(cell)) is None else float(n) for cell in position]
            self._slice_positions = _numbered(keys), np.array(heights, dtype=np.float64)
        return self._slice_positions


def _number(cell: Values) -> int | float | None:
    # A label table may say where slices are that are kept as plain images; its fields are texts.
    return as_number(cell[0]) if cell else None


def _numbered(keys: Iterable[Hashable]) -> NDArray[np.int64]:
    """Return a number for each key, equal for equal keys, from 0 in the order of first occurrence."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.int64)
