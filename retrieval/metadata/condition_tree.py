"""The tree of a condition: tests of columns, joined by and, or and not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..picture import Value

Values = tuple[Value, ...]
Mask = NDArray[np.bool_]
Table = Mapping[str, Sequence[Values]]


@dataclass(frozen=True)
class ColumnTest:
    """A test of the values that one column has in one row."""

    column: str
    test: Callable[[Values], bool]

    def holds(self, table: Table) -> Mask:
        """Return for each of n rows whether it holds, bool (n,); each distinct cell is tested once."""
        cells = table[self.column]
        # Columns hold few distinct values, whatever the number of pictures.
        found = {cell: self.test(cell) for cell in set(cells)}
        return np.array([found[cell] for cell in cells], dtype=np.bool_)


@dataclass(frozen=True)
class AllHold:
    """All parts hold."""

    parts: tuple[Node, ...]

    def holds(self, table: Table) -> Mask:
        """Return for each of n rows whether it holds, bool (n,)."""
        return np.asarray(np.logical_and.reduce([part.holds(table) for part in self.parts]))


@dataclass(frozen=True)
class AnyHolds:
    """One of the parts holds, or more."""

    parts: tuple[Node, ...]

    def holds(self, table: Table) -> Mask:
        """Return for each of n rows whether it holds, bool (n,)."""
        return np.asarray(np.logical_or.reduce([part.holds(table) for part in self.parts]))


@dataclass(frozen=True)
class HoldsNot:
    """The part does not hold."""

    part: Node

    def holds(self, table: Table) -> Mask:
        """Return for each of n rows whether it holds, bool (n,)."""
        return ~self.part.holds(table)


Node = ColumnTest | AllHold | AnyHolds | HoldsNot
