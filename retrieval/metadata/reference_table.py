"""The reference table: reading matter for labels, from a CSV file, shown with an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SettingError
from .table_rows import table_rows

_COLUMNS = ("label", "title", "kind", "text", "link", "picture")
KINDS = ("web", "literature", "anatomy")
"""What kinds of material are usual, each shown by itself; a table may have others."""


@dataclass(frozen=True)
class Reference:
    """One piece of reference material for a label.

    Parameters
    ----------
    label, title : of what, and what it is called.
    text : may be empty; a line or a part between ``|`` is a point.
    link : a web address, shown and never fetched; may be empty.
    kind : ``web``, ``literature``, ``anatomy``, or whatever the table says.
    picture : the name of an image of the index; may be empty.
    """

    label: str
    title: str
    text: str = ""
    link: str = ""
    kind: str = KINDS[0]
    picture: str = ""

    @property
    def points(self) -> tuple[str, ...]:
        """The text in points, without the marks before them."""
        # A minus sign is no mark: there is no blank behind it.
        parts = (re.sub(r"^\s*[-•*]\s+", "", part).strip() for part in re.split(r"[\n|]", self.text))
        return tuple(part for part in parts if part)


@dataclass(frozen=True)
class References:
    """Hold reference material by label, in the order of the table; a label may have several pieces."""

    by_label: Mapping[str, tuple[Reference, ...]]

    @classmethod
    def read(cls, path: Path) -> References:
        """Read a CSV file in UTF-8 with the columns ``label`` and ``title``; the others may be missing.

        Raises
        ------
        SettingError : no such file, not UTF-8, a column missing, an empty label or title, a line that does
            not fit the header, more lines than any table needs (``table_rows``), or a link that is neither
            http nor https. The line is named.
        """
        return cls(_grouped(_rows(path)))

    def of(self, labels: Iterable[str]) -> tuple[Reference, ...]:
        """Return the references of some labels, in their order."""
        return tuple(found for label in labels for found in self.by_label.get(label, ()))


def _rows(path: Path) -> Iterator[Reference]:
    header: list[str] = []
    for line, fields in table_rows(path, "references"):
        if header:
            yield _reference(f"references: {path}, line {line}", dict(zip(header, fields, strict=True)))
        else:
            header = _header(path, fields)
    if not header:  # an empty file
        _header(path, [])


def _header(path: Path, fields: Sequence[str]) -> list[str]:
    header = [name.strip() for name in fields]
    for name in _COLUMNS[:2]:
        if name not in header:
            raise SettingError(
                f"references: {path}, line 1: no column {name!r} (it has {', '.join(header) or 'none'}); "
                "the header must name label and title"
            )
    return header


def _reference(place: str, row: Mapping[str, str]) -> Reference:
    values = {name: row.get(name, "").strip() for name in _COLUMNS}
    if not values["label"] or not values["title"]:
        raise SettingError(f"{place}: the label or the title is empty; give both")
    # A link becomes an anchor of a page: ``javascript:`` and such must never get there.
    if values["link"] and not values["link"].startswith(("http://", "https://")):
        raise SettingError(f"{place}: {values['link']!r} is no link; begin it with https://")
    return Reference(**{**values, "kind": values["kind"].lower() or KINDS[0]})


def _grouped(references: Iterable[Reference]) -> dict[str, tuple[Reference, ...]]:
    # Rows of a label need not follow each other; their order in the table is kept.
    found: dict[str, tuple[Reference, ...]] = {}
    for reference in references:
        found[reference.label] = (*found.get(reference.label, ()), reference)
    return found
