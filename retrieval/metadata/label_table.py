"""The label table: labels and other columns of pictures, from a CSV file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral
from os import PathLike, fspath
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import SettingError
from ..picture import Value
from .table_rows import table_rows


@dataclass(frozen=True)
class LabelRow:
    """One row, of a picture or file: its labels, the other columns, and its line in the table.

    Columns read from a table are text as it is written there: patients 1.1 and 1.10 are two.
    """

    labels: tuple[str, ...]
    columns: Mapping[str, Value]
    line: int


@dataclass(frozen=True)
class LabelTable:
    """Hold the rows of a label table by their path: relative to the indexed folder, ``/`` between the parts.

    A path may name a file, which stands for all of its frames, or one frame (``file.dcm#3``).
    ``is_by_folder`` says that the labels are names of folders.
    """

    rows: Mapping[str, LabelRow]
    is_by_folder: bool = False

    @classmethod
    def read(cls, path: Path, path_column: str = "path", label_column: str = "label") -> LabelTable:
        """Read a CSV file in UTF-8 with a header, a column of paths and one of labels.

        Several labels are joined by ``;``. All other columns are kept, but for one that is called ``label``
        and is not the column of labels, as the text that they are, without outer blanks; an empty field is
        left out. A table without rows is an empty one.

        Raises
        ------
        SettingError : no such file, not UTF-8, a column missing or named twice, a path missing or given
            twice, a line with more or fewer fields than the header, or more of them than any table needs
            (``table_rows``). The line is named.
        """
        return cls.of_rows(table_rows(path, "labels"), f"labels: {path}", path_column, label_column)

    @classmethod
    def of_rows(
        cls, rows: Iterable[tuple[int, list[str]]], table: str, path_column: str, label_column: str
    ) -> LabelTable:
        """Hold the rows of ``table_rows``, the header first; ``table`` names the table in messages.

        Raises SettingError as ``read`` does.
        """
        return cls(dict(_rows(rows, table, (path_column, label_column))))

    @classmethod
    def of(cls, labels: Mapping[Any, Any]) -> LabelTable:
        """Hold labels by path, one or several each, as a program has them.

        A whole number is the text of its digits; an empty text, or None, is no label, as in a table.

        Raises
        ------
        SettingError : a path or a label is none, or a path is given twice, as ``a`` and ``./a``; its row is
            named, counted from 1.
        """
        rows: dict[str, LabelRow] = {}
        for line, (path, own) in enumerate(labels.items(), start=1):
            several = own if isinstance(own, Iterable) and not isinstance(own, str | bytes) else [own]
            found = (_label(one, path, line) for one in several)
            if (name := _path(path, line)) in rows:
                raise SettingError(f"labels: row {line}: {name!r} is in row {rows[name].line}; name it once")
            rows[name] = LabelRow(tuple(dict.fromkeys(filter(None, found))), {}, line)
        return cls(rows)

    @classmethod
    def by_folder(cls, names: Iterable[str]) -> LabelTable:
        """Label each file with the name of the folder that it is in, given paths relative to the indexed one.

        A file at the top has no label, for the same path may be in several indexed folders.
        """
        parents = {name: PurePosixPath(name).parent.name for name in names}
        rows = {name: LabelRow((label,) if label else (), {}, 0) for name, label in parents.items()}
        return cls(rows, is_by_folder=True)


def _path(given: Any, line: int) -> str:
    path = fspath(given) if isinstance(given, PathLike) else given
    if not isinstance(path, str) or not path:
        raise SettingError(f"labels: row {line}: {given!r} is no path; give text, relative to the folder")
    return path.removeprefix("./")


def _label(given: Any, path: Any, line: int) -> str:
    # Numbers of classes are labels, too; kept as numbers they would be another kind of cell than a table has.
    if given is None or isinstance(given, str | Integral):
        return "" if given is None else str(given).strip()
    raise SettingError(f"labels: row {line} ({path}): {given!r} is no label; give text, or several texts")


def _rows(
    rows: Iterable[tuple[int, list[str]]], table: str, required: tuple[str, str]
) -> Iterator[tuple[str, LabelRow]]:
    header: list[str] = []
    seen: dict[str, int] = {}
    for line, fields in rows:
        if not header:
            header = _header(table, fields, required)
            continue
        name, row = _row(dict(zip(header, map(_plain, fields), strict=True)), line, required)
        if not name or name in seen:
            what = f"{name!r} stands on line {seen[name]} already" if name else "the path is empty"
            raise SettingError(f"{table}, line {line}: {what}; name each image once")
        seen[name] = line
        yield name, row
    if not header:  # an empty file
        _header(table, [], required)


def _header(table: str, fields: list[str], required: tuple[str, str]) -> list[str]:
    # Spreadsheets leave spaces around names; those within a name belong to it.
    header = [field.strip() for field in fields]
    for name in required:
        if name not in header:
            raise SettingError(
                f"{table}, line 1: no column {name!r} (it has {', '.join(header) or 'none'}); "
                f"the header must name {' and '.join(required)}; rename them, or, at the command line, "
                "say which they are by --path-column and --label-column"
            )
    if repeated := {name for name in header if header.count(name) > 1}:
        raise SettingError(f"{table}, line 1: column {min(repeated)!r} stands twice; rename one")
    return header


def _plain(field: str) -> str:
    """Return a field without the ``'`` that keeps spreadsheets from taking it for a formula."""
    return field[1:] if field[:1] == "'" and field[1:].lstrip(" ").startswith(("=", "+", "-", "@")) else field


def _row(fields: dict[str, str], line: int, required: tuple[str, str]) -> tuple[str, LabelRow]:
    path_column, label_column = required
    name = fields.pop(path_column).strip().replace("\\", "/").removeprefix("./")
    text = fields.pop(label_column, name)  # both may be the same column
    # A label that is repeated counts once; a dict keeps the order of the table.
    labels = tuple(dict.fromkeys(part for label in text.split(";") if (part := label.strip())))
    fields.pop("label", None)  # the name is taken by the labels
    columns = {key: text.strip() for key, text in fields.items() if key and text.strip()}
    return name, LabelRow(labels, columns, line)
