"""Siemens mosaics: the slices of one volume side by side in one image of old magnetic resonance files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..kinds import Kind
from ..source import DamagedFrame, PassedOverError
from .frames import Frame, Stored
from .header import kind_of

_COUNT = b"NumberOfImagesInMosaic\0"


@dataclass(frozen=True, eq=False)
class Mosaic:
    """A mosaic as a file of several frames: the same members as ``Stored``.

    Parameters
    ----------
    sheet : the image as it is stored.
    n_frames : how many slices it shows, row by row in a square grid; the last fields may be empty.
    """

    sheet: Stored
    n_frames: int

    @property
    def dataset(self) -> Any:
        """Return the header."""
        return self.sheet.dataset

    @property
    def little_endian(self) -> bool:
        """Return whether tables in the header have their lowest byte first."""
        return self.sheet.little_endian

    @property
    def options(self) -> dict[str, Any]:
        """Return the decoding options, with the size of a slice."""
        options, side = self.sheet.options, self.side
        return {**options, "rows": options["rows"] // side, "columns": options["columns"] // side}

    @property
    def side(self) -> int:
        """Return the number of slices in a row of the grid."""
        return math.ceil(math.sqrt(self.n_frames))

    def frames(self, wanted: Iterable[int]) -> Iterator[Frame | DamagedFrame]:
        """Cut out the wanted slices (rising)."""
        numbers, rows, cols = list(wanted), self.options["rows"], self.options["columns"]
        for sheet in self.sheet.frames([0] if numbers else []):
            for number in numbers:
                # One damaged sheet is all slices of the file.
                if isinstance(sheet, DamagedFrame):
                    yield replace(sheet, number=number)
                    continue
                top, left = number // self.side * rows, number % self.side * cols
                yield Frame(number, sheet.values[top : top + rows, left : left + cols], sheet.photometric)


def unfold(sheet: Stored) -> Mosaic:
    """Return the slices of a mosaic. Raise PassedOverError if the file does not say how many they are."""
    n = _count(sheet.dataset)
    mosaic = Mosaic(sheet, n)
    is_grid = n > 0 and not any(sheet.options[key] % mosaic.side for key in ("rows", "columns"))
    if sheet.n_frames != 1 or not is_grid:
        raise PassedOverError(
            "passed over: a mosaic of slices that does not say how many it shows; convert it by dcm2niix"
        )
    return mosaic


def slice_corner(dataset: Any, number: int) -> tuple[int, int, int, int] | None:
    """Return where a slice is on the image of its file, (top, left, rows, cols); None if it is no mosaic."""
    n = _count(dataset) if kind_of(dataset) is Kind.MOSAIC else 0
    if not n:
        return None
    side = math.ceil(math.sqrt(n))
    rows, cols = int(dataset.Rows) // side, int(dataset.Columns) // side
    return number // side * rows, number % side * cols, rows, cols


def _count(dataset: Any) -> int:
    """Return the number of slices: private element (0019,xx0A), else as the CSA header (0029,xx10) has it."""
    # The element is there up to software VB; later versions keep the number in the CSA header alone.
    try:
        block = dataset.private_block(0x0019, "SIEMENS MR HEADER")
        return int(block[0x0A].value)
    except (KeyError, TypeError, ValueError):
        pass
    for tag in (0x00291010, 0x00291110):
        data = dataset[tag].value if tag in dataset else None
        if isinstance(data, bytes) and (at := data.find(_COUNT)) >= 0:
            return _csa_number(data, at)
    return 0


def _csa_number(data: bytes, at: int) -> int:
    """Read the first item of a CSA element: name (64 bytes), 5 numbers, then 4 numbers and text an item."""
    # 64 + 5 × 4 bytes of the element, 4 × 4 of its first item.
    text = data[at + 100 : at + 116].split(b"\0")[0].strip()
    return int(text) if text.isdigit() else 0
