"""Annotations: labels and columns of images, from a label table if it has them, else from the index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ...errors import SettingError
from ...metadata.filter import Condition
from ...metadata.groups import Cells, keep_together, narrower, says_nothing
from ...metadata.label_table import LabelRow, LabelTable
from ...metadata.own_columns import has_own, refuse_own_columns
from ...picture import Value
from ..catalogue.pictures import GROUPS
from .identities import Values
from .snapshot import Snapshot


class Annotations:
    """The labels and columns of every image of a snapshot, by position.

    Parameters
    ----------
    snapshot : the images.
    table : replaces the labels of the index, and its columns of the same names, by image or file; None if the
        index is to answer alone.

    Raises SettingError for a table with columns that an index fills itself.
    """

    def __init__(self, snapshot: Snapshot, table: LabelTable | None = None) -> None:
        self.snapshot = snapshot
        if table is not None and has_own(chain.from_iterable(row.columns for row in table.rows.values())):
            refuse_own_columns(table, "um_per_px" in snapshot.columns.names)
        self._table = None if table is None else by_ids(table, snapshot)

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """The labels of each image, () if none are known."""
        return [tuple(str(value) for value in cell) for cell in self.values("label")]

    def values(self, column: str) -> list[Values]:
        """Return a column of the table if it has one of that name, else of the index.

        Raises SettingError, which lists the columns there are, for an unknown one.
        """
        rows = {} if self._table is None else self._table.rows
        # Labels are replaced as a whole: an image that the table leaves out has none, so that a query cannot
        # mix two sets of classes.
        if self._table is not None and column == "label":
            return [() if row is None else row.labels for row in self._rows()]
        if not any(column in row.columns for row in rows.values()):
            return self.snapshot.columns.values(column)
        return [() if r is None or column not in r.columns else (r.columns[column],) for r in self._rows()]

    def meets(self, where: str | None) -> NDArray[np.bool_]:
        """Return which images meet a condition, bool by position; all if it is None."""
        if where is None:
            return np.ones(len(self.snapshot), dtype=bool)
        condition = Condition.parse(where)
        return condition.holds(self._table_of(condition))

    def unknown_values(self, where: str) -> list[tuple[str, Value, list[str]]]:
        """Return what a condition asks for and no image has: column, value, and the values that there are."""
        condition = Condition.parse(where)
        table = self._table_of(condition)
        return [
            (column, value, sorted({str(one) for cell in table[column] for one in cell}))
            for column, value in condition.unknown_values(table)
        ]

    def _table_of(self, condition: Condition) -> dict[str, list[Values]]:
        return {name: self.spelt(name) for name in condition.columns}

    def spelt(self, column: str) -> list[Values]:
        """Return a column with all spellings of its values: a table's patient names that of a header, too."""
        values = self.values(column)
        if column not in GROUPS:
            return values
        spelt: dict[Value, set[Value]] = {}
        identities = self._identities(column)
        for cell, own in zip(identities, values, strict=True):
            if cell:
                spelt.setdefault(cell[0], set()).update(own)
        return [tuple(sorted(spelt[cell[0]], key=str)) if cell else () for cell in identities]

    def groups(self, column: str | None) -> tuple[str | None, list[str]]:
        """Return the column that keeps images together, and the group of each image, by position.

        Without ``column`` it is the first of ``KEPT_TOGETHER`` in which any image has a value, or None; those
        without one there are kept together by the next, at last by their file. An image without any is a
        group of its own.
        """
        columns = self._usual_groups() if column is None else iter([(column, self._identities(column))])
        # The others are looked up only if the first leaves an image alone.
        first = next(columns, ("", [()] * len(self.snapshot)))
        groups = keep_together(len(self.snapshot), chain([first], columns))
        named = zip(groups, self.snapshot.names, strict=True)
        # A group is a tuple: its text is that of no image alone.
        return first[0] or None, [f"# {name}" if group is None else str(group) for group, name in named]

    def unmatched(self) -> tuple[str, ...]:
        """Return the paths in the table that name no image; as pseudonyms if the index hides names."""
        if self._table is None:
            return ()
        known = _known(self.snapshot)
        return tuple(path for path in self._table.rows if path not in known)

    def _identities(self, column: str) -> list[Values]:
        """Return a column as its values are compared; those of a table meet those of files."""
        rows = {} if self._table is None else self._table.rows
        if not any(column in row.columns for row in rows.values()):
            return self.snapshot.columns.identities(column)
        if column not in GROUPS:
            return self.values(column)
        people = self.snapshot.columns.people(column)
        return [tuple(people.of_text(str(value)) for value in cell) for cell in self.values(column)]

    def _usual_groups(self) -> Iterator[tuple[str, Cells]]:
        """Yield what keeps images together by default, in order, and the values there."""
        for column in narrower(None):
            try:
                cells = self._identities(column)
            except SettingError:  # neither the table nor the index has such a column
                continue
            if not says_nothing(column, cells):
                yield column, cells

    def _rows(self) -> list[LabelRow | None]:
        """Return the row of the table for each image, else for its file; None without either."""
        assert self._table is not None
        rows = self._table.rows
        sources = self.snapshot.columns.values("source")
        named = zip(self.snapshot.names, sources, strict=True)
        return [rows.get(name) or rows.get(str(source[0])) for name, source in named]


def by_ids(table: LabelTable, snapshot: Snapshot) -> LabelTable:
    """Return a table by what the index calls its images and files, which may be pseudonyms of their names."""
    names = snapshot.catalogue.names
    if not names.are_hidden:
        return table
    known, rows = _known(snapshot), dict[str, LabelRow]()
    for path, row in table.rows.items():
        rows.setdefault(names.known(path, known.__contains__) or names.shown(path), row)
    return replace(table, rows=rows)


def _known(snapshot: Snapshot) -> set[str]:
    """Return the ids of all images, and the names of their files."""
    return {str(cell[0]) for cell in snapshot.columns.values("source")}.union(snapshot.names)
