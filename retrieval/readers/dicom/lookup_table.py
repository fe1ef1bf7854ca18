"""DICOM tables: the lookup tables of the Modality LUT, VOI LUT and palette colour modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from .header import element
from .segmented_palette import expand_segments


@dataclass(frozen=True, eq=False)
class LookupTable:
    """Map stored values; those below the first entry get the first one, those above the last the last.

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
    """Read LUTDescriptor and LUTData of a sequence item; None if one of them is missing or empty.

    PS3.3 C.11.1.1 and C.11.2.1.1. ``signed`` says whether the values that are looked up may be negative.
    """
    descriptor, data = element(item, "LUTDescriptor"), element(item, "LUTData")
    if descriptor is None or data is None or len(descriptor) != 3:
        return None
    n_entries = int(descriptor[0]) or 1 << 16  # 0 stands for 65536, which 16 bits cannot hold
    entries = _entries(data, n_entries, _order(item, "LUTData", little_endian))[:n_entries]
    if len(entries) == 0:
        return None
    top = _top(int(descriptor[2]), float(entries.max()))
    return LookupTable(_with_sign(int(descriptor[1]), signed), entries.astype(np.float32), top)


def palette_of(dataset: Any, signed: bool, little_endian: bool) -> LookupTable:
    """Read the palette of an image as a table of RGB entries; PS3.3 C.7.6.3.1.5, and C.7.9.2 for segments.

    Raises PictureError if there is none, or if its colours have different lengths.
    """
    descriptor = element(dataset, "RedPaletteColorLookupTableDescriptor")
    if descriptor is None or len(descriptor) != 3:
        raise PictureError("the palette of its colours is missing")
    n_entries, bits = int(descriptor[0]) or 1 << 16, int(descriptor[2])
    channels = [_channel(dataset, name, n_entries, bits, little_endian) for name in ("Red", "Green", "Blue")]
    shortest = min(len(channel) for channel in channels)
    if not shortest:
        raise PictureError("the palette of its colours is missing")
    colours = np.stack([channel[:shortest] for channel in channels], axis=1)
    # 8-bit entries that fill one byte each are full at 255, whatever the descriptor says.
    is_bytes = colours.dtype.itemsize == 1
    top = 255.0 if is_bytes else _top(bits, float(colours.max()))
    return LookupTable(_with_sign(int(descriptor[1]), signed), colours.astype(np.float32), top)


def _top(bits: int, highest: float) -> float:
    """Return the value that is full: the descriptor says it, not what the table holds.

    A dark table is dark. Only entries that do not fit prove the descriptor wrong; they have 16 bits then.
    """
    top = float((1 << min(max(bits, 8), 16)) - 1)
    return top if highest <= top else 65535.0


def _channel(dataset: Any, colour: str, n_entries: int, bits: int, little_endian: bool) -> NDArray[Any]:
    """Return the entries of one colour of a palette, (n,); none if they are missing."""
    plain, segmented = f"{colour}PaletteColorLookupTableData", f"Segmented{colour}PaletteColorLookupTableData"
    if (data := element(dataset, plain)) is not None:
        return _entries(data, n_entries, _order(dataset, plain, little_endian))[:n_entries]
    if (data := element(dataset, segmented)) is None:
        return np.zeros(0, np.uint16)
    order = _order(dataset, segmented, little_endian)
    # Segments have no length that tells their depth: the descriptor does.
    codes = _words(data, order) if bits > 8 else _bytes(data, order)
    return expand_segments(codes, n_entries)


def _order(item: Any, keyword: str, little_endian: bool) -> str:
    """Return "<", or ">" for words of a big-endian file; PS3.5 section 7.3: bytes (OB) are never swapped."""
    return "<" if little_endian or item[keyword].VR == "OB" else ">"


def _entries(data: Any, n_entries: int, order: str) -> NDArray[Any]:
    """Return the entries, from any of the forms that pydicom gives them: bytes, one number, a list."""
    n_bytes = len(data) if isinstance(data, bytes | bytearray) else 2 * np.size(data)
    return _words(data, order) if n_bytes >= 2 * n_entries else _bytes(data, order)


def _words(data: Any, order: str) -> NDArray[np.uint16]:
    if isinstance(data, bytes | bytearray):
        words = np.frombuffer(data[: len(data) // 2 * 2], dtype=f"{order}u2")
        return words.astype(np.uint16)
    # pydicom has read the numbers in the order of the file; some are negative (SS).
    return (np.atleast_1d(np.asarray(data, dtype=np.int64)) & 0xFFFF).astype(np.uint16)


def _bytes(data: Any, order: str) -> NDArray[np.uint8]:
    """Two entries to a word, the first in its low byte; PS3.3 C.7.6.3.1.6."""
    if isinstance(data, bytes | bytearray) and order == "<":
        return np.frombuffer(data, dtype=np.uint8)
    words = _words(data, order)
    return np.stack([words & 0xFF, words >> 8], axis=1).astype(np.uint8).reshape(-1)


def _with_sign(value: int, signed: bool) -> int:
    """Undo the ambiguity between US and SS."""
    if signed:
        return value - 0x10000 if value > 0x7FFF else value
    return value + 0x10000 if value < 0 else value
