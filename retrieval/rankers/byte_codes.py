"""Byte codes: vectors in one byte a number, and a bound on their error, which rules most rows out unread."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import REPAIR, IndexFolderError
from ..kernel import kernel
from .array_files import ArrayWriter, load_arrays, sync_folder
from .block_sums import RowCheck

FOLDER = "codes"
"""The folder, inside a segment of dense vectors, of their codes."""

_TYPES = {"codes": np.int8, "scales": np.float32, "errors": np.float32}
_LARGEST = 127
_PIECE = 512  # vectors that are encoded at a time: 1 MB of 256 numbers
_LINE = 64
"""Bytes that a processor fetches at a time."""
_ROUNDING = 2.0**-24
"""Relative error of one operation in float32."""


class CodeArrays(NamedTuple):
    """Codes as kernels take them: row i of unit length is ``scales[i] · codes[i]``, but for its error.

    ``codes`` int8 (n, d), ``scales`` float32 (n,), ``errors`` float32 (n,), the length of what is missing.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    errors: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ByteCodes:
    """The codes of a segment, mapped from its files, and what checks them before they are read."""

    arrays: CodeArrays
    checks: Sequence[RowCheck]

    def check(self) -> None:
        """Raise IndexFolderError if they are damaged."""
        for check in self.checks:
            check.all()


class CodedViews(NamedTuple):
    """Views of a query at unit length: ``steps[v] · values[v]`` is view v, but for an error.

    ``values`` int16 (m, d), ``steps`` float32 (m,). The score of a row is at most
    ``row · errors[i] + fixed`` from what the codes say (float32, both).
    """

    values: NDArray[np.int16]
    steps: NDArray[np.float32]
    row: np.float32
    fixed: np.float32


def code_views(views: Sequence[NDArray[np.float32]]) -> CodedViews:
    """Return the codes of views of a query, each float32 (d,), of unit length or zero."""
    rows = np.stack(views).astype(np.float64)
    d = rows.shape[1]
    # As fine as can be, so that the sum of d products with a byte fits into 32 bits.
    finest = min(2**15 - 1, (2**31 - 1) // (_LARGEST * d))
    steps = (np.abs(rows).max(axis=1) / finest).astype(np.float32)
    values = np.rint(rows / np.where(steps > 0, steps, 1)[:, None]).clip(-finest, finest)
    missing = np.linalg.norm(rows - values * steps[:, None].astype(np.float64), axis=1).max()
    # With x = c + e and q = p + f: x·q − c·p = e·q + c·f, at most |e||q| + (1 + |e|)|f| by Cauchy-Schwarz.
    # The last term is the rounding of the two sums, of what they are multiplied with, and of these bounds: a
    # code is no longer than 1 + |e|, at most 2, and the sum of its products may be one in float32.
    row = (np.linalg.norm(rows, axis=1).max() + missing) * (1 + 1e-6)
    fixed = missing * (1 + 1e-6) + 2.2 * (d + 16) * _ROUNDING
    return CodedViews(values.astype(np.int16), steps, np.float32(row), np.float32(fixed))


@kernel(error_model="numpy")
def code_view(view: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return the code of one view float32 (d,), without its step or a bound on its error, in less time."""
    values = np.zeros(len(view), np.int16)
    largest = np.float32(0)
    for value in view:
        largest = max(largest, abs(value))
    if largest > 0:
        finest = np.float32(min(2**15 - 1, (2**31 - 1) // (_LARGEST * len(view))))
        for i in range(len(view)):
            values[i] = np.int16(np.rint(view[i] * (finest / largest)))
    return values


class CodeWriter:
    """Write the codes of a segment's vectors into its folder, some vectors at a time.

    Parameters
    ----------
    folder : of the segment; the codes get a folder in it.
    n, dimension : of all the vectors.
    """

    def __init__(self, folder: Path, n: int, dimension: int) -> None:
        self.folder = folder / FOLDER
        self.folder.mkdir()
        shapes = {"codes": (n, dimension), "scales": (n,), "errors": (n,)}
        self._files = [ArrayWriter(self.folder, name, _TYPES[name], shapes[name]) for name in _TYPES]
        self._open = ExitStack()

    def __enter__(self) -> Self:
        # If one cannot be opened, those that are open are closed.
        with ExitStack() as opened:
            for file in self._files:
                opened.enter_context(file)
            self._open = opened.pop_all()
        return self

    def write(self, vectors: NDArray[np.float32]) -> None:
        """Append the codes of vectors, float32 (n, dimension)."""
        made = encode(vectors)
        pieces: tuple[NDArray[Any], ...] = (made.codes, made.scales, made.errors)
        for file, piece in zip(self._files, pieces, strict=True):
            file.write(piece)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)
        sync_folder(self.folder)


def encode(vectors: NDArray[np.float32]) -> CodeArrays:
    """Return the codes of vectors float32 (n, d); those of zeros are zeros, without error."""
    n = len(vectors)
    made = CodeArrays(np.zeros(vectors.shape, np.int8), np.zeros(n, np.float32), np.zeros(n, np.float32))
    # In numpy: an update that writes nothing else by kernels need not load numba, which takes 100 MB.
    for first in range(0, n, _PIECE):
        rows = slice(first, first + _PIECE)
        _encode(vectors[rows], made.codes[rows], made.scales[rows], made.errors[rows])
    return made


def open_codes(folder: Path, shape: tuple[int, ...]) -> ByteCodes | None:
    """Open the codes of a segment whose vectors have a shape; None if it has none.

    Raises IndexFolderError if they do not fit.
    """
    if not (folder / FOLDER).is_dir():
        return None
    arrays = load_arrays(folder / FOLDER, unchecked=tuple(_TYPES))
    shapes = {"codes": shape, "scales": shape[:1], "errors": shape[:1]}
    if {name: (array.dtype, array.shape) for name, array in arrays.items()} != {
        name: (np.dtype(_TYPES[name]), shapes[name]) for name in _TYPES
    }:
        raise IndexFolderError(f"{folder / FOLDER}: no codes of these vectors; {REPAIR}")
    return ByteCodes(
        CodeArrays(*(arrays[name] for name in CodeArrays._fields)), tuple(arrays.checks.values())
    )


@kernel()
def coded_product(codes: NDArray[np.int8], row: int, values: NDArray[np.int16]) -> np.float32:
    """Return the dot product of the code of a row (n, d) with that of a view (d,)."""
    # Every step is cut to 32 bits, which hold it: so the compiler multiplies 32 pairs in one instruction.
    # Elements of the codes, not rows: to count who holds those takes longer than to read a row.
    total = np.int32(0)
    for i in range(len(values)):
        total = np.int32(total + np.int32(np.int32(codes[row, i]) * np.int32(values[i])))
    return np.float32(total)


@kernel()
def fetch_codes(
    codes: NDArray[np.int8], scales: NDArray[np.float32], rows: NDArray[np.int64], n: int
) -> np.float32:
    """Read a little of all that the scores of the first n of some rows need, and return a sum of it.

    So the processor waits for all of them at once. The sum must be used, or the compiler may read nothing.
    """
    total, n_lines = np.float32(0), (codes.shape[1] + _LINE - 1) // _LINE
    for i in range(n):
        total += scales[rows[i]]
        for line in range(n_lines):
            total += np.float32(codes[rows[i], line * _LINE])
    return total


def _encode(
    vectors: NDArray[np.float32],
    codes: NDArray[np.int8],
    scales: NDArray[np.float32],
    errors: NDArray[np.float32],
) -> None:
    """Fill in the codes of vectors (n, d)."""
    unit = vectors.astype(np.float64)
    lengths = np.sqrt(np.einsum("nd,nd->n", unit, unit))
    is_any = lengths > 0
    unit /= np.where(is_any, lengths, 1)[:, None]
    scales[:] = np.abs(unit).max(axis=1) / 127
    steps = np.where(is_any, scales, 1).astype(np.float64)[:, None]
    rounded = np.rint(unit / steps).clip(-127, 127)
    codes[:] = rounded
    unit -= rounded * steps
    # A little more, so that rounding to float32 cannot make it less than it is.
    errors[:] = np.where(is_any, np.sqrt(np.einsum("nd,nd->n", unit, unit)) * (1 + 1e-6) + 1e-9, 0)
