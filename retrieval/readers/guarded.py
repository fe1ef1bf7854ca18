"""Guarded reading: files are read by another process, within limits of time and memory.

A decoder that hangs, fills the memory or crashes costs the one file. Windows has neither the limits nor a
fork: there files are read by this process.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PictureError
from ..picture import Picture
from . import Report, read_pictures
from .limits import DiedError, LimitError, Limits, current_limits
from .masks import MarkedImage, Mask, read_mask, split_name
from .reading_messages import Call, Items
from .source import Band, DamagedFrame
from .tiling import Frame, Tiling
from .window import Window

if TYPE_CHECKING:
    from .reading_process import ReadingProcess

_CAN_FORK = hasattr(os, "fork")


def read_guarded(
    path: Path,
    id: str,
    *,
    window: Window | None = None,
    salt: bytes = b"",
    frames: Collection[Frame] | None = None,
    also: Collection[str] | None = None,
    tiling: Tiling | None = None,
    band: Band | None = None,
    report: Report | None = None,
    limits: Limits | None = None,
) -> Iterator[Picture]:
    """Read the images of one file as ``read_pictures`` does, in another process and within limits.

    Parameters
    ----------
    limits : those in force by default.

    Raises
    ------
    LimitError : the file took more than it may, or the process that read it died.
    PictureError : see ``read_pictures``.
    """
    options: dict[str, Any] = {"window": window, "salt": salt, "frames": frames, "also": also}
    options |= {"tiling": tiling, "band": band}
    for item in guarded_items(_read, path, id, path, id, options, limits=limits):
        if isinstance(item, Picture):
            yield item
        elif report is not None:
            for frame in item:
                report(frame)


def read_mask_guarded(argument: Path, image: MarkedImage, limits: Limits | None = None) -> Mask:
    """Return the pixels that a file marks as ``masks.read_mask`` does, in another process, within limits.

    Raises
    ------
    LimitError, PictureError : see ``read_guarded`` and ``read_mask``.
    """
    path, _ = split_name(argument)
    known = _Known(image.path())
    items = guarded_items(_mask, path, str(argument), argument, replace(image, path=known), limits=limits)
    mask: Mask = next(items)
    return mask


class _Known:
    """Find a file that was found before; unlike a function it can be sent."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def __call__(self) -> Path | None:
        return self._path


def _read(path: Path, id: str, options: dict[str, Any]) -> Iterator[Picture | tuple[DamagedFrame, ...]]:
    # Damaged frames together: a header may name very many that are not there.
    damaged: list[DamagedFrame] = []
    try:
        for picture in read_pictures(path, id, report=damaged.append, **options):
            if damaged:
                yield tuple(damaged)
                damaged.clear()
            yield picture
    except PictureError:
        yield tuple(damaged)
        raise
    if damaged:
        yield tuple(damaged)


def _mask(argument: Path, image: MarkedImage) -> Iterator[Mask]:
    yield read_mask(argument, image)


_IDLE: list[ReadingProcess] = []
"""The processes that wait for a file; any thread takes one, and gives it back."""
# Waited for, and not only left to end: a container may have nobody else who does.
atexit.register(_IDLE.clear)


def guarded_items(
    items: Items, path: Path, name: str, *arguments: Any, limits: Limits | None = None
) -> Iterator[Any]:
    """Yield what a generator function yields in a process that reads files.

    Parameters
    ----------
    items : the function; it can be imported.
    path, name : of the file that it reads, whose size decides how long it may take.
    arguments : of the function.
    limits : those in force by default.

    Raises
    ------
    LimitError : it took more than it may, or the process died.
    """
    if not _CAN_FORK:
        yield from items(*arguments)
        return
    call = Call(items, arguments, limits=limits or current_limits())
    try:
        yield from _tried(call, _size(path))
    except LimitError as error:
        raise LimitError(f"{name}: {error}") from error


def _tried(call: Call, n_bytes: int) -> Iterator[Any]:
    """Yield the items of a call; once more in another process if the first one dies before it gives any."""
    n_given = 0
    for is_last in (False, True):
        process = _take()
        try:
            for item in process.items(call, n_bytes):
                n_given += 1
                yield item
            return
        except DiedError:
            if n_given or is_last:
                raise
        finally:
            if process.is_alive:
                _IDLE.append(process)


def _take() -> ReadingProcess:
    """Return a process that is idle, a new one if there is none; two files may be read in turns."""
    with suppress(IndexError):  # another thread may have taken the last one
        while True:
            process = _IDLE.pop()
            if process.is_alive:
                return process
    from .reading_process import ReadingProcess  # late: most questions read no file

    try:
        return ReadingProcess()
    except OSError as error:
        raise PictureError(f"no process to read files can be started ({error.strerror})") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
