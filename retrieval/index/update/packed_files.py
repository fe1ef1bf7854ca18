"""The files that a scan found, packed: as objects those of a million files would take a gigabyte."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ...readers.folder import FoundFile, clean_name
from ..catalogue.files import Stat

_PAGE = 1000  # files that are objects at a time
_N_STAT = 4


class Found(NamedTuple):
    """A file that was found: its place in the list, its path below the root, its name and its stat."""

    at: int
    below: bytes
    name: str
    stat: Stat


class PackedFiles:
    """A list of files that only grows, of 40 bytes and its path for each file.

    Parameters
    ----------
    root : the indexed folder that they are in.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._paths, self._ends = bytearray(), array("q")
        self._stats = array("q")
        self._names: dict[int, str] = {}  # those that do not follow from the path

    def add(self, file: FoundFile, prefix: str = "") -> None:
        """Add a file; its name begins with ``prefix``, which leads from the root to the scanned folder."""
        below, name = os.fsencode(_below(self._root, file.where)), f"{prefix}{file.name}"
        if name != _name(below):
            self._names[len(self)] = name
        self._paths += below
        self._ends.append(len(self._paths))
        self._stats.extend((file.size, file.mtime_ns, file.inode, file.ctime_ns))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, at: int) -> Found:
        """Return a file, by its place from 0."""
        below = bytes(self._paths[self._ends[at - 1] if at else 0 : self._ends[at]])
        stat = Stat(*self._stats[_N_STAT * at : _N_STAT * (at + 1)])
        return Found(at, below, self._names.get(at) or _name(below), stat)

    def pages(self) -> Iterator[list[Found]]:
        """Yield the files in their order, some hundreds at a time."""
        for first in range(0, len(self), _PAGE):
            yield [self[at] for at in range(first, min(first + _PAGE, len(self)))]


def _name(below: bytes) -> str:
    return clean_name(os.fsdecode(below))


def _below(root: Path, path: str) -> str:
    """Return a path relative to the folder that it is in, for a hundredth of the time of ``relpath``."""
    prefix = f"{str(root).rstrip(os.sep)}{os.sep}"
    return path[len(prefix) :] if path.startswith(prefix) else os.path.relpath(path, root)
