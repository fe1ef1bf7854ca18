"""The contact sheet: queries on the left, framed, and what was found beside them, as one picture."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageOps

from .answer import Answer, Row, printable
from .panels import ACCENT, GAP, INK, MARGIN, PAPER, QUIET, font, shorten
from .report import Thumbnails, picture_of

CELL, TEXT, LINE = 240, 18, 24
SAME = "#00694c"


def draw_sheet(answers: Sequence[Answer], thumbnails: Thumbnails, per_line: int = 5) -> Image.Image:
    """Draw answers below each other, each hit with its rank, score, label and id.

    Parameters
    ----------
    thumbnails : encoded pictures by id; a query's own under ``query:`` + id.
    per_line : hits beside each other.
    """
    heights = [_height(answer, per_line) for answer in answers]
    width = 2 * MARGIN + CELL + 2 * GAP + per_line * (CELL + GAP) - GAP
    sheet = Image.new("RGB", (width, 2 * MARGIN + sum(heights) + 2 * GAP * (len(answers) - 1)), PAPER)
    pen = ImageDraw.Draw(sheet)
    top = MARGIN
    for answer, height in zip(answers, heights, strict=True):
        _draw_query(sheet, pen, answer, thumbnails, top)
        for place, row in enumerate(answer.rows):
            left = MARGIN + CELL + 2 * GAP + place % per_line * (CELL + GAP)
            _draw_hit(sheet, pen, answer, row, thumbnails, left, top + place // per_line * (_CARD + GAP))
        top += height + 2 * GAP
    return sheet


_CARD = CELL + 10 + 3 * LINE


def _height(answer: Answer, per_line: int) -> int:
    lines = max(1, -(-len(answer.rows) // per_line))
    return lines * (_CARD + GAP) - GAP


def _draw_query(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, answer: Answer, thumbnails: Thumbnails, top: int
) -> None:
    query = answer.query
    encoded = thumbnails.get(f"query:{query.id}") or thumbnails.get(query.id, b"")
    sheet.paste(_cell(encoded), (MARGIN, top))
    pen.rectangle((MARGIN - 5, top - 5, MARGIN + CELL + 4, top + CELL + 4), outline=ACCENT, width=4)
    _write(pen, MARGIN, top, [("Query", ACCENT), (query.label or answer.by, INK), (query.id, QUIET)])


def _draw_hit(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    answer: Answer,
    row: Row,
    thumbnails: Thumbnails,
    left: int,
    top: int,
) -> None:
    sheet.paste(_cell(picture_of(thumbnails, answer, row)), (left, top))
    lines = [(f"{row.rank}   {row.score:.4f}", INK)]
    if row.caption.label:
        lines.append((row.caption.label, SAME if answer.same_label(row) else INK))
    lines.append((row.caption.id, QUIET))
    _write(pen, left, top, lines)


def _write(pen: ImageDraw.ImageDraw, left: int, top: int, lines: Sequence[tuple[str, str]]) -> None:
    for number, (text, colour) in enumerate(lines):
        place = (left, top + CELL + 8 + number * LINE)
        pen.text(place, shorten(printable(text), CELL, TEXT), fill=colour, font=font(TEXT))


def _cell(encoded: bytes) -> Image.Image:
    """Decode a thumbnail into the middle of a black square; an empty one gives a grey square."""
    if not encoded:
        return Image.new("RGB", (CELL, CELL), "#9aa3ab")
    picture = Image.open(io.BytesIO(encoded)).convert("RGB")
    return ImageOps.pad(picture, (CELL, CELL), method=Image.Resampling.BICUBIC, color="black")
