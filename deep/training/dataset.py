"""The data set of a training: the labelled images of a folder, decoded once to the squares a network sees."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np

from retrieval.errors import FitError, PictureError, SemblanceError
from retrieval.metadata.groups import PEOPLE
from retrieval.metadata.label_table import LabelRow
from retrieval.picture import Picture
from retrieval.readers.guarded import read_guarded
from retrieval.readers.limits import Limits, current_limits
from retrieval.readers.pseudonym import hashed
from retrieval.readers.window import Window

from ..networks.preprocessing import Square, prepare
from .labelled_files import LabelledFile, class_of, group_of, is_learnt
from .square_file import SquareFile, Squares

Progress = Callable[[str, int, int], None]
"""Takes what is done, such as ``decoding``, how much of it, and of how much."""

FEW = 64
"""Fewer files than this are decoded in this process: others take longer to start."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled images, in the order of their names.

    Parameters
    ----------
    squares : uint8 (n, 3, side, side).
    names : the id of each.
    labels : the class of each; a combination of several labels is a class of its own.
    groups : the patient of each, or what else must stay together.
    splits : the column ``split`` of each; None if there is none.
    notes : why images were left out, a sentence each.
    shapes : rows and columns of each before it became a square; None if they are not known.
    """

    squares: Squares
    names: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    splits: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    shapes: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True)
class _Decoded:
    id: str
    square: Square
    group: str
    row: LabelRow
    shape: tuple[int, int]


def read_examples(
    files: Sequence[LabelledFile],
    side: int,
    *,
    window: Window | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Examples:
    """Decode files, spread over ``jobs`` processes (one a core by default), and return what is learnt from.

    Images that cannot be read, or that hold values that are no numbers, are left out, with a note.

    Raises
    ------
    FitError : no image can be read.
    """
    found: list[_Decoded] = []
    notes: list[str] = []
    with SquareFile(side) as square_file:
        for i, (images, reasons) in enumerate(_decoded(files, side, window, jobs)):
            notes += [f"skipped {reason}" for reason in reasons]
            for image in images:
                square_file.write(image.square)  # to disk: the squares of all may be more than memory holds
                found.append(_without_square(image))
            if progress is not None:
                progress("decoding", i + 1, len(files))
        if not found:
            raise FitError(f"labels: none of {len(files)} labelled files can be read; {'; '.join(notes[:1])}")
        squares = square_file.squares(len(found))
    shapes = tuple(each.shape for each in found)
    return Examples(squares, *_columns(found), notes=tuple(notes), shapes=shapes)


def _columns(
    found: Sequence[_Decoded],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...] | None]:
    """Return names, labels, groups and splits, as ``Examples`` has them."""
    splits = tuple(str(each.row.columns.get("split", "")) for each in found)
    return (
        tuple(each.id for each in found),
        tuple(class_of(each.row) for each in found),
        _met([each.group for each in found]),
        splits if any(splits) else None,
    )


def _met(groups: Sequence[str]) -> tuple[str, ...]:
    """Return groups in which a patient of the table is that of a file whose header names the same one."""
    # Training reads files without a salt (``_decode``): this is what a header's PatientID becomes.
    there = set(groups)
    meant = {g: f"patient {hashed(b'', 'patient', g.removeprefix('patient '))}" for g in there}
    return tuple(meant[g] if g.startswith("patient ") and meant[g] in there else g for g in groups)


def _decoded(
    files: Sequence[LabelledFile], side: int, window: Window | None, jobs: int | None
) -> Iterator[tuple[list[_Decoded], list[str]]]:
    """Yield the images of each file, and why others are missing, in the order of the files."""
    n_jobs = jobs or len(os.sched_getaffinity(0))
    pool: Executor
    if n_jobs == 1 or len(files) < FEW:
        pool = ThreadPoolExecutor(1)
    else:
        # spawn: a fork of a process that has threads, as one with torch has, may hang.
        pool = ProcessPoolExecutor(n_jobs, get_context("spawn"), initializer=_prepare_process)
    n = len(files)
    try:
        yield from pool.map(_decode, files, [side] * n, [window] * n, [current_limits()] * n, chunksize=4)
    except BrokenProcessPool as error:
        raise SemblanceError(
            "a process that decodes images died; use one job, and in a script of your own call Semblance "
            'below `if __name__ == "__main__":`'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare_process() -> None:
    """Leave Ctrl-C to the process that reads the results, and use one core in each."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _decode(
    labelled: LabelledFile, side: int, window: Window | None, limits: Limits
) -> tuple[list[_Decoded], list[str]]:
    """Return the images of a file that are learnt from, and why others are left out."""
    found, reasons, file = [], [], labelled.file
    unread = set(labelled.frames)
    try:
        for picture in read_guarded(file.path, file.name, window=window, also=(), limits=limits):
            unread.discard(picture.id)
            row = labelled.row(picture.id)
            if row is None or not is_learnt(row):
                continue
            # One NaN would spread over all of its square when it is resized.
            if not np.isfinite(picture.pixels).all():
                reasons.append(f"{picture.id}: holds values that are no numbers (NaN or infinite)")
                continue
            group, shape = _group(picture, row, file.name), picture.shape
            found.append(_Decoded(picture.id, prepare(picture, side), group, row, shape))
        reasons += [f"{id}: there is no such frame" for id in sorted(unread)]
    except PictureError as error:
        reasons.append(str(error))
    return found, reasons


def _group(picture: Picture, row: LabelRow, file: str) -> str:
    """Return the group of an image: the table's patient or group, else the file's patient.

    Without these it is the study, the table's before the file's; else the table's series, or the file itself.
    """
    people = {name: value for name, value in row.columns.items() if name in PEOPLE}
    own = {name: value for name, value in picture.groups.items() if name in ("patient", "study")}
    # No study of a table may part the images of a patient.
    return group_of(people) or group_of({**own, **row.columns}) or f"file {file}"


def _without_square(decoded: _Decoded) -> _Decoded:
    """Return the same without its square, which is on disk: so memory grows by names alone."""
    return replace(decoded, square=np.empty(0, dtype=np.uint8))
