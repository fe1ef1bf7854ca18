"""DICOM tables: the lookup tables of the Modality LUT, VOI LUT and palette colour modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from .header import element


@dataclass(frozen=True, eq=False)
class LookupTable:
    """Map stored values; those before the first entry get the first one, those behind the last the last.

    Parameters
    ----------
    first : the value that is mapped to the first entry.
    entries : float32 (n,) or (n, 3), n ≥ 1.
    top : the highest value that an entry can have.
    """

    first: int
    entries: NDArray[np.float32]
    top: float

    def __call__(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the entries for values of any shape (floats are rounded), with the entries' last axis."""
        # Clipped as floats first: int64 would wrap around on values beyond it.
        last = self.first + len(self.entries) - 1
        places = np.rint(np.clip(values.astype(np.float64), self.first, last)).astype(np.int64)
        return np.asarray(self.entries[places - self.first])


def table_of(item: Any, signed: bool, little_endian: bool) -> LookupTable | None:
    """Read LUTDescriptor and LUTData of a sequence item; None where one of them is missing or empty.

    PS3.3 C.11.1.1 and C.11.2.1.1. ``signed`` says whether the values that are looked up may be negative.
    The bits stated in the descriptor are often too many: those that the entries use count, 8 at least.
    """
    descriptor, data = element(item, "LUTDescriptor"), element(item, "LUTData")
    if descriptor is None or data is None or len(descriptor) != 3:
        return None
    n_entries = int(descriptor[0]) or 1 << 16
    entries = _entries(data, n_entries, little_endian)[:n_entries]
    if len(entries) == 0:
        return None
    used = max(8, int(entries.max()).bit_length())
    bits = used if used > int(descriptor[2]) else min(used, int(descriptor[2]))
    return LookupTable(_with_sign(int(descriptor[1]), signed), entries, float((1 << bits) - 1))


def palette_of(dataset: Any, signed: bool) -> LookupTable:
    """Read the palette of a picture as a table of RGB entries, plain or segmented; PS3.3 C.7.9.

    Raises PictureError where there is none.
    """
    from pydicom.pixels import apply_color_lut

    descriptor = element(dataset, "RedPaletteColorLookupTableDescriptor")
    if descriptor is None or len(descriptor) != 3:
        raise PictureError("the palette of its colours is missing")
    n_entries = int(descriptor[0]) or 1 << 16
    first = _with_sign(int(descriptor[1]), signed)
    places = np.arange(n_entries, dtype=np.int32) + int(descriptor[1])
    colours = apply_color_lut(places, dataset)[:, :3].astype(np.float32)
    bits = 8 if colours.max(initial=0) <= 255 else 16
    return LookupTable(first, colours, float((1 << bits) - 1))


def _entries(data: Any, n_entries: int, little_endian: bool) -> NDArray[np.float32]:
    """Return the entries, from whichever of the forms that pydicom gives them: bytes, one number, a list."""
    if isinstance(data, bytes | bytearray):
        wide = len(data) >= 2 * n_entries
        kind = ("<u2" if little_endian else ">u2") if wide else "u1"
        return np.frombuffer(data[: len(data) // 2 * 2], dtype=kind).astype(np.float32)
    numbers = np.atleast_1d(np.asarray(data, dtype=np.int64)) & 0xFFFF
    if len(numbers) < n_entries <= 2 * len(numbers):  # two 8-bit entries to a word
        numbers = np.stack([numbers & 0xFF, numbers >> 8], axis=1).reshape(-1)
    return numbers.astype(np.float32)


def _with_sign(value: int, signed: bool) -> int:
    """Undo the ambiguity between US and SS."""
    if signed:
        return value - 0x10000 if value > 0x7FFF else value
    return value + 0x10000 if value < 0 else value
