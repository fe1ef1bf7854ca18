"""The contact sheet: queries on the left, framed, and what was found beside them, as one image."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageOps

from .answer import Answer, Row
from .panels import ACCENT, GAP, INK, MARGIN, PAPER, QUIET, font, shorten
from .safe_text import printable

CELL, TEXT, LINE = 240, 18, 24
SAME, OTHER = "#00694c", "#8a5a00"
_LINES = 4
_CARD = CELL + 10 + _LINES * LINE
_ABOVE_LINES = CELL + 8


def draw_sheet(answers: Sequence[Answer], per_line: int = 5) -> Image.Image:
    """Draw answers below each other, each hit with its rank, score, label and id.

    Parameters
    ----------
    answers : with their images.
    per_line : hits beside each other.
    """
    # All answers have the same width, so that equal ranks stand below each other.
    heights = [_height(answer, per_line) for answer in answers]
    width = 2 * MARGIN + CELL + 2 * GAP + per_line * (CELL + GAP) - GAP
    sheet = Image.new("RGB", (width, 2 * MARGIN + sum(heights) + 2 * GAP * (len(answers) - 1)), PAPER)
    pen = ImageDraw.Draw(sheet)
    top = MARGIN
    for answer, height in zip(answers, heights, strict=True):
        _draw_query(sheet, pen, answer, top)
        for place, row in enumerate(answer.rows):
            left = MARGIN + CELL + 2 * GAP + place % per_line * (CELL + GAP)
            _draw_card(
                sheet, pen, row.image, _hit_lines(answer, row), left, top + place // per_line * (_CARD + GAP)
            )
        top += height + 2 * GAP
    return sheet


def _height(answer: Answer, per_line: int) -> int:
    # An answer without hits still needs the line of its query.
    lines = max(1, -(-len(answer.rows) // per_line))
    return lines * (_CARD + GAP) - GAP


def _draw_query(sheet: Image.Image, pen: ImageDraw.ImageDraw, answer: Answer, top: int) -> None:
    query = answer.query
    lines = [("Query", ACCENT), (query.label or answer.by, INK), (query.id, QUIET)]
    _draw_card(sheet, pen, answer.image, lines, MARGIN, top)
    # Around the image, not over it: a frame of 4 pixels with one of paper between.
    pen.rectangle((MARGIN - 5, top - 5, MARGIN + CELL + 4, top + CELL + 4), outline=ACCENT, width=4)


def _hit_lines(answer: Answer, row: Row) -> list[tuple[str, str]]:
    """Return the lines below a hit and their colours; a label that the query does not have is marked."""
    same = answer.same_label(row)
    lines = [(f"{row.rank}   {row.score:.4f}", INK)]
    if row.caption.label:
        lines.append((row.caption.label, {True: SAME, False: OTHER, None: INK}[same]))
    # In words too: colours are lost in print and to one in twelve men.
    if same is False:
        lines.append(("other label", OTHER))
    return [*lines, (row.caption.id, QUIET)]


def _draw_card(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    encoded: bytes,
    lines: Sequence[tuple[str, str]],
    left: int,
    top: int,
) -> None:
    sheet.paste(_cell(encoded), (left, top))
    for number, (text, colour) in enumerate(lines):
        place = (left, top + _ABOVE_LINES + number * LINE)
        pen.text(place, shorten(printable(text), CELL, TEXT), fill=colour, font=font(TEXT))


def _cell(encoded: bytes) -> Image.Image:
    """Decode an image into the middle of a black square; an empty one gives a grey square."""
    if not encoded:
        return Image.new("RGB", (CELL, CELL), "#9aa3ab")
    image = Image.open(io.BytesIO(encoded)).convert("RGB")
    return ImageOps.pad(image, (CELL, CELL), method=Image.Resampling.BICUBIC, color="black")
