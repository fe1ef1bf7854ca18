"""The drawing of an explanation: query and hit side by side, what matches, and where the score comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .panels import GAP, INK, LARGE, MARGIN, PAPER, QUIET, SMALL, Sign, draw_legend, font, shorten, wrap
from .thumbnail import FRAME

if TYPE_CHECKING:
    from retrieval.evidence.heat_map import Heat
    from retrieval.index import HitExplanation
    from retrieval.picture import Picture

SIDE = 560
"""Pixels of the longer side of each image."""

INLIER, OTHER = "#00c08b", "#c8d0d6"
TITLES = ("query", "hit", "where in the hit the score comes from")
SCALE = ("most", "half", "nothing")
"""What the ends and the middle of the colour bar mean: heat is relative to the place that adds most."""

_HOT = np.array([213, 40, 20], dtype=np.float32)
_OPAQUE = 0.7
_BAR, _BAR_TEXT = 26, 76
_BELOW_TITLE, _LEADING, _SIGN = 10, 8, 26
_GREY = 128


@dataclass(frozen=True)
class _Place:
    """An image on the sheet: its upper left corner, its size, and that size over the picture's."""

    left: int
    top: int
    width: int
    height: int
    factor: float

    def at(self, row: float, col: float) -> tuple[float, float]:
        """Return x, y on the sheet of a place in the picture."""
        return self.left + col * self.factor, self.top + row * self.factor


def draw(reasons: HitExplanation, heading: str, verdict: str) -> Image.Image:
    """Draw query, hit, and hit with heat beside its scale, then a legend and the verdict of the test."""
    images = [sized(reasons.query), sized(reasons.hit), heated(reasons.hit, reasons.explanation.heat)]
    top = MARGIN + LARGE + GAP + LARGE + _BELOW_TITLE
    # The hit is there twice: matches would hide the heat, and the heat what matches.
    places = _places(images, [reasons.query, reasons.hit, reasons.hit], top)
    # The third image has the scale on its right; the sheet is as wide as all of it.
    width = places[-1].left + places[-1].width + GAP + _BAR + _BAR_TEXT + MARGIN
    below = top + max(place.height for place in places) + GAP
    lines = wrap(verdict, width - 2 * MARGIN, SMALL)
    height = below + _SIGN + GAP + len(lines) * (SMALL + _LEADING) + MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN), shorten(heading, width - 2 * MARGIN, LARGE), fill=INK, font=font(LARGE))
    _draw_images(sheet, pen, images, places)
    _draw_scale(sheet, pen, places[2])
    _draw_matches(pen, reasons, places)
    _draw_boxes(pen, reasons, places)
    draw_legend(sheet, _legend(reasons), MARGIN, below)
    for number, line in enumerate(lines):
        at = (MARGIN, below + _SIGN + GAP + number * (SMALL + _LEADING))
        pen.text(at, line, fill=QUIET, font=font(SMALL))
    return sheet


def _draw_images(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    images: Sequence[NDArray[np.uint8]],
    places: Sequence[_Place],
) -> None:
    """Draw the images, each below its title."""
    for image, place, title in zip(images, places, TITLES, strict=True):
        sheet.paste(Image.fromarray(image), (place.left, place.top))
        at = (place.left, place.top - _BELOW_TITLE)
        pen.text(at, title, fill=INK, font=font(_fitting(title, place.width)), anchor="ls")


def _places(images: Sequence[NDArray[np.uint8]], pictures: Sequence[Picture], top: int) -> list[_Place]:
    """Place images side by side."""
    places, left = [], MARGIN
    for image, picture in zip(images, pictures, strict=True):
        rows, cols = image.shape[:2]
        places.append(_Place(left, top, cols, rows, cols / picture.shape[1]))
        left += cols + GAP
    return places


def _fitting(text: str, width: int) -> int:
    """Return the largest height of a font at which text is at most ``width`` wide, down to half of LARGE."""
    fits = (size for size in range(LARGE, LARGE // 2, -1) if font(size).getlength(text) <= width)
    return next(fits, LARGE // 2)


def _draw_scale(sheet: Image.Image, pen: ImageDraw.ImageDraw, place: _Place) -> None:
    """Draw the colour bar beside the heat, hottest on top, over the grey of an image that is neither."""
    heat = np.linspace(1, 0, place.height, dtype=np.float32)[:, None]
    # Through the same blend as the image, so that a colour on it can be found on the bar.
    grey = np.full((place.height, _BAR, 3), _GREY, dtype=np.float32)
    left = place.left + place.width + GAP
    sheet.paste(Image.fromarray(_over(grey, np.broadcast_to(heat, (place.height, _BAR)))), (left, place.top))
    heights = (place.top + SMALL // 2, place.top + place.height // 2, place.top + place.height - SMALL // 2)
    for word, height in zip(SCALE, heights, strict=True):
        pen.text((left + _BAR + 8, height), word, fill=INK, font=font(SMALL), anchor="lm")


def _draw_matches(pen: ImageDraw.ImageDraw, reasons: HitExplanation, places: Sequence[_Place]) -> None:
    """Draw what matches: inliers joined by a line, the others as circles, the heaviest on top."""
    explanation = reasons.explanation
    # From the lightest to the heaviest: what is drawn last is on top.
    pairs = zip(explanation.pairs.tolist()[::-1], explanation.agreeing.tolist()[::-1], strict=True)
    for (row, col, hit_row, hit_col), is_inlier in pairs:
        ends = [places[0].at(row, col), places[1].at(hit_row, hit_col)]
        # Lines for inliers alone: those of chance matches cross everything and say nothing.
        if is_inlier:
            pen.line(ends, fill=INLIER, width=2)
        for x, y in ends:
            _draw_match(pen, x, y, INLIER if is_inlier else OTHER)


def _draw_match(pen: ImageDraw.ImageDraw, x: float, y: float, colour: str) -> None:
    """Draw one end of a match, with a dark edge that is seen on any ground."""
    for radius, edge, width in ((5, "#000000", 4), (4, colour, 2)):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=edge, width=width)


def _draw_boxes(pen: ImageDraw.ImageDraw, reasons: HitExplanation, places: Sequence[_Place]) -> None:
    """Draw the region in the query, and the matched box in both drawings of the hit."""
    for polygon in reasons.region.polygons if reasons.region else ():
        pen.polygon([places[0].at(y, x) for y, x in polygon.tolist()], outline=FRAME, width=3)
    if reasons.box is None:
        return
    row, col, height, width = reasons.box
    corners = [(row, col), (row, col + width), (row + height, col + width), (row + height, col)]
    for place in places[1:]:
        pen.polygon([place.at(y, x) for y, x in corners], outline=FRAME, width=3)


def _legend(reasons: HitExplanation) -> list[Sign]:
    """Return the signs that this drawing has."""
    signs = []
    if len(reasons.explanation.pairs):
        # Also if no match is an inlier: then that is what the reader should know.
        n = int(reasons.explanation.agreeing.sum())
        inliers = f"{n} {'inlier' if n == 1 else 'inliers'}: matches that agree in space"
        signs.append(Sign(_sign(INLIER, is_line=True), inliers))
        others = len(reasons.explanation.pairs) - n
        signs.append(Sign(_sign(OTHER), f"{others} other {'match' if others == 1 else 'matches'}"))
    if reasons.region is not None or reasons.box is not None:
        signs.append(Sign(_sign(FRAME, is_box=True), "region asked with, and its match"))
    return signs


def _sign(colour: str, is_line: bool = False, is_box: bool = False) -> NDArray[np.uint8]:
    drawn = Image.new("RGB", (2 * _SIGN, _SIGN), PAPER)
    pen, middle = ImageDraw.Draw(drawn), _SIGN // 2
    if is_box:
        pen.rectangle((12, 4, 2 * _SIGN - 12, _SIGN - 4), outline=colour, width=3)
        return np.asarray(drawn)
    if is_line:
        pen.line((8, middle, 2 * _SIGN - 8, middle), fill=colour, width=2)
    for x in [8, 2 * _SIGN - 8] if is_line else [_SIGN]:
        _draw_match(pen, x, middle, colour)
    return np.asarray(drawn)


def heated(picture: Picture, heat: Heat) -> NDArray[np.uint8]:
    """Return an image in grey with its heat over it, red where it is hottest, uint8 (rows, cols, 3)."""
    # Red over a retina or a stained slide would not be seen, nor could it be read off the scale.
    grey = cv2.cvtColor(sized(picture), cv2.COLOR_RGB2GRAY).astype(np.float32)
    under = np.repeat(grey[:, :, None], 3, axis=2)
    size = (under.shape[1], under.shape[0])
    return _over(under, cv2.resize(heat, size, interpolation=cv2.INTER_CUBIC))


def _over(under: NDArray[np.float32], heat: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Lay heat, (rows, cols) in [0, 1], over an image, (rows, cols, 3) up to 255: redder where hotter."""
    share = _OPAQUE * np.clip(heat, 0, 1)[:, :, None]
    return np.asarray(np.round(under * (1 - share) + _HOT * share), dtype=np.uint8)


def sized(picture: Picture) -> NDArray[np.uint8]:
    """Return a picture as uint8 (rows, cols, 3), its longer side ``SIDE`` pixels."""
    rows, cols = picture.shape[:2]
    factor = SIDE / max(rows, cols)
    size = (max(1, round(cols * factor)), max(1, round(rows * factor)))
    # All drawings have the same longer side, whatever the pixels of query and hit.
    kind = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    levels = np.clip(cv2.resize(picture.rgb, size, interpolation=kind), 0, 1) * 255
    return np.asarray(np.round(levels), dtype=np.uint8)
