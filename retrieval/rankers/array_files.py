"""Named arrays on disk: one ``.npy`` file each in a folder, written once, mapped into memory afterwards."""

from __future__ import annotations

import errno
import io
import mmap as mapping
import os
import re
import threading
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray

from ..errors import REPAIR, IndexFolderError, lack
from ..representation import Arrays
from .block_sums import BlockSums, FileSums, RowCheck, read_sums

HEADERS = threading.Lock()
"""Held while a header of numpy is read: Python 3.11 fails now and then if two threads parse such text."""
_MOST_OF_A_HEAD = 65_536  # bytes
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class ArrayWriter:
    """Write one array piece by piece, so that it is never in memory as a whole.

    Parameters
    ----------
    folder : where ``name.npy`` is made; it must be there.
    name : letters, digits, ``_``, ``-`` and ``.`` only.
    dtype : free of Python objects.
    shape : of the whole array; the pieces, one after the other, must fill it. None: one axis, as long as what
        is written.

    Raises
    ------
    ValueError : a name with a path in it, a dtype with objects, or pieces that do not fill the shape.
    """

    def __init__(self, folder: Path, name: str, dtype: DTypeLike, shape: tuple[int, ...] | None) -> None:
        self.dtype = _plain(name, np.dtype(dtype))
        self.path = folder / f"{_checked(name)}.npy"
        self.missing = 0 if shape is None else int(np.prod(shape, dtype=np.int64))
        self._grows = shape is None
        self._header = {
            "descr": npy.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (0,) if shape is None else shape,
        }
        self._file: BinaryIO

    def __enter__(self) -> Self:
        self._file = self.path.open("xb")
        try:
            npy.write_array_header_2_0(self._file, self._header)
        except BaseException:
            self._file.close()
            raise
        return self

    def write(self, piece: NDArray[Any]) -> None:
        """Append a piece, in C order; it is cast to the dtype of the array."""
        self.missing -= piece.size
        self._file.write(np.ascontiguousarray(piece, dtype=self.dtype).tobytes())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if self._grows:
                # numpy leaves room in the header for a first axis of any length.
                self._header["shape"], self.missing = (-self.missing,), 0
                self._file.seek(0)
                npy.write_array_header_2_0(self._file, self._header)
            self._file.flush()
            os.fsync(self._file.fileno())
        if kind is None and self.missing:
            raise ValueError(f"{self.path.name}: {self.missing} values too few (too many if negative)")


def save_arrays(folder: Path, arrays: Arrays) -> None:
    """Write each array to ``folder/name.npy`` and force files and folder to the disk.

    The folder is made if it is missing. A file that is there already is an error (FileExistsError):
    what is on disk is never changed. Raises ValueError for a name with a path in it, or an array of Python
    objects.
    """
    # All are checked before the first is written, so that a refusal leaves no half of them.
    for name, array in arrays.items():
        _plain(_checked(name), array.dtype)
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        path = folder / f"{name}.npy"
        with path.open("xb") as file:
            try:
                npy.write_array(file, np.asarray(array), allow_pickle=False)
            except OSError as error:
                if error.errno is not None:
                    raise
                # numpy says how many values were written, and not why no more were.
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
            file.flush()
            os.fsync(file.fileno())
    sync_folder(folder)


class Folder(dict[str, NDArray[Any]]):
    """The arrays of a folder by name.

    Attributes
    ----------
    checks : by name, what checks rows of an array that was not checked when the folder was opened.
    """

    def __init__(self) -> None:
        super().__init__()
        self.checks: dict[str, RowCheck] = {}


def load_arrays(folder: Path, mmap: bool = True, unchecked: Collection[str] = ()) -> Folder:
    """Read every ``.npy`` file of a folder, by name; never unpickles.

    With ``mmap`` the arrays are read-only views of the files; else they are copies in memory. What the folder
    has checksums of is compared with them, but for the arrays named in ``unchecked``: who asks for these
    checks rows before reading them. Raises IndexFolderError, which names the file, if one is damaged or cut
    short, or the folder is missing.
    """
    if not folder.is_dir():
        raise IndexFolderError(f"{folder}: no such folder of arrays; {REPAIR}")
    sums, found = read_sums(folder), Folder()
    for path in sorted(folder.glob("*.npy")):
        found[path.stem], found.checks[path.stem] = _load(
            path, mmap, None if sums is None else sums[path.name]
        )
        if path.stem not in unchecked:
            found.checks[path.stem].all()
    return found


def let_go(array: NDArray[Any]) -> None:
    """Give back the memory of a mapped array that was read; when it is read again it comes from its file."""
    data: Any = array
    while isinstance(data, np.ndarray | memoryview):
        data = data.base if isinstance(data, np.ndarray) else data.obj
    if isinstance(data, mapping.mmap) and hasattr(mapping, "MADV_DONTNEED"):
        data.madvise(mapping.MADV_DONTNEED)


def sync_folder(folder: Path) -> None:
    """Force the entries of a folder to the disk, so that its files survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _load(path: Path, mmap: bool, sums: FileSums | None) -> tuple[NDArray[Any], RowCheck]:
    try:
        data = _mapped(path)
        checked = None if sums is None else BlockSums(path, data, sums)
        if checked is not None:  # the head, before it is believed
            checked.check(np.zeros(1, np.int64), np.ones(1, np.int64))
        shape, is_fortran, dtype, start = _header(data)
        # Python integers: a damaged shape may overflow those of numpy.
        n_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if dtype.hasobject or len(data) != start + n_bytes:
            raise ValueError("its size is not what its header says")
        check = RowCheck(checked, start, n_bytes // max(1, shape[0]) if shape else n_bytes)
        # A view of the bytes that are checked: to map them again would cost as much as to read a small file.
        array = np.ndarray(shape, dtype, data[start:], order="F" if is_fortran else "C")
        return (array if mmap else array.copy("K")), check
    except (FileNotFoundError, IndexFolderError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise lack(error, path) from error
        # A damaged header makes numpy raise nearly anything: ValueError, EOFError, SyntaxError, TypeError ...
        reason = " ".join(str(error).split())
        raise IndexFolderError(f"{path}: damaged ({reason}); {REPAIR}") from error


def _mapped(path: Path) -> NDArray[np.uint8]:
    """Return the bytes of a file, which are read when they are looked at."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return np.empty(0, np.uint8)
        return np.frombuffer(mapping.mmap(file.fileno(), 0, access=mapping.ACCESS_READ), np.uint8)


def _header(data: NDArray[np.uint8]) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Return shape, Fortran order, dtype and where the data start."""
    # numpy reads as many bytes as the head says that it has, up to 4 GB.
    head = io.BytesIO(data[:_MOST_OF_A_HEAD].tobytes())
    version = npy.read_magic(head)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    with HEADERS:
        shape, is_fortran, dtype = read(head)
    return shape, is_fortran, dtype, head.tell()


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"array name {name!r}: use letters, digits, '_', '-' and '.' only")
    return name


def _plain(name: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.hasobject:
        raise ValueError(f"array {name!r} holds Python objects ({dtype}); save numbers or fixed-width text")
    return dtype
