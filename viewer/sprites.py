"""Sprite sheets: many thumbnails on a few large images, which browsers draw from much faster."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

_SHEET = 2048
"""Pixels of the side of a sheet; all browsers decode images of this size, also on phones."""

_SIDES = ((300, 160), (800, 128), (2000, 96))
"""Up to this number of images, their longest side in pixels: 2,000 stay well below 15 MB."""

_LEAST_SIDE = 64
_QUALITY = 80


@dataclass(frozen=True)
class Sprite:
    """Where a thumbnail is: its sheet from 0, its upper left corner, its width and height in pixels."""

    sheet: int
    left: int
    top: int
    w: int
    h: int


def draw_sheets(thumbnails: Sequence[bytes]) -> tuple[list[bytes], list[Sprite]]:
    """Draw thumbnails onto as many sheets as they need; return these as JPEG, and each one's place."""
    # The more images, the smaller: a page of 5,000 must still open.
    side = next((side for n, side in _SIDES if len(thumbnails) <= n), _LEAST_SIDE)
    per_sheet = (_SHEET // side) ** 2
    sheets: list[bytes] = []
    sprites: list[Sprite] = []
    for first in range(0, len(thumbnails), per_sheet):
        sheet, own = _sheet(thumbnails[first : first + per_sheet], side, len(sheets))
        sheets.append(sheet)
        sprites += own
    return sheets, sprites


def _sheet(thumbnails: Sequence[bytes], side: int, number: int) -> tuple[bytes, list[Sprite]]:
    """Draw one sheet, row by row, each thumbnail in the upper left corner of its square."""
    across = _SHEET // side
    rows = -(-len(thumbnails) // across)
    sheet = Image.new("RGB", (min(across, len(thumbnails)) * side, rows * side))
    sprites = []
    for place, encoded in enumerate(thumbnails):
        small = Image.open(io.BytesIO(encoded)).convert("RGB")
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        left, top = place % across * side, place // across * side
        sheet.paste(small, (left, top))
        sprites.append(Sprite(number, left, top, small.width, small.height))
    # Black between images of other shapes costs JPEG next to nothing.
    stream = io.BytesIO()
    sheet.save(stream, "JPEG", quality=_QUALITY, optimize=True)
    return stream.getvalue(), sprites
