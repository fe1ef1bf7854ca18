"""Checksums of the blocks of files: each block is compared with its own when it is first read.

The file ``checksums`` of a folder has the CRC-32 of every 64 kB of the arrays and trees beside it. So a query
pays for the parts of a large array that it reads, and for each of them once.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import REPAIR, IndexFolderError, lack
from ..kernel import is_worth_loading, kernel
from .checksum import crc32_for

NAME = "checksums"
BLOCK = 65_536
"""Bytes of a block."""

_CHECKED = (".npy", ".annoy")
"""The files of a folder that have checksums, by how their names end."""

_CALLS = 30_000
"""Simple operations in the time that numpy takes to find the blocks of a few rows."""

_MAGIC = b"SEMBBLKS"
_LEAST = 1_000_000  # bytes that are always read
_COUNT = struct.Struct("<I")

FileSums: TypeAlias = "array[int]"
"""The CRC-32 of each block of a file."""


@dataclass(eq=False)
class BlockSums:
    """The checksums of one file that is mapped into memory.

    Parameters
    ----------
    path : of the file, for messages.
    data : uint8 (n_bytes,), the whole file.
    sums : the CRC-32 of each block.
    """

    path: Path
    data: NDArray[np.uint8]
    sums: FileSums
    is_left: NDArray[np.bool_] = field(init=False)
    n_left: int = field(init=False)

    def __post_init__(self) -> None:
        self.n_left, self._lock = len(self.sums), threading.Lock()
        self.is_left = np.ones(self.n_left, dtype=bool)
        if -(-len(self.data) // BLOCK) != self.n_left:
            raise IndexFolderError(f"{self.path}: damaged (cut short, or too long); {REPAIR}")

    def check(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> None:
        """Check the blocks of byte ranges, from each ``first`` to before its ``last``, both (n,).

        Raises IndexFolderError, which names the place, if one is damaged.
        """
        if not self.n_left:  # all were checked: nearly always so after a few queries
            return
        if len(first) < len(self.sums) // 8 and (last - first).max(initial=0) <= BLOCK:
            # A few short ranges of a long file: each is in the block of its first byte or of its last.
            ends = np.concatenate([first, np.maximum(first, last - 1)])[np.tile(last > first, 2)]
            blocks = np.sort(ends // BLOCK)  # not `np.unique`, which loads the module of masked arrays
            blocks = blocks[np.diff(blocks, prepend=-1) > 0]
            self._check(blocks[self.is_left[blocks]])
            return
        is_there = last > first
        if not is_there.any():
            return
        begin, end = first[is_there] // BLOCK, (last[is_there] - 1) // BLOCK + 1
        # Of the blocks in between alone: a query asks part after part of a file that may be large.
        low, high = int(begin.min()), int(end.max())
        opened, closed = (np.bincount(at - low, minlength=high - low + 1) for at in (begin, end))
        # How many ranges are open at each block: the sum of those that began, less those that ended.
        wanted = np.cumsum(opened - closed)[: high - low] > 0
        self._check(low + np.flatnonzero(wanted & self.is_left[low:high]))

    def check_all(self) -> None:
        """Check what has not been checked yet. Raises IndexFolderError as ``check`` does."""
        if self.n_left:
            self._check(np.flatnonzero(self.is_left))

    def _check(self, blocks: NDArray[np.int64]) -> None:
        if not len(blocks):
            return
        view, crc32 = self.data.data, crc32_for(len(blocks) * BLOCK)
        for block in blocks.tolist():
            start = block * BLOCK
            if crc32(view[start : start + BLOCK], 0) != self.sums[block]:
                end = min(start + BLOCK, len(view))
                raise IndexFolderError(f"{self.path}: damaged (bytes {start:,} to {end:,}); {REPAIR}")
            self.is_left[block] = False
        # Counted, not taken off: two threads may have checked the same blocks.
        with self._lock:
            self.n_left = int(np.count_nonzero(self.is_left))


@dataclass(frozen=True)
class RowCheck:
    """Check the rows of an array in a file before they are read.

    Parameters
    ----------
    sums : of the file; None if it has none, as in older indexes.
    start : where the array begins in the file, in bytes.
    width : bytes of a row: all that one index of the first axis takes.
    """

    sums: BlockSums | None = None
    start: int = 0
    width: int = 1

    def ranges(self, first: NDArray[np.integer], last: NDArray[np.integer]) -> None:
        """Check rows from each ``first`` to before its ``last``, both (n,). Raises IndexFolderError."""
        if self.sums is not None and self.sums.n_left:
            at, end = (np.asarray(x, dtype=np.int64) * self.width + self.start for x in (first, last))
            self.sums.check(at, end)

    def some(self, rows: NDArray[np.int64]) -> None:
        """Check some rows here and there, in less time if they were read before. Raises IndexFolderError."""
        sums = self.sums
        if sums is None or not sums.n_left:
            return
        # Nothing to gain before numba is there: the first rows that are asked for were not read before.
        if not is_worth_loading(_CALLS) or _is_any_left(sums.is_left, rows, self.start, self.width):
            self.ranges(rows, rows + 1)

    def rows(self, first: int, last: int) -> None:
        """Check rows from ``first`` to before ``last``. Raises IndexFolderError."""
        self.ranges(np.array([first]), np.array([last]))

    def all(self) -> None:
        """Check all rows. Raises IndexFolderError."""
        if self.sums is not None:
            self.sums.check_all()


@kernel()
def _is_any_left(is_left: NDArray[np.bool_], rows: NDArray[np.int64], start: int, width: int) -> bool:
    """Tell whether a row has bytes in a block that was not checked yet."""
    for row in rows:
        first = start + row * width
        for block in range(first // BLOCK, (first + width - 1) // BLOCK + 1):
            if is_left[block]:
                return True
    return False


NO_CHECK = RowCheck()
"""For arrays in memory, and for files without checksums."""


def write_sums(folder: Path) -> None:
    """Write the checksums of the arrays and trees of a folder, and force them to the disk."""
    parts = [_MAGIC]
    for path in _files(folder):
        sums = array("I")
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                sums.append(zlib.crc32(block))
        parts += [_COUNT.pack(len(sums)), sums.tobytes()]
    body = b"".join(parts)
    # Made beside it and renamed: a kill leaves no half of them beside arrays that are sound.
    beside = folder / f".{NAME}"
    with beside.open("wb") as file:
        file.write(body + _COUNT.pack(zlib.crc32(body)))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(folder / NAME)


def read_sums(folder: Path) -> Mapping[str, FileSums] | None:
    """Return the checksums of the files of a folder, by name; None if there are none.

    Raises IndexFolderError if the checksums themselves are damaged, are of other files, or cannot be read.
    """
    try:
        data = _at_most(folder / NAME, _LEAST + sum(path.stat().st_size for path in _files(folder)))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise lack(error, folder / NAME) from error
    body, own = data[: -_COUNT.size], data[-_COUNT.size :]
    if not body.startswith(_MAGIC) or _COUNT.pack(zlib.crc32(body)) != own:
        raise IndexFolderError(f"{folder / NAME}: damaged; {REPAIR}")
    found: dict[str, FileSums] = {}
    at = len(_MAGIC)
    names = [path.name for path in _files(folder)]
    for name in names:
        (n,) = _COUNT.unpack_from(body, at) if at < len(body) else (0,)
        at += _COUNT.size
        found[name] = array("I", body[at : at + 4 * n])
        at += 4 * n
    if at != len(body):
        raise IndexFolderError(f"{folder}: holds other files than its checksums; {REPAIR}")
    return found


def _at_most(path: Path, n: int) -> bytes:
    """Return n + 1 bytes of a file at most: what is longer holds no checksums of what is there."""
    with path.open("rb") as file:
        return file.read(n + 1)


def check_trees(folder: Path) -> None:
    """Check the trees in a folder, if there are any. Raises IndexFolderError if they are damaged."""
    for path in sorted(folder.glob("*.annoy")):
        check_file(path)


def check_file(path: Path) -> None:
    """Check all blocks of a file whose folder has checksums. Raises IndexFolderError if one is damaged."""
    sums = read_sums(path.parent)
    if sums is not None and not path.is_file():
        raise IndexFolderError(f"{path}: is missing; {REPAIR}")
    if sums is not None and path.stat().st_size:
        BlockSums(path, np.asarray(np.memmap(path, np.uint8, "r")), sums[path.name]).check_all()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in _CHECKED)
