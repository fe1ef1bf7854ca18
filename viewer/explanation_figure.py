"""The drawing of an explanation: query and hit side by side, what matches, and where the score comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .panels import ACCENT, GAP, INK, LARGE, MARGIN, PAPER, QUIET, SMALL, font, shorten
from .thumbnail import FRAME

if TYPE_CHECKING:
    from retrieval.index import HitExplanation
    from retrieval.picture import Picture

SIDE = 560
"""Pixels of the longer side of each picture."""
AGREES, MERELY = "#009e73", "#8a949c"
Corners = list[tuple[float, float]]


def draw(reasons: HitExplanation, heading: str, verdict: str) -> Image.Image:
    """Draw query, hit, and hit with heat, and write what the test said below them."""
    panels = [_picture(reasons.query), _picture(reasons.hit), _heated(reasons)]
    widths = [panel.width for panel in panels]
    width = sum(widths) + 2 * GAP + 2 * MARGIN
    top = MARGIN + LARGE + GAP
    height = top + max(panel.height for panel in panels) + GAP + 2 * SMALL + MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN), shorten(heading, width - 2 * MARGIN, LARGE), fill=INK, font=font(LARGE))
    lefts = [MARGIN, MARGIN + widths[0] + GAP, MARGIN + widths[0] + widths[1] + 2 * GAP]
    for panel, left in zip(panels, lefts, strict=True):
        sheet.paste(panel, (left, top))
    _draw_marks(pen, reasons, [(left, top) for left in lefts], [p.width for p in panels])
    below = top + max(panel.height for panel in panels) + GAP // 2
    agreeing = int(reasons.explanation.agreeing.sum())
    told = f"{agreeing} matches agree in space" if len(reasons.explanation.pairs) else "red: like the query"
    pen.text((MARGIN, below), told, fill=ACCENT, font=font(SMALL))
    line = shorten(verdict, width - 2 * MARGIN, SMALL)
    pen.text((MARGIN, below + SMALL + 6), line, fill=QUIET, font=font(SMALL))
    return sheet


def _draw_marks(
    pen: ImageDraw.ImageDraw, reasons: HitExplanation, places: list[tuple[int, int]], widths: list[int]
) -> None:
    """Draw the region, the box and the lines between what matches."""
    factors = [w / p.shape[1] for w, p in zip(widths, (reasons.query, reasons.hit, reasons.hit), strict=True)]

    def at(panel: int, x: float, y: float) -> tuple[float, float]:
        left, top = places[panel]
        return left + x * factors[panel], top + y * factors[panel]

    explanation = reasons.explanation
    for (row, col, hit_row, hit_col), agrees in zip(
        explanation.pairs.tolist()[::-1], explanation.agreeing.tolist()[::-1], strict=True
    ):
        ends = [at(0, col, row), at(1, hit_col, hit_row)]
        colour = AGREES if agrees else MERELY
        if agrees:
            pen.line(ends, fill=colour, width=2)
        for x, y in ends:
            pen.ellipse((x - 3, y - 3, x + 3, y + 3), outline=colour, width=2)
    for polygon in reasons.region.polygons if reasons.region else ():
        pen.polygon([at(0, x, y) for y, x in polygon.tolist()], outline=FRAME, width=3)
    if reasons.box is not None:
        row, col, height, width = reasons.box
        corners = [(col, row), (col + width, row), (col + width, row + height), (col, row + height)]
        for panel in (1, 2):
            pen.polygon([at(panel, x, y) for x, y in corners], outline=FRAME, width=3)


def _picture(picture: Picture) -> Image.Image:
    return Image.fromarray(_rgb(picture))


def _heated(reasons: HitExplanation) -> Image.Image:
    """Return the hit with its heat over it, red where it is hottest."""
    under = _rgb(reasons.hit).astype(np.float32)
    rows, cols = under.shape[:2]
    heat = cv2.resize(reasons.explanation.heat, (cols, rows), interpolation=cv2.INTER_CUBIC)
    share = 0.7 * np.clip(heat, 0, 1)[:, :, None]
    red = np.array([213, 40, 20], dtype=np.float32)
    return Image.fromarray(np.round(under * (1 - share) + red * share).astype(np.uint8))


def _rgb(picture: Picture) -> NDArray[np.uint8]:
    rows, cols = picture.shape[:2]
    factor = SIDE / max(rows, cols)
    size = (max(1, round(cols * factor)), max(1, round(rows * factor)))
    kind = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    levels = np.clip(cv2.resize(picture.rgb, size, interpolation=kind), 0, 1) * 255
    return np.asarray(np.round(levels), dtype=np.uint8)
