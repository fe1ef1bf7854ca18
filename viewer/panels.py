"""Panels: drawings with a title and a caption, side by side in rows on one sheet of paper, and a legend."""

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
_BELOW_TITLE, _ABOVE_CAPTION = 10, 8
_LEADING = 8
"""Pixels between two lines of small text."""
_SCREEN = 1200
"""Pixels of a sheet that a screen shows as they are."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One drawing, uint8 (rows, cols, 3), with a title above it and a caption below."""

    drawing: Rgb
    title: str = ""
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Sign:
    """An entry of a legend: a small drawing, uint8 (rows, cols, 3), and what it means."""

    drawing: Rgb
    meaning: str


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font that comes with Pillow, at a height in pixels."""
    return ImageFont.load_default(size)


def shorten(text: str, width: int, size: int) -> str:
    """Cut text in its middle until it is at most ``width`` pixels wide."""
    if font(size).getlength(text) <= width:
        return text
    # In the middle, since the ends tell most: a folder begins a name, and a number ends it.
    kept = len(text)
    while kept > 2:
        kept -= 1
        shorter = f"{text[: kept // 2]}…{text[len(text) - (kept - kept // 2) :]}"
        if font(size).getlength(shorter) <= width:
            return shorter
    return "…"


def wrap(text: str, width: int, size: int) -> list[str]:
    """Break text between words into lines at most ``width`` pixels wide; a longer word is shortened."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font(size).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(shorten(word, width, size))
    return [line for line in lines if line] or [""]


def arrange(rows: Sequence[Sequence[Panel]], heading: str = "", legend: Sequence[Sign] = ()) -> Image.Image:
    """Lay rows of panels on one sheet: each row as high as its highest panel, columns from the left."""
    # The widest row decides; others are left-aligned, as panels of one column belong together.
    width = max(sum(p.drawing.shape[1] for p in row) + GAP * (len(row) - 1) for row in rows) + 2 * MARGIN
    # A wide sheet is shrunk to the screen, and its text with it: it is written larger by as much.
    scale = max(1.0, width / _SCREEN)
    large = round(LARGE * scale)
    top = MARGIN + (large + GAP if heading else 0)
    heights = [max(_height(panel, scale) for panel in row) for row in rows]
    lines = _lines(legend, width - 2 * MARGIN, scale)
    below = sum(GAP + _line_height(line, scale) for line in lines)
    size = (width, top + sum(heights) + GAP * (len(rows) - 1) + below + MARGIN)
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    if heading:
        pen.text((MARGIN, MARGIN), shorten(heading, width - 2 * MARGIN, large), fill=INK, font=font(large))
    for row, height in zip(rows, heights, strict=True):
        left = MARGIN
        for panel in row:
            _paste(sheet, pen, panel, left, top, scale)
            left += panel.drawing.shape[1] + GAP
        top += height + GAP
    for line in lines:
        draw_legend(sheet, line, MARGIN, top, scale)
        top += _line_height(line, scale) + GAP
    return sheet


def draw_legend(sheet: Image.Image, signs: Sequence[Sign], left: int, top: int, scale: float = 1.0) -> None:
    """Draw one line of a legend, each sign with its meaning on the right, text ``scale`` times as large."""
    pen = ImageDraw.Draw(sheet)
    height, small = _line_height(signs, scale), font(round(SMALL * scale))
    for sign in signs:
        rows, cols = sign.drawing.shape[:2]
        sheet.paste(Image.fromarray(sign.drawing), (left, top + (height - rows) // 2))
        pen.text((left + cols + 10, top + height // 2), sign.meaning, fill=INK, font=small, anchor="lm")
        left += sign_width(sign, scale) + GAP


def sign_width(sign: Sign, scale: float = 1.0) -> int:
    """Return the pixels that a sign and its meaning take."""
    return int(sign.drawing.shape[1] + 10 + font(round(SMALL * scale)).getlength(sign.meaning) + 1)


def _lines(legend: Sequence[Sign], width: int, scale: float) -> list[list[Sign]]:
    """Break a legend into lines at most ``width`` pixels wide."""
    lines: list[list[Sign]] = []
    # A full line to begin with, so that the first sign opens one.
    used = width
    for sign in legend:
        used += sign_width(sign, scale) + GAP
        if used > width:
            lines.append([])
            used = sign_width(sign, scale)
        lines[-1].append(sign)
    return lines


def _line_height(signs: Sequence[Sign], scale: float) -> int:
    return max([round((SMALL + _LEADING) * scale), *(int(sign.drawing.shape[0]) for sign in signs)])


def _height(panel: Panel, scale: float) -> int:
    """Return the pixels that a panel takes with its title and all lines of its caption."""
    title = round(LARGE * scale) + _BELOW_TITLE if panel.title else 0
    lines = len(wrap(panel.caption, panel.drawing.shape[1], round(SMALL * scale))) if panel.caption else 0
    caption = lines * round((SMALL + _LEADING) * scale) + (_ABOVE_CAPTION if lines else 0)
    return int(title + panel.drawing.shape[0] + caption)


def _paste(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, panel: Panel, left: int, top: int, scale: float
) -> None:
    rows, cols = panel.drawing.shape[:2]
    large, small = round(LARGE * scale), round(SMALL * scale)
    if panel.title:
        pen.text((left, top), shorten(panel.title, cols, large), fill=INK, font=font(large))
        top += large + _BELOW_TITLE
    sheet.paste(Image.fromarray(panel.drawing), (left, top))
    top += rows + _ABOVE_CAPTION
    # A caption holds numbers, which must stay whole: it is broken into lines, not cut.
    for line in wrap(panel.caption, cols, small):
        pen.text((left, top), line, fill=QUIET, font=font(small))
        top += round((SMALL + _LEADING) * scale)
