"""Identities: what two images are compared by when they are asked to be, or not to be, of one patient.

A file names its patient by a salted hash of the PatientID, a label table by a text. Both can mean one
person, so a text is hashed as the file's would be before the two are compared. What is shown stays as it is
written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...picture import Value
from ...readers.pseudonym import ANY_ISSUER, Key, hashed, recalled

Values = tuple[Value, ...]


class NumberedTexts:
    """Texts of images, by position, each distinct one a number; None is none.

    Attributes
    ----------
    is_known : bool by position, which images have a text.
    """

    def __init__(self, texts: Iterable[str | None], n: int) -> None:
        self._numbers: dict[str | None, int] = {None: 0}
        numbers = (self._numbers.setdefault(text, len(self._numbers)) for text in texts)
        self._of_image = np.fromiter(numbers, np.int32, n)
        self.is_known: NDArray[np.bool_] = self._of_image > 0

    def among(self, texts: Iterable[str]) -> NDArray[np.bool_]:
        """Return which images have one of some texts, bool by position."""
        wanted = [self._numbers[text] for text in texts if text in self._numbers]
        return np.isin(self._of_image, wanted)


class Identities:
    """The identities of all images in a column that files name too: patient, study or series.

    A text of a table that is itself a hash of the index, as an answer shows it, means that hash.

    Parameters
    ----------
    column : its name.
    tables, groups, metadata : of each image, by position: fields of the label table, hashes of its file, and
        its tags.
    salt : of the index.
    people : the hashes of patients that were kept (``readers.pseudonym.recalled``).

    Attributes
    ----------
    cells : the identity of each image, by position; () if it has none.
    """

    def __init__(
        self,
        column: str,
        tables: Sequence[Mapping[str, Any]],
        groups: Sequence[Mapping[str, Any]],
        metadata: Sequence[Mapping[str, Any]],
        salt: bytes,
        people: Mapping[str, str] | None = None,
    ) -> None:
        self.column, self._salt, self._people = column, salt, people or {}
        # Each distinct name is hashed once: there are far fewer patients than images.
        self._by_file = {str(own[column]) for own in groups if column in own}
        named = {str(own[column]) for own in tables if column in own}
        self._by_table = {text: self.of_text(text) for text in named}
        # A table's patient has precedence over all that the file says, its issuer too.
        self._without_issuer: list[str | None] = [
            str(tags[ANY_ISSUER])
            if column == "patient" and ANY_ISSUER in tags and column not in table
            else None
            for table, tags in zip(tables, metadata, strict=True)
        ]
        cells = [self._cell(table, own) for table, own in zip(tables, groups, strict=True)]
        # One and the same PatientID without and with an issuer: one person, unless two issuers give it.
        issued: dict[str, set[Value]] = defaultdict(set)
        for bare, cell in zip(self._without_issuer, cells, strict=True):
            if bare is not None and cell:
                issued[bare].add(cell[0])
        only = {bare: next(iter(found)) for bare, found in issued.items() if len(found) == 1}
        self.cells: list[Values] = [(only.get(str(cell[0]), cell[0]),) if cell else () for cell in cells]
        self._own: list[Values] = cells

    def _cell(self, table: Mapping[str, Any], own: Mapping[str, Any]) -> Values:
        if self.column in table:
            return (self._by_table[str(table[self.column])],)
        return (str(own[self.column]),) if self.column in own else ()

    def of_text(self, text: str) -> str:
        """Return the identity that a text of a table means."""
        if text in self._by_file:
            return text
        known = recalled(self._salt, text, self._people) if isinstance(self._salt, Key) else None
        return known or hashed(self._salt, self.column, text)

    def at(self, position: int) -> tuple[set[str], str | None]:
        """Return the names of an indexed image, and its PatientID's without the issuer that it names."""
        return {str(value) for value in self._own[position]}, self._without_issuer[position]

    def same(self, names: Collection[str], without_issuer: str | None) -> NDArray[np.bool_]:
        """Return which images are, or may be, of the person of some names, bool by position.

        A PatientID without an issuer may be that of each issuer; those of two issuers are two persons.
        """
        wanted = {*names, *([without_issuer] if without_issuer is not None else [])}
        own, bare = self._numbered
        return (own.among(wanted) | bare.among(names)) & own.is_known

    @cached_property
    def _numbered(self) -> tuple[NumberedTexts, NumberedTexts]:
        """The names of the images and those without issuers, as numbers: each query compares them all."""
        own = (str(cell[0]) if cell else None for cell in self._own)
        return NumberedTexts(own, len(self._own)), NumberedTexts(self._without_issuer, len(self._own))

    def apart(self) -> tuple[int, int] | None:
        """Return how many names are from tables and how many from files if no one is in both; else None."""
        known = self._by_file | {bare for bare in self._without_issuer if bare is not None}
        if not known or not self._by_table or known & set(self._by_table.values()):
            return None
        return len(self._by_table), len(self._by_file)
