"""Panels: drawings with a title and a caption, side by side in rows on one sheet of paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Rgb: TypeAlias = NDArray[np.uint8]

PAPER, INK, QUIET, ACCENT = "#ffffff", "#1c2024", "#5c6670", "#0072b2"
MARGIN, GAP = 32, 24
LARGE, SMALL = 26, 19


@dataclass(frozen=True, eq=False)
class Panel:
    """One drawing, uint8 (rows, cols, 3), with a title above it and a caption below."""

    drawing: Rgb
    title: str = ""
    caption: str = ""


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font that comes with Pillow, at a height in pixels."""
    return ImageFont.load_default(size)


def shorten(text: str, width: int, size: int) -> str:
    """Cut text in its middle until it is at most ``width`` pixels wide."""
    if font(size).getlength(text) <= width:
        return text
    kept = len(text)
    while kept > 2:
        kept -= 1
        shorter = f"{text[: kept // 2]}…{text[len(text) - (kept - kept // 2) :]}"
        if font(size).getlength(shorter) <= width:
            return shorter
    return "…"


def arrange(rows: Sequence[Sequence[Panel]], heading: str = "") -> Image.Image:
    """Lay rows of panels on one sheet: each row as high as its highest panel, columns from the left."""
    top = MARGIN + (LARGE + GAP if heading else 0)
    heights = [max(_height(panel) for panel in row) for row in rows]
    width = max(sum(p.drawing.shape[1] for p in row) + GAP * (len(row) - 1) for row in rows) + 2 * MARGIN
    sheet = Image.new("RGB", (width, top + sum(heights) + GAP * (len(rows) - 1) + MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    if heading:
        pen.text((MARGIN, MARGIN), shorten(heading, width - 2 * MARGIN, LARGE), fill=INK, font=font(LARGE))
    for row, height in zip(rows, heights, strict=True):
        left = MARGIN
        for panel in row:
            _paste(sheet, pen, panel, left, top)
            left += panel.drawing.shape[1] + GAP
        top += height + GAP
    return sheet


def _height(panel: Panel) -> int:
    title = LARGE + 10 if panel.title else 0
    return int(title + panel.drawing.shape[0] + (SMALL + 10 if panel.caption else 0))


def _paste(sheet: Image.Image, pen: ImageDraw.ImageDraw, panel: Panel, left: int, top: int) -> None:
    rows, cols = panel.drawing.shape[:2]
    if panel.title:
        pen.text((left, top), shorten(panel.title, cols, LARGE), fill=INK, font=font(LARGE))
        top += LARGE + 10
    sheet.paste(Image.fromarray(panel.drawing), (left, top))
    if panel.caption:
        caption = shorten(panel.caption, cols, SMALL)
        pen.text((left, top + rows + 8), caption, fill=QUIET, font=font(SMALL))
