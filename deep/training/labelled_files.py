"""Labelled files: which files of a folder a table gives labels to, and what it says of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import SettingError
from retrieval.metadata.groups import KEPT_TOGETHER
from retrieval.metadata.label_table import LabelRow, LabelTable
from retrieval.picture import Value
from retrieval.readers.folder import FoundFile, find_files

from .splits import side_of

_SHOWN = 5  # of the names in an error


@dataclass(frozen=True)
class LabelledFile:
    """A file to decode, its row of the table, and the rows of its frames by their ids."""

    file: FoundFile
    whole: LabelRow | None
    frames: Mapping[str, LabelRow]

    def row(self, id: str) -> LabelRow | None:
        """Return the row of an image of the file: its frame's own, else the file's; None without either."""
        return self.frames.get(id, self.whole)


def labelled_files(folder: Path, table: LabelTable, report: Callable[[str], None]) -> list[LabelledFile]:
    """Return the labelled files of a folder in the order of their names, and report what else there is.

    Decodes nothing, so that a mistake in the table is refused at once. Files of the test are left out.

    Raises
    ------
    SettingError : no such folder, rows that name no file, an unknown split, or fewer than two classes.
    """
    if not folder.is_dir():
        raise SettingError(f"{folder}: no such folder; check the path")
    files = {file.name: file for file in find_files(folder, report=report)}
    by_file: dict[str, dict[str, LabelRow]] = {}
    missing = []
    for name, row in table.rows.items():
        # FILE#FRAME names a frame, unless a file has that very name.
        file = name if name in files else name.rpartition("#")[0]
        by_file.setdefault(file, {})[name] = row
        missing += [] if file in files else [name]
    _refuse_missing(missing, len(table.rows), folder)
    _check_classes(table)
    found = [LabelledFile(files[name], rows.get(name), _frames(name, rows)) for name, rows in by_file.items()]
    kept = [each for each in found if any(is_learnt(row) for row in (each.whole, *each.frames.values()))]
    _report_rest(len(files) - len(kept), _n_leaks(table), report)
    return sorted(kept, key=lambda each: each.file.name)


def class_of(row: LabelRow) -> str:
    """Return the class of a row: its labels, in the order of their names, joined by ``;``."""
    return ";".join(sorted(row.labels))


def is_learnt(row: LabelRow | None) -> bool:
    """Return whether a row has a label and is not of the test."""
    return row is not None and bool(row.labels) and _side(row) != "test"


def group_of(columns: Mapping[str, Value]) -> str | None:
    """Return the first of ``KEPT_TOGETHER``, such as the patient, that columns name; None if none."""
    return next((f"{name} {columns[name]}" for name in KEPT_TOGETHER if name in columns), None)


def _side(row: LabelRow) -> str:
    return side_of(str(row.columns.get("split", "")), f"labels: line {row.line}")


def _frames(name: str, rows: Mapping[str, LabelRow]) -> dict[str, LabelRow]:
    return {id: row for id, row in rows.items() if id != name}


def _refuse_missing(missing: Sequence[str], n_rows: int, folder: Path) -> None:
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
        raise SettingError(
            f"labels: {len(missing):,} of {n_rows:,} rows name no file of {folder}: {shown}; paths are "
            "relative to the folder, with / between the parts; correct or remove these rows"
        )


def _check_classes(table: LabelTable) -> None:
    """Raise SettingError for a table of fewer than two classes: no two images could be told apart."""
    classes = {class_of(row) for row in table.rows.values() if is_learnt(row)}
    if len(classes) < 2:
        only = f"one class only, {min(classes)!r}" if classes else "no label"
        raise SettingError(f"labels: {only}, outside the test; a metric is learnt from two classes or more")


def _n_leaks(table: LabelTable) -> int:
    """Count the patients or groups that are both in the test and outside it."""
    sides: dict[bool, set[str]] = {True: set(), False: set()}
    for row in table.rows.values():
        if (group := group_of(row.columns)) is not None:
            sides[_side(row) == "test"].add(group)
    return len(sides[True] & sides[False])


def _report_rest(n_without: int, n_leaks: int, report: Callable[[str], None]) -> None:
    if n_without:
        report(f"{n_without:,} {'file has' if n_without == 1 else 'files have'} no label to learn from")
    if n_leaks:
        report(f"{n_leaks:,} patients or groups of the test stand outside it, too: its figures will flatter")
