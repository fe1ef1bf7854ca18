"""Preprocessing: a picture becomes the square of bytes that a network sees."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.picture import Picture


def prepare(picture: Picture, size: int) -> NDArray[np.uint8]:
    """Return a picture as uint8 (3, size, size): stretched to a square, grey in three equal channels.

    Bytes, because a square of them is what passes between processes and is kept while a network trains.
    Shrinking averages areas; enlarging is bilinear.
    """
    shrinks = max(picture.shape) > size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    square = cv2.resize(picture.pixels, (size, size), interpolation=interpolation)
    levels = (np.clip(square, 0, 1) * 255 + 0.5).astype(np.uint8)
    if levels.ndim == 2:
        return np.repeat(levels[None], 3, axis=0)
    return np.ascontiguousarray(levels.transpose(2, 0, 1))
