"""Segmented palettes: colours written as runs and ramps; PS3.3 C.7.9.2."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError

_DISCRETE, _LINEAR, _INDIRECT = range(3)


def expand_segments(codes: NDArray[Any], n_entries: int) -> NDArray[Any]:
    """Return the entries that segments describe, of the dtype of ``codes`` (uint8 or uint16).

    Parameters
    ----------
    codes : (n,), the segments one behind the other: opcode, length, contents.
    n_entries : the length of the palette; segments beyond it are left out.

    Raises
    ------
    PictureError : an unknown opcode, a ramp without a beginning, or a segment that refers to itself.
    """
    entries: list[int] = []
    _expand(codes.tolist(), 0, len(codes), entries, n_entries, codes.dtype.itemsize)
    return np.array(entries[:n_entries], dtype=codes.dtype)


def _expand(codes: list[int], at: int, n_segments: int, entries: list[int], most: int, width: int) -> None:
    """Append the entries of up to ``n_segments`` segments from the place ``at`` on."""
    for _ in range(n_segments):
        if at + 2 > len(codes) or len(entries) >= most:
            return
        opcode, length = codes[at], codes[at + 1]
        # C.7.9.2.1 to C.7.9.2.3
        if opcode == _DISCRETE:
            entries += codes[at + 2 : at + 2 + length]
            at += 2 + length
        elif opcode == _LINEAR:
            entries += _ramp(entries, length, codes[at + 2 : at + 3])
            at += 3
        elif opcode == _INDIRECT:
            offset = _offset(codes[at + 2 : at + 4 if width == 2 else at + 6], width)
            if not 0 <= offset < at:  # segments that are copied must come before
                raise PictureError("damaged: a segment of the palette refers to itself")
            _expand(codes, offset, length, entries, most, width)
            at += 4 if width == 2 else 6
        else:
            raise PictureError(f"damaged: the palette has a segment of the unknown kind {opcode}")


def _ramp(entries: list[int], length: int, end: list[int]) -> list[int]:
    """C.7.9.2.2: from the entry before, which is not repeated, to the end in ``length`` equal steps."""
    if not entries or not end or not length:
        raise PictureError("damaged: a ramp of the palette has no beginning or end")
    return [round(value) for value in np.linspace(entries[-1], end[0], length + 1)[1:].tolist()]


def _offset(parts: list[int], width: int) -> int:
    """C.7.9.2.3: 32 bits, lowest part first, in bytes from the beginning of the table."""
    return sum(part << (8 * width * n) for n, part in enumerate(parts)) // width
