"""Arrays with a text header: where NRRD and MetaImage keep their values, and how these are opened."""

from __future__ import annotations

import bz2
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from .limits import declare
from .source import Source
from .unpacking import Inflated, unpacked
from .values import opaque
from .volume import Volume, usable

_MOST_TEXT = 1 << 16
_MILLIMETRES = {"m": 1e3, "cm": 10.0, "mm": 1.0, "um": 1e-3, "µm": 1e-3, "nm": 1e-6}
_LONG = {"meter": 1e3, "metre": 1e3, "centimeter": 10.0, "millimeter": 1.0, "millimetre": 1.0}
_LONG |= {"micron": 1e-3, "micrometer": 1e-3, "micrometre": 1e-3, "nanometer": 1e-6}
_MILLIMETRES |= _LONG | {f"{name}s": length for name, length in _LONG.items()}


@dataclass(frozen=True)
class ArrayHeader:
    """What a text header says of the array.

    Parameters
    ----------
    shape, dtype : of the values as they are stored, the fastest axis first.
    encoding : ``raw``, ``deflated`` with the header of gzip or zlib, ``bzip2`` or ``text``.
    path, offset : where the values begin; an offset of -1 takes them from the end of the file.
    spatial : the axes of space, one to three.
    colour_axis : an axis of three or four 8-bit colours, None without one.
    directions : float (3, 3) from the spatial axes to the patient's left, back and head, mm; NaN: unknown.
    origin : where the first voxel is towards left, back and head, mm, float (3,); None: unknown.
    skip : bytes before the values once these are unpacked; -1 takes them from the end.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    encoding: str
    path: Path
    offset: int
    spatial: tuple[int, ...]
    colour_axis: int | None
    directions: NDArray[np.float64]
    origin: NDArray[np.float64] | None = None
    skip: int = 0


def read_head(path: Path, end: bytes) -> tuple[list[str], int]:
    """Return the lines of a text header, and where the line after it begins.

    Parameters
    ----------
    end : the beginning of the last line, in lower case; an empty line ends a header too.
    """
    lines, size = [], 0
    with path.open("rb") as file:
        while size < _MOST_TEXT and (line := file.readline(_MOST_TEXT)):
            size += len(line)
            lines.append(line.decode("utf-8", "replace").strip())
            if not line.strip() or (end and line.lower().startswith(end)):
                break
    return lines, size


def millimetres(unit: str) -> float | None:
    """Return the length of a unit in mm; None for one that is no length, or is not known."""
    # Greek mu (U+03BC) and the micro sign (U+00B5) look alike.
    return _MILLIMETRES.get(unit.strip().lower().replace("\u03bc", "\u00b5"))


def beside(path: Path, name: str) -> Path:
    """Return the file of values that a header names. It must be in the folder of the header, or below it."""
    # A header from elsewhere must not make a reader show any other file of this machine.
    found = (path.parent / name).resolve()
    if not found.is_relative_to(path.parent.resolve()) or not found.is_file():
        raise PictureError("its values are missing: the file that its header names is not beside it")
    declare(0, found.stat().st_size)
    return found


@contextmanager
def volume_of(header: ArrayHeader, source: Source) -> Iterator[Volume]:
    """Open the values of a header as a volume, for the time of a context.

    Raises PictureError for values that are missing or too many.
    """
    from nibabel.arrayproxy import ArrayProxy

    with ExitStack() as stack:
        stored = stack.enter_context(header.path.open("rb"))
        n_bytes = int(np.prod([int(n) for n in header.shape], dtype=object)) * header.dtype.itemsize
        file, offset = stack.enter_context(_values(header, stored, source, n_bytes))
        there = file.seek(0, os.SEEK_END)
        offset = there - n_bytes if offset < 0 else offset
        if offset < 0 or there < offset + n_bytes:
            raise PictureError(f"the file is truncated: {there:,} of {offset + n_bytes:,} bytes")
        declare(n_bytes, 0)
        array = ArrayProxy(file, (header.shape, header.dtype, offset, 1.0, 0.0), mmap=False)
        order = _order(header)
        yield Volume(
            source,
            lambda index: _picked(array, header, order, index),
            tuple(header.shape[axis] for axis in order),
            _affine(header),
            _distances(header),
            origin=None if header.origin is None else header.origin * [-1.0, -1.0, 1.0],
        )


@contextmanager
def _values(
    header: ArrayHeader, file: IO[bytes], source: Source, n_bytes: int
) -> Iterator[tuple[IO[bytes], int]]:
    """Unpack the values if they are packed; yield a file of values and where they begin in it."""
    if header.encoding == "raw":
        yield file, header.offset
        return
    file.seek(max(header.offset, 0))
    size = header.path.stat().st_size
    if header.encoding == "text":
        numbers = np.array(file.read(size).split()).astype(np.float64).astype(header.dtype)
        packed: Any = _Chunks(numbers.tobytes())
        size = numbers.nbytes
    else:
        packed = bz2.BZ2File(file) if header.encoding == "bzip2" else Inflated(file)
    n_wanted = None if header.skip < 0 else header.skip + n_bytes
    with unpacked(packed, size, source, n_wanted) as whole:
        yield whole, max(header.skip, -1)


class _Chunks:
    """Bytes to be read piece by piece."""

    def __init__(self, data: bytes) -> None:
        self._left = memoryview(data)

    def read(self, n: int) -> bytes:
        piece, self._left = self._left[:n], self._left[n:]
        return bytes(piece)


def _order(header: ArrayHeader) -> list[int]:
    """Return the axes of the volume in order: space, then all others but colours."""
    others = [n for n in range(len(header.shape)) if n not in (*header.spatial, header.colour_axis)]
    # A place without extent keeps two axes of space apart from the others.
    return [*header.spatial, *others]


def _picked(array: Any, header: ArrayHeader, order: list[int], index: tuple[Any, ...]) -> NDArray[Any]:
    """Return the values at an index of the volume; RGB with its colours last."""
    stored: list[Any] = [slice(None)] * len(header.shape)
    for axis, wanted in zip(order, index, strict=False):
        stored[axis] = wanted
    values = np.asarray(array[tuple(stored)])
    # Axes that were indexed by a number are gone; the others come in the order of the volume.
    kept = [axis for axis in range(len(stored)) if isinstance(stored[axis], slice)]
    wanted_order = [axis for axis in order if axis in kept]
    if header.colour_axis is not None:
        wanted_order.append(header.colour_axis)
    values = values.transpose([kept.index(axis) for axis in wanted_order])
    return opaque(values) if header.colour_axis is not None else values


def _affine(header: ArrayHeader) -> NDArray[np.float64]:
    """Return the directions as NIfTI has them: right and front are the negatives of left and back."""
    shape = [header.shape[axis] for axis in header.spatial]
    # Without directions an image is shown as it is stored: columns to the left, rows to the back.
    plain = np.diag([-1.0, -1.0, 1.0, 1.0])
    whole = np.eye(4)
    whole[:3, :3] = np.diag([-1.0, -1.0, 1.0]) @ header.directions
    found = usable(whole, shape)
    return plain if found is None else found


def _distances(header: ArrayHeader) -> tuple[float, ...]:
    lengths = np.linalg.norm(header.directions, axis=0)
    return tuple(float(length) if np.isfinite(length) else 0.0 for length in lengths)
