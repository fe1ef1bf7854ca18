"""What is told of pictures: labels and columns, by a label table where it has them, else by the index."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import SettingError
from ...metadata.filter import Condition
from ...metadata.label_table import LabelRow, LabelTable
from .columns import Values
from .snapshot import Snapshot

GROUPS = ("patient", "group")
"""What keeps pictures together where nothing is said: the first of these that any picture has."""


class Annotations:
    """The labels and columns of every picture of a snapshot, by position.

    Parameters
    ----------
    table : takes the place of the labels in the index, and of the columns that it has, by picture or file;
        None: all is as the index has it.
    """

    def __init__(self, snapshot: Snapshot, table: LabelTable | None) -> None:
        self._snapshot, self._table = snapshot, table

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """The labels of each picture; none where nothing is known."""
        return [tuple(str(value) for value in cell) for cell in self.values("label")]

    def values(self, column: str) -> list[Values]:
        """Return a column: of the table where it has one of that name, else of the index.

        Raises SettingError, which names the columns there are, for an unknown one.
        """
        rows = {} if self._table is None else self._table.rows
        if self._table is not None and column == "label":
            return [() if row is None else row.labels for row in self._rows()]
        if not any(column in row.columns for row in rows.values()):
            return self._snapshot.columns.values(column)
        return [() if r is None or column not in r.columns else (r.columns[column],) for r in self._rows()]

    def meets(self, where: str | None) -> NDArray[np.bool_]:
        """Return which pictures meet a condition, bool by position; all where it is None."""
        if where is None:
            return np.ones(len(self._snapshot), dtype=bool)
        condition = Condition.parse(where)
        return condition.holds({name: self.values(name) for name in condition.columns})

    def groups(self, column: str | None) -> tuple[str | None, list[str]]:
        """Return the column that keeps pictures together, and the group of each picture, by position.

        Without ``column`` it is the first of ``GROUPS`` in which any picture has a value; None where there is
        none. A picture without a value is a group of its own.
        """
        cells: list[Values] = [() for _ in self._snapshot.names]
        if column is not None:
            cells = self.values(column)
        else:
            for name in GROUPS:
                try:
                    found = self.values(name)
                except SettingError:
                    continue
                if any(found):
                    column, cells = name, found
                    break
        named = zip(cells, self._snapshot.names, strict=True)
        return column, [f"= {cell[0]}" if cell else f"# {name}" for cell, name in named]

    def unmatched(self) -> tuple[str, ...]:
        """Return the rows of the table that name no picture."""
        if self._table is None:
            return ()
        known = {str(cell[0]) for cell in self._snapshot.columns.values("source")}.union(self._snapshot.names)
        return tuple(path for path in self._table.rows if path not in known)

    def _rows(self) -> list[LabelRow | None]:
        """Return what the table says of each picture, or of its file."""
        assert self._table is not None
        rows = self._table.rows
        sources = self._snapshot.columns.values("source")
        named = zip(self._snapshot.names, sources, strict=True)
        return [rows.get(name) or rows.get(str(source[0])) for name, source in named]
