"""Columns: what is known of all images, column by column, for conditions and groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...errors import SettingError, did_you_mean
from ...metadata.label_table import LabelRow
from ..catalogue.pictures import GROUPS, KINDS, Entry, Row, make_entry
from ..catalogue.stored_json import parse_many
from .identities import Identities, Values

# Columns that every image has, by their place in a row of the catalogue.
_PLAIN = {"id": 0, "source": 1, "rows": 2, "cols": 3}


class Columns:
    """Hold what is known of every image, by position.

    A value is looked for in the columns of the label table, then the groups, then the tags, then what every
    image has: ``id``, ``source``, ``rows``, ``cols``. ``label`` holds the labels.

    Parameters
    ----------
    rows : of the catalogue, in the order of the positions.
    salt : of the index, to compare names of a label table with those of files.
    people : reads the hashes of patients that were kept (``catalogue.people``).

    Attributes
    ----------
    names : of all columns, in order.
    """

    def __init__(
        self, rows: Sequence[Row], salt: bytes = b"", people: Callable[[], Mapping[str, str]] = dict
    ) -> None:
        self._rows, self._salt, self._people = rows, salt, people
        self._identities: dict[str, Identities] = {}
        groups, self._metadata, self._labels, tables = (
            parse_many([row[6 + i] for row in rows], kind, "what it says of images")
            for i, kind in enumerate(KINDS)
        )
        self._groups, self._tables = groups, tables
        self._cells: dict[str, list[Values]] = {}
        self.names = sorted({*_PLAIN, *GROUPS, "label"}.union(*groups, *self._metadata, *tables))

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
        return make_entry(self._rows[position], *(part[position] for part in parts))

    def label_row(self, position: int) -> LabelRow:
        """Return what label tables say of one image: a row that would say it again."""
        return LabelRow(tuple(self._labels[position]), self._tables[position], 0)

    def _found(self, name: str) -> list[Values]:
        layers = (self._tables, self._groups, self._metadata)
        at = _PLAIN.get(name)
        cells: list[Values] = [() if at is None else (row[at],) for row in self._rows]
        # From the weakest layer to the strongest, each overwrites the cells that it has.
        for layer in reversed(layers):
            cells = [
                (found[name],) if name in found else cell for found, cell in zip(layer, cells, strict=True)
            ]
        if name in GROUPS:  # pseudonyms are text; a table that writes patient 7 must match patient "7"
            return [tuple(str(value) for value in cell) for cell in cells]
        return cells
