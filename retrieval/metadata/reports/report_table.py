"""Reports: the free text of images, from a table, becomes terms, and the text is kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from ...errors import SettingError
from ..label_table import LabelRow, LabelTable
from ..own_columns import OF_ALL, OF_TILES
from ..table_rows import table_rows
from .negation import affirmed
from .terms import Term

PATHS = ("path", "file", "image")
"""Columns that name the image of a report: the first that is there."""
HAS_REPORT = "report"
"""The column of the table that is returned that says that an image has a report."""
TEXTS = ("report", "text", "caption", "findings", "impression", "diagnosis", "notes", "befund", "beurteilung")
"""Columns that are read as text if none is named."""


def read_reports(path: Path, terms: Sequence[Term], columns: Sequence[str] = ()) -> LabelTable:
    """Read a table of reports, CSV in UTF-8, as a label table whose labels are the terms that they affirm.

    Parameters
    ----------
    columns : of text; those of ``TEXTS`` that are there if none is named. All others are kept as columns,
        such as ``patient``, but for those that an index fills itself (``own_columns``); a column ``case``
        stands for a patient if there is none.

    Raises
    ------
    SettingError : no such file, no column of paths or of text, no row, or what ``LabelTable.read`` refuses.
    """
    # Read once: of a pipe nothing is left.
    rows = table_rows(path, "reports")
    first, fields = next(rows, (0, []))
    if not fields:
        raise SettingError(f"reports: {path}: is empty; give a CSV file with a header")
    header = [name.strip() for name in fields]
    place = next((name for name in PATHS if name in header), None)
    if place is None:
        raise SettingError(f"reports: {path}: no column of paths; name one {', '.join(PATHS)}")
    texts = list(columns) or [name for name in TEXTS if name in header]
    if missing := [name for name in texts if name not in header]:
        raise SettingError(f"reports: {path}: no column {missing[0]!r}; it has {', '.join(header)}")
    if not texts:
        raise SettingError(f"reports: {path}: no column of text; name one of {', '.join(header)}")
    # The paths stand in for labels: those are found in the text.
    table = LabelTable.of_rows(chain([(first, fields)], rows), f"reports: {path}", place, place)
    if not table.rows:
        raise SettingError(f"reports: {path}: holds no report; give a row for each image")
    return LabelTable({name: _row(row, terms, texts) for name, row in table.rows.items()})


def _row(row: LabelRow, terms: Sequence[Term], texts: Sequence[str]) -> LabelRow:
    # One text a column: a denial in one says nothing of the next.
    text = "\n".join(str(row.columns[name]) for name in texts if name in row.columns)
    taken = {*texts, *OF_ALL, *OF_TILES}
    rest = {name: value for name, value in row.columns.items() if name not in taken}
    rest[HAS_REPORT] = "yes"  # also if no term is affirmed: that is what it says
    if "patient" not in rest and "case" in rest:
        rest["patient"] = rest["case"]
    return LabelRow(affirmed(text, terms), rest, row.line)
