"""Thumbnails: a small JPEG of every image, made when it is indexed, and what is read of it later."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray

from ...picture import Picture

_SIDE = 192
"""Pixels of the longest side."""
_QUALITY = 80
"""Of the JPEG, in percent."""


def make_thumbnail(picture: Picture) -> NDArray[np.uint8]:
    """Return a small JPEG of an image, uint8 (n_bytes,), its longest side at most 192 pixels."""
    small = (picture.fit_within(_SIDE)[0].pixels * 255 + 0.5).astype(np.uint8)
    # OpenCV writes BGR.
    ordered = np.ascontiguousarray(small[:, :, ::-1]) if picture.is_colour else small
    return np.asarray(
        cv2.imencode(".jpg", ordered, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1], np.uint8
    ).ravel()


def thumbnail_pixels(jpeg: bytes) -> NDArray[np.float32]:
    """Return the pixels of a thumbnail in [0, 1], float32 (rows, cols), or (rows, cols, 3) if in colour."""
    from PIL import Image  # late: a query by name shows no image

    with Image.open(BytesIO(jpeg)) as image:
        return np.asarray(image, dtype=np.float32) / np.float32(255)
