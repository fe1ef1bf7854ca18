"""The scale bar of a field of a slide: a round number of micrometres or millimetres."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from .drawing import Rgb
from .thumbnail import LEAST_DRAWN, encode_jpeg

_BAR = 0.25
"""Share of the drawing that the bar takes at most."""


def barred(encoded: bytes, um: float) -> bytes:
    """Draw a scale bar onto an encoded image that is so many micrometres wide."""
    if not encoded:
        return encoded
    small = Image.open(io.BytesIO(encoded)).convert("RGB")
    # The text has one size: a small thumbnail is drawn larger.
    times = max(1, -(-LEAST_DRAWN // max(small.size)))
    drawing = np.asarray(small.resize((small.width * times, small.height * times), Image.Resampling.BICUBIC))
    return encode_jpeg(Image.fromarray(with_scale_bar(drawing, um / drawing.shape[1])))


def with_scale_bar(drawing: Rgb, um_per_px: float) -> Rgb:
    """Return a drawing with a scale bar in its lower left corner: a round number of µm or mm."""
    length, text = scale_bar(drawing.shape[1], um_per_px)
    drawn = drawing.copy()
    bottom, n = drawing.shape[0] - 12, max(1, round(length / um_per_px))
    # Black on white: on tissue and on glass alike.
    cv2.rectangle(drawn, (10, bottom - 22), (14 + max(n, 10 * len(text)), bottom + 6), (255, 255, 255), -1)
    cv2.rectangle(drawn, (12, bottom), (12 + n, bottom + 3), (0, 0, 0), -1)
    cv2.putText(drawn, text, (12, bottom - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return drawn


def scale_bar(width: int, um_per_px: float) -> tuple[float, str]:
    """Return the length in µm of a bar for so many pixels, 1, 2 or 5 of a decade, and its text."""
    most = width * um_per_px * _BAR
    decade = 10.0 ** np.floor(np.log10(most))
    length = float(max(n for n in (1, 2, 5) if n * decade <= most * (1 + 1e-9)) * decade)
    # OpenCV's font has no µ.
    return length, f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} um"
