"""Columns: what is known of all images, column by column, for conditions and groups."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SettingError, did_you_mean
from ...metadata.label_table import LabelRow
from ...metadata.own_columns import has_own, without_own
from ...picture import Value
from ..catalogue.pictures import GROUPS, KINDS, Entry, Row, make_entry
from ..catalogue.stored_json import parse_many
from .identities import Identities, Values

# Columns that every image has, in the order of a row of the catalogue.
_PLAIN = ("id", "source", "rows", "cols")


class DistinctTexts:
    """Texts of images, by position, each distinct one kept once.

    Images of a series say much the same: a million of them have some thousand texts.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._of_image = array("i")

    def add(self, texts: Iterable[str]) -> None:
        """Add the texts of the next images."""
        known = self._numbers
        self._of_image.extend(known.setdefault(text, len(known)) for text in texts)

    def texts(self) -> list[str]:
        """Return the text of each image; equal ones are one object."""
        return self._spread(list(self._numbers))

    def parsed(self, kind: type) -> tuple[list[Any], list[Any]]:
        """Return what the text of each image holds, and what the distinct ones hold."""
        distinct = parse_many(list(self._numbers), kind, "what it says of images")
        return self._spread(distinct), distinct

    def _spread(self, distinct: Sequence[Any]) -> list[Any]:
        return list(map(distinct.__getitem__, self._of_image))


class Columns:
    """Hold what is known of every image, by position.

    A value is looked for in the columns of the label table, then the groups, then the tags, then what every
    image has: ``id``, ``source``, ``rows``, ``cols``. ``label`` holds the labels.

    Parameters
    ----------
    images : the names of the images.
    pages : their rows of the catalogue, in the same order, some thousand at a time.
    salt : of the index, to compare names of a label table with those of files.
    people : reads the hashes of patients that were kept (``catalogue.people``).

    Attributes
    ----------
    names : of all columns, in order.
    """

    def __init__(
        self,
        images: Sequence[str],
        pages: Iterable[Sequence[Row]],
        salt: bytes = b"",
        people: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._images, self._salt, self._people = images, salt, people
        self._identities: dict[str, Identities] = {}
        sources, texts, sizes = DistinctTexts(), [DistinctTexts() for _ in KINDS], [np.empty((0, 4))]
        for page in pages:
            sources.add(row[1] for row in page)
            sizes.append(np.array([row[2:6] for row in page], dtype=np.float64))  # NaN for None
            for place, own in enumerate(texts, start=6):
                own.add(row[place] for row in page)
        self._sources, self._sizes = sources.texts(), np.concatenate(sizes)
        parsed = [own.parsed(kind) for own, kind in zip(texts, KINDS, strict=True)]
        self._groups, self._metadata, self._labels, self._tables = (whole for whole, _ in parsed)
        # Of tables, groups and metadata, in the order of their precedence.
        named = [frozenset[str]().union(*distinct) for _, distinct in parsed]
        if has_own(named[3]):
            self._tables = list(map(without_own, self._tables, self._metadata))
            named[3] = frozenset[str]().union(*self._tables)
        self._layers = [(self._tables, named[3]), (self._groups, named[0]), (self._metadata, named[1])]
        self._cells: dict[str, list[Values]] = {}
        self.names = sorted({*_PLAIN, *GROUPS, "label"}.union(*(names for _, names in self._layers)))

    def values(self, name: str) -> list[Values]:
        """Return a column. Raise SettingError, which lists the columns there are, for an unknown one."""
        if name not in self.names:
            there = f"{', '.join(self.names)}{did_you_mean(name, self.names)}"
            raise SettingError(f"no column {name!r} in this index; it has {there}")
        # A condition, a grouping and an evaluation often ask for the same column of all images.
        if name not in self._cells:
            self._cells[name] = (
                [tuple(cell) for cell in self._labels] if name == "label" else self._found(name)
            )
        return self._cells[name]

    def identities(self, name: str) -> list[Values]:
        """Return a column as it is compared: a patient of a table can be the patient of a file's header.

        So for patients, studies and series; others are returned as they are. Raises SettingError for an
        unknown one.
        """
        values = self.values(name)
        return self.people(name).cells if name in GROUPS else values

    def people(self, name: str) -> Identities:
        """Return the identities in one of the columns that files name too (``GROUPS``)."""
        if name not in self._identities:
            about = (self._tables, self._groups, self._metadata, self._salt)
            self._identities[name] = Identities(name, *about, self._people() if name == "patient" else {})
        return self._identities[name]

    def entry(self, position: int) -> Entry:
        """Return what is known of one image."""
        parts = (self._groups, self._metadata, self._labels, self._tables)
        row = (*(self._plain(name, position) for name in _PLAIN), *_spacing(self._sizes[position]))
        return make_entry(row, *(part[position] for part in parts))

    def label_row(self, position: int) -> LabelRow:
        """Return what label tables say of one image: a row that would say it again."""
        return LabelRow(tuple(self._labels[position]), self._tables[position], 0)

    def _found(self, name: str) -> list[Values]:
        n = len(self._images)
        cells: list[Values] = [(self._plain(name, at),) for at in range(n)] if name in _PLAIN else [()] * n
        # From the weakest layer to the strongest, each overwrites the cells that it has.
        for layer, names in reversed(self._layers):
            if name in names:
                cells = [
                    (own[name],) if name in own else cell for own, cell in zip(layer, cells, strict=True)
                ]
        if name in GROUPS:  # pseudonyms are text; a table that writes patient 7 must match patient "7"
            return [tuple(map(str, cell)) if cell else cell for cell in cells]
        return cells

    def _plain(self, name: str, position: int) -> Value:
        if name in ("id", "source"):
            return (self._images if name == "id" else self._sources)[position]
        return int(self._sizes[position, 0 if name == "rows" else 1])


def _spacing(size: NDArray[np.float64]) -> tuple[float | None, float | None]:
    rows, columns = (None if np.isnan(one) else float(one) for one in size[2:])
    return rows, columns
