"""The tree of a condition: tests of columns, joined by and, or and not."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..picture import Value, as_number

Values = tuple[Value, ...]
Mask = NDArray[np.bool_]
Table = Mapping[str, Sequence[Values]]


def is_equal(value: Value, literal: Value) -> bool:
    """Tell whether a value is what a condition names."""
    # The literal decides: 7 is a number, and equal to the text "7.0"; '7' is a text, and is not.
    return plain(value) == plain(literal) if isinstance(literal, str) else as_number(value) == literal


def plain(value: Value) -> str:
    """Return a value as quotes name it: a whole number without a point, letters with accents as one."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    # Some file systems take "ö" apart, and names of folders and tables keep that; keyboards do not.
    return unicodedata.normalize("NFC", str(value))


@dataclass(frozen=True)
class ColumnTest:
    """A test of the values that one column has in one row.

    Parameters
    ----------
    sign : what compares, such as ``<``; empty if values are not compared.
    literals : what they are compared with.
    """

    column: str
    test: Callable[[Values], bool]
    sign: str = ""
    literals: tuple[Value, ...] = ()

    def holds(self, table: Table) -> Mask:
        """Return for each of n rows whether it holds, bool (n,); each distinct cell is tested once.

        Raise SettingError if no value there can be compared with a literal, which would find nothing.
        """
        cells = table[self.column]
        # Columns hold few distinct values, whatever the number of pictures.
        distinct = set(cells)
        self._check({value for cell in distinct for value in cell})
        found = {cell: self.test(cell) for cell in distinct}
        return np.array([found[cell] for cell in cells], dtype=np.bool_)

    def _check(self, values: Collection[Value]) -> None:
        texts = [value for value in values if isinstance(value, str)]
        # Of a label table numbers are texts, and a text may well be equal to none of them today.
        is_numbers = not texts or (self.sign.startswith(("<", ">")) and None not in map(as_number, texts))
        for literal in self.literals if values else ():
            about = f"where: {self.column} {self.sign} {literal!r}: {self.column} holds"
            if isinstance(literal, str) and as_number(literal) is None and is_numbers:
                raise SettingError(f"{about} numbers; compare it with a number, without quotes")
            if not isinstance(literal, str) and all(as_number(value) is None for value in values):
                raise SettingError(f"{about} texts; compare it with a text in single quotes, '{literal}'")

    def unknown(self, table: Table) -> list[Value]:
        """Return the literals that equal no value of the column, if it is asked which are equal."""
        if self.sign not in ("=", "in"):
            return []
        known = {value for cell in set(table[self.column]) for value in cell}
        return [one for one in self.literals if not any(is_equal(value, one) for value in known)]


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
