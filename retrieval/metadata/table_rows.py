"""The rows of a table that somebody hands over, read within limits: no table can fill the memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ..errors import SettingError

MAX_SIZE = 300_000_000
"""Characters of a table: a row of 300 for each of a million images."""
MAX_ROWS = 3_000_000
MAX_COLUMNS = 1_000
_MAX_LINE = 1_000_000  # characters; csv allows 131,072 in a field

_SMALLER = "leave out rows and columns that are not needed"


def table_rows(path: Path, what: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of its last line and the fields of each row of a CSV file in UTF-8, the header first.

    Empty lines are passed over. A file that can be read once, such as a pipe, will do.

    Parameters
    ----------
    what : what the table is, for messages: ``labels``.

    Raises
    ------
    SettingError : no such file, not UTF-8, no CSV, a row that does not fit the header, or more rows, columns
        or characters than any table needs. The line is named.
    """
    lines = _Lines(path, what)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _rows(lines, file)
    except UnicodeDecodeError as error:
        # The decoder counts the bytes of what it has read at a time, people count lines.
        line = lines.n + 1 + error.object.count(b"\n", 0, error.start)
        raise SettingError(f"{what}: {path}: not UTF-8 near line {line}; save it as UTF-8") from error
    except OSError as error:
        raise SettingError(f"{what}: {path}: {error.strerror}; give a CSV file") from error


class _Lines:
    """The lines of a file, counted, none longer than a line may be."""

    def __init__(self, path: Path, what: str) -> None:
        self.table = f"{what}: {path}"
        self.n = 0
        self._size = 0

    def of(self, file: TextIO) -> Iterator[str]:
        """Yield the lines of a file. SettingError if one, or all together, have too many characters."""
        while line := file.readline(_MAX_LINE):
            if len(line) == _MAX_LINE:
                raise SettingError(f"{self.place(1)}: longer than {_MAX_LINE:,} characters; write plain CSV")
            self._size += len(line)
            if self._size > MAX_SIZE:
                raise SettingError(f"{self.place(1)}: more than {MAX_SIZE:,} characters; {_SMALLER}")
            self.n += 1
            yield line

    def place(self, n_more: int = 0) -> str:
        """Return where we are, for a message."""
        return f"{self.table}, line {self.n + n_more}"


def _rows(lines: _Lines, file: TextIO) -> Iterator[tuple[int, list[str]]]:
    n_columns = n_rows = 0
    try:
        for fields in csv.reader(lines.of(file), strict=True):
            if not fields:
                continue
            if not n_rows:
                _check_commas(lines.place(), fields)
            n_columns, n_rows = n_columns or len(fields), n_rows + 1
            _check(lines.place(), len(fields), n_columns, n_rows)
            yield lines.n, fields
    except csv.Error as error:
        raise SettingError(f"{lines.place()}: {error}; write plain CSV") from error


def _check_commas(place: str, header: list[str]) -> None:
    # As spreadsheets write them where the comma is the sign of decimals, or as text with tabs.
    for sign, called in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and sign in header[0]:
            raise SettingError(f"{place}: columns stand apart by {called}; save it with commas (CSV)")


def _check(place: str, n: int, n_columns: int, n_rows: int) -> None:
    if n_columns > MAX_COLUMNS:
        raise SettingError(f"{place}: {n_columns:,} columns, more than {MAX_COLUMNS:,}; {_SMALLER}")
    if n != n_columns:
        raise SettingError(
            f"{place}: {n:,} fields, but the header has {n_columns:,}; quote fields that hold commas"
        )
    if n_rows > MAX_ROWS + 1:
        raise SettingError(f"{place}: more than {MAX_ROWS:,} rows; {_SMALLER}")
