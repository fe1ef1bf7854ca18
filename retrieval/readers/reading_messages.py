"""Messages between a process that reads files and its parent, over a pair of connected sockets.

Pixels follow their message as they are, not pickled: they are most of what is sent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..picture import Picture
from .limits import Limits

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Items = Callable[..., Iterator[Any]]
"""A generator function that can be imported: what is called in the other process."""


def _working_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted
        return ""


@dataclass(frozen=True)
class Call:
    """The items that a function gives are wanted.

    Parameters
    ----------
    items : the function, by its module and name.
    arguments, options : of it.
    limits : what it may take.
    folder : the working folder of who calls, to which paths are relative; empty if it is gone.
    """

    items: Items
    arguments: tuple[Any, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    folder: str = field(default_factory=_working_folder)


@dataclass(frozen=True)
class More:
    """One more item is wanted."""


@dataclass(frozen=True)
class Item:
    """An item; the pixels of a picture follow, of the given shape."""

    value: Any
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Declared:
    """A header declares this many bytes of pixels, or names a further file of this many bytes."""

    n_pixels: int
    n_more: int


@dataclass(frozen=True)
class End:
    """There are no more items.

    Parameters
    ----------
    error : the type and the arguments of what was raised, None if nothing was.
    seconds : of the processor that the process has used since it began.
    n_resident : bytes of it that are in memory, 0 if the system does not say.
    """

    error: tuple[type[Exception], tuple[Any, ...]] | None
    seconds: float
    n_resident: int


def send_item(connection: Connection, value: Any) -> None:
    """Send an item of a call."""
    if not isinstance(value, Picture):
        connection.send(Item(value))
        return
    bare = (value.id, value.spacing, dict(value.groups), dict(value.metadata))
    connection.send(Item(bare, value.pixels.shape))
    _write(connection.fileno(), value.pixels)


def received_item(connection: Connection, item: Item) -> Any:
    """Return the value of an item, with the pixels that follow it."""
    if item.shape is None:
        return item.value
    pixels = np.empty(item.shape, np.float32)
    _read(connection.fileno(), pixels)
    return Picture(pixels, *item.value)


def _write(fd: int, pixels: NDArray[np.float32]) -> None:
    left = np.ascontiguousarray(pixels).data.cast("B")
    while left:
        left = left[os.write(fd, left) :]


def _read(fd: int, pixels: NDArray[np.float32]) -> None:
    left = pixels.data.cast("B")
    while left:
        n = os.readv(fd, [left])
        if n == 0:
            raise EOFError
        left = left[n:]
