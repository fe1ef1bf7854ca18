"""A file of squares: decoded images on disk until all are there."""

from __future__ import annotations

import tempfile

import numpy as np
from numpy.typing import NDArray

from ..networks.preprocessing import Square

Squares = NDArray[np.uint8]

IN_MEMORY = 1 << 30
"""Squares of more bytes than this are mapped from a file that is gone when the process ends."""


class SquareFile:
    """Gather squares (3, side, side) in a temporary file, which has no name and is deleted by the system.

    How many images files hold is known only when all are decoded, so no array can be made for them before.
    """

    def __init__(self, side: int) -> None:
        self._shape = (3, side, side)

    def __enter__(self) -> SquareFile:
        self._file = tempfile.TemporaryFile()
        return self

    def write(self, square: Square) -> None:
        """Append a square."""
        self._file.write(square.tobytes())

    def squares(self, n: int) -> Squares:
        """Return the n squares that were written, uint8 (n, 3, side, side): in memory, or mapped if large."""
        self._file.flush()
        self._file.seek(0)
        shape = (n, *self._shape)
        if np.prod(shape, dtype=np.int64) > IN_MEMORY:
            # The mapping keeps the file after it is closed.
            return np.memmap(self._file, np.uint8, "r", shape=shape)
        return np.frombuffer(self._file.read(), dtype=np.uint8).reshape(shape)

    def __exit__(self, *_: object) -> None:
        self._file.close()
