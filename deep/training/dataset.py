"""Examples: the labelled pictures of a folder, decoded once, as the squares that a network sees."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import FitError, PictureError, SemblanceError, SettingError
from retrieval.metadata.label_table import LabelRow, LabelTable
from retrieval.picture import Picture
from retrieval.readers import read_pictures
from retrieval.readers.folder import FoundFile, find_files
from retrieval.readers.window import Window

from ..networks.preprocessing import Square, prepare
from .splits import SIDES

Squares = NDArray[np.uint8]
Progress = Callable[[str, int, int], None]

IN_MEMORY = 1 << 30
"""Squares of more bytes than this are mapped from a file that is gone when the process ends."""

_FEW = 64
_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled pictures, in the order of their names.

    Parameters
    ----------
    squares : uint8 (n, 3, side, side); None before they are decoded.
    names : the id of each.
    labels : the class of each; pictures with several labels are of the class of that combination.
    groups : the patient of each, or what else must stay together.
    splits : the column ``split`` of each; None where there is none.
    notes : what is to be said of pictures that were left out.
    """

    squares: Squares
    names: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    splits: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """A file to decode, what the table says of it, and what it says of its frames, by their ids."""

    file: FoundFile
    whole: LabelRow | None
    frames: Mapping[str, LabelRow]

    def row(self, id: str) -> LabelRow | None:
        """Return what the table says of a picture of the file."""
        return self.frames.get(id, self.whole)


@dataclass(frozen=True)
class _Found:
    id: str
    square: Square
    group: str
    row: LabelRow


def wanted_files(folder: Path, table: LabelTable, report: Callable[[str], None]) -> list[Wanted]:
    """Return the labelled files of a folder, and report how many have no label. Decodes nothing.

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
        file = name if name in files else name.rpartition("#")[0]
        by_file.setdefault(file, {})[name] = row
        missing += [] if file in files else [name]
    _refuse_missing(missing, len(table.rows), folder)
    _check_rows(table)
    wanted = [Wanted(files[name], rows.get(name), _frames(name, rows)) for name, rows in by_file.items()]
    kept = [each for each in wanted if any(_counts(row) for row in (each.whole, *each.frames.values()))]
    n_without = len(files) - len(kept)
    if n_without:
        report(f"{n_without:,} {'file has' if n_without == 1 else 'files have'} no label to learn from")
    n_leaks = _n_leaks(table)
    if n_leaks:
        report(f"{n_leaks:,} patients or groups of the test stand outside it, too: its figures will flatter")
    return sorted(kept, key=lambda each: each.file.name)


def read_examples(
    wanted: Sequence[Wanted],
    side: int,
    *,
    window: Window | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Examples:
    """Decode files, spread over ``jobs`` processes (one a core), and return what can be learnt from.

    Pictures that cannot be read, or that hold values that are no numbers, are left out, with a note.

    Raises
    ------
    FitError : no picture can be read.
    """
    found: list[_Found] = []
    notes: list[str] = []
    with _Spool(side) as spool:
        for i, (pictures, reasons) in enumerate(_decoded(wanted, side, window, jobs)):
            notes += [f"skipped {reason}" for reason in reasons]
            for picture in pictures:
                spool.write(picture.square)
                found.append(_without_square(picture))
            if progress is not None:
                progress("decoding", i + 1, len(wanted))
        if not found:
            raise FitError(
                f"labels: none of {len(wanted)} labelled files can be read; {'; '.join(notes[:1])}"
            )
        squares = spool.squares(len(found))
    return Examples(squares, *_columns(found), notes=tuple(notes))


def _columns(
    found: Sequence[_Found],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...] | None]:
    splits = tuple(str(each.row.columns.get("split", "")) for each in found)
    return (
        tuple(each.id for each in found),
        tuple(class_of(each.row) for each in found),
        tuple(each.group for each in found),
        splits if any(splits) else None,
    )


def class_of(row: LabelRow) -> str:
    """Return the class of a row: its labels, in the order of their names, joined by ``;``."""
    return ";".join(sorted(row.labels))


def _counts(row: LabelRow | None) -> bool:
    return row is not None and bool(row.labels) and _side(row) != "test"


def _side(row: LabelRow) -> str:
    text = str(row.columns.get("split", ""))
    if text.strip().lower() not in SIDES:
        raise SettingError(f"labels: line {row.line}: split {text!r} is unknown; write train, val or test")
    return SIDES[text.strip().lower()]


def _frames(name: str, rows: Mapping[str, LabelRow]) -> dict[str, LabelRow]:
    return {id: row for id, row in rows.items() if id != name}


def _refuse_missing(missing: Sequence[str], n_rows: int, folder: Path) -> None:
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
        raise SettingError(
            f"labels: {len(missing):,} of {n_rows:,} rows name no file of {folder}: {shown}; paths are "
            "relative to the folder, with / between the parts; correct or remove these rows"
        )


def _check_rows(table: LabelTable) -> None:
    """Refuse a table that no two classes can be learnt from."""
    classes = {class_of(row) for row in table.rows.values() if _counts(row)}
    if len(classes) < 2:
        only = f"one class only, {min(classes)!r}" if classes else "no label"
        raise SettingError(f"labels: {only}, outside the test; a metric is learnt from two classes or more")


def _n_leaks(table: LabelTable) -> int:
    """Count the patients or groups that stand in the test and outside it."""
    sides: dict[bool, set[str]] = {True: set(), False: set()}
    for row in table.rows.values():
        if (said := _said(row)) is not None:
            sides[_side(row) == "test"].add(said)
    return len(sides[True] & sides[False])


def _decoded(
    wanted: Sequence[Wanted], side: int, window: Window | None, jobs: int | None
) -> Iterator[tuple[list[_Found], list[str]]]:
    """Yield the pictures of each file, and why others are missing, in the order of the files."""
    n_jobs = jobs or len(os.sched_getaffinity(0))
    pool: Executor
    if n_jobs == 1 or len(wanted) < _FEW:  # a process takes longer to start than these to read
        pool = ThreadPoolExecutor(1)
    else:
        pool = ProcessPoolExecutor(n_jobs, get_context("spawn"), initializer=_be_quiet)
    n = len(wanted)
    try:
        yield from pool.map(_decode, wanted, [side] * n, [window] * n, chunksize=4)
    except BrokenProcessPool as error:
        raise SemblanceError(
            "a process that decodes pictures died; use one job, and in a script of your own call Semblance "
            'below `if __name__ == "__main__":`'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _be_quiet() -> None:
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _decode(wanted: Wanted, side: int, window: Window | None) -> tuple[list[_Found], list[str]]:
    found, reasons, file = [], [], wanted.file
    unread = set(wanted.frames)
    try:
        for picture in read_pictures(file.path, file.name, window=window):
            unread.discard(picture.id)
            row = wanted.row(picture.id)
            if row is None or not _counts(row):
                continue
            if not np.isfinite(picture.pixels).all():
                reasons.append(f"{picture.id}: holds values that are no numbers (NaN or infinite)")
                continue
            found.append(_Found(picture.id, prepare(picture, side), _group(picture, row, file.name), row))
        reasons += [f"{id}: there is no such frame" for id in sorted(unread)]
    except PictureError as error:
        reasons.append(str(error))
    return found, reasons


def _group(picture: Picture, row: LabelRow, file: str) -> str:
    """Return the patient: as the table says, else as the file says; else the frames of a file are a group."""
    patient = picture.groups.get("patient")
    return _said(row) or (f"file {file}" if patient is None else f"patient {patient}")


def _said(row: LabelRow) -> str | None:
    """Return the patient or group that a table tells of, None where it tells of neither."""
    told = (f"{column} {row.columns[column]}" for column in ("patient", "group") if column in row.columns)
    return next(told, None)


def _without_square(found: _Found) -> _Found:
    return _Found(found.id, np.empty(0, dtype=np.uint8), found.group, found.row)


class _Spool:
    """Gather squares in a temporary file, which has no name and vanishes by itself."""

    def __init__(self, side: int) -> None:
        self._shape = (3, side, side)

    def __enter__(self) -> _Spool:
        self._file = tempfile.TemporaryFile()
        return self

    def write(self, square: Square) -> None:
        self._file.write(square.tobytes())

    def squares(self, n: int) -> Squares:
        """Return what was written, uint8 (n, 3, side, side): in memory, or mapped where it is much."""
        self._file.flush()
        self._file.seek(0)
        shape = (n, *self._shape)
        if np.prod(shape, dtype=np.int64) > IN_MEMORY:
            return np.memmap(self._file, np.uint8, "r", shape=shape)
        return np.frombuffer(self._file.read(), dtype=np.uint8).reshape(shape)

    def __exit__(self, *_: object) -> None:
        self._file.close()
