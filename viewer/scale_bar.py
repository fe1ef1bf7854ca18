"""The scale bar of a field of a slide: a round number of micrometres or millimetres."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from .drawing import Rgb
from .thumbnail import LEAST_DRAWN, encode_jpeg

_MAX_SHARE = 0.25
"""Maximum length of the bar, as a share of the width of the drawing."""


def add_scale_bar(encoded: bytes, width_um: float) -> bytes:
    """Return an encoded image with a scale bar; ``width_um`` is the width of its field in micrometres."""
    if not encoded:
        return encoded
    small = Image.open(io.BytesIO(encoded)).convert("RGB")
    # The text has one size: a small thumbnail is enlarged.
    factor = max(1, -(-LEAST_DRAWN // max(small.size)))
    size = (small.width * factor, small.height * factor)
    enlarged = np.asarray(small.resize(size, Image.Resampling.BICUBIC))
    return encode_jpeg(Image.fromarray(with_scale_bar(enlarged, width_um / enlarged.shape[1])))


def with_scale_bar(drawing: Rgb, um_per_px: float) -> Rgb:
    """Return a drawing with a scale bar in its lower left corner: a round number of µm or mm."""
    length, text = scale_bar(drawing.shape[1], um_per_px)
    overlaid = drawing.copy()
    bottom, n = drawing.shape[0] - 12, max(1, round(length / um_per_px))
    # Black on white, legible on tissue and on glass.
    cv2.rectangle(overlaid, (10, bottom - 22), (14 + max(n, 10 * len(text)), bottom + 6), (255, 255, 255), -1)
    cv2.rectangle(overlaid, (12, bottom), (12 + n, bottom + 3), (0, 0, 0), -1)
    cv2.putText(overlaid, text, (12, bottom - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return overlaid


def scale_bar(width: int, um_per_px: float) -> tuple[float, str]:
    """Return the length of the bar in µm, 1, 2 or 5 times a power of ten, and its text.

    ``width`` is that of the drawing in pixels.
    """
    maximum = width * um_per_px * _MAX_SHARE
    decade = 10.0 ** np.floor(np.log10(maximum))
    length = float(max(n for n in (1, 2, 5) if n * decade <= maximum * (1 + 1e-9)) * decade)
    # OpenCV's font has no µ.
    return length, f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} um"
