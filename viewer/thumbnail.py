"""Thumbnails: small encoded images for pages and sheets, with a region framed if there is one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from .answer import XYWH

if TYPE_CHECKING:
    from retrieval.picture import Picture
    from retrieval.region import Region

LONGEST = 192
"""Pixels of the longest side of a thumbnail, as an index keeps them."""

ENLARGED = 512
"""Pixels of the longest side of an image that a page can enlarge."""

FRAME = "#e69f00"
LEAST_DRAWN, _LINE = 384, 4
"""Pixels of the longest side of an image that is drawn upon, at least, and of a line."""


def thumbnail(picture: Picture, longest: int = LONGEST) -> bytes:
    """Encode a picture as a JPEG whose longest side is at most ``longest`` pixels."""
    pixels = np.round(np.clip(picture.fit_within(longest)[0].pixels, 0, 1) * 255).astype(np.uint8)
    return encode_jpeg(Image.fromarray(pixels))


def boxed(encoded: bytes, box: XYWH, shape: tuple[int, int]) -> bytes:
    """Draw a box (x, y, w, h in pixels of a picture of ``shape`` (rows, cols)) onto its encoded image."""
    x, y, width, height = box
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    return _drawn(encoded, [corners], shape)


def outlined(encoded: bytes, region: Region, shape: tuple[int, int]) -> bytes:
    """Draw the outline of a region of a picture of ``shape`` (rows, cols) onto its encoded image."""
    return _drawn(encoded, [[(x, y) for y, x in polygon.tolist()] for polygon in region.polygons], shape)


def _drawn(
    encoded: bytes, outlines: Sequence[Sequence[tuple[float, float]]], shape: tuple[int, int]
) -> bytes:
    small = Image.open(io.BytesIO(encoded)).convert("RGB")
    # A line of four pixels would hide a small thumbnail, which is therefore drawn larger.
    times = max(1, -(-LEAST_DRAWN // max(small.size)))
    small = small.resize((small.width * times, small.height * times), Image.Resampling.BICUBIC)
    # From pixels of the picture to those of its image: the two factors differ by rounding.
    across, down = small.width / shape[1], small.height / shape[0]
    pen = ImageDraw.Draw(small)
    for outline in outlines:
        pen.polygon([(x * across, y * down) for x, y in outline], outline=FRAME, width=_LINE)
    return encode_jpeg(small)


def encode_jpeg(picture: Image.Image) -> bytes:
    """Encode an image as pages and sheets show it."""
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=85)
    return encoded.getvalue()
