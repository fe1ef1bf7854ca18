"""The columns that an index fills itself: what it knows of an image goes before what a table says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from ..errors import SettingError
from ..picture import Value
from .label_table import LabelTable

OF_ALL = frozenset(("id", "source", "rows", "cols", "kind"))
"""Columns that every image has."""

_SCALE = "um_per_px"
OF_TILES = frozenset((_SCALE, "x", "y", "width", "height"))
"""Columns of parts of slides: their scale and their box."""


def refuse_own_columns(table: LabelTable | None, has_tiles: bool) -> None:
    """Raise SettingError if a label table has a column that an index fills itself.

    ``has_tiles`` : the index cuts slides. Else a table may have the sides of an image, but not the scale,
    which would make it a part of a slide.
    """
    if table is None:
        return
    own = OF_ALL | (OF_TILES if has_tiles else {_SCALE})
    there = own.intersection(chain.from_iterable(row.columns for row in table.rows.values()))
    if there:
        what = f"column{'s' * (len(there) > 1)} {', '.join(sorted(there))}"
        raise SettingError(f"labels: {what}: an index fills such a column itself; rename it in the table")


def has_own(columns: Iterable[str]) -> bool:
    """Tell whether some of the columns of a table may be such."""
    return not (OF_ALL | OF_TILES).isdisjoint(columns)


def without_own(table: Mapping[str, Value], metadata: Mapping[str, Value]) -> dict[str, Value]:
    """Return what a table says of an image, without what the index knows itself.

    Indexes may hold such tables from before they were refused.
    """
    if not has_own(table):
        return dict(table)
    taken = OF_ALL | (OF_TILES if _SCALE in metadata else {_SCALE})
    return {name: value for name, value in table.items() if name not in taken}
