"""Preprocessing: an image, or the box of a region in it, becomes the square of bytes that a network sees."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.picture import Picture, Pixels
from retrieval.region import Region

Square = NDArray[np.uint8]
Weights = NDArray[np.float32]
_MULTIPLE = 32  # sides that the trunk halves five times without a remainder
_Value = TypeVar("_Value", bound=np.generic)


def prepare(picture: Picture, side: int) -> Square:
    """Return an image as uint8 (3, side, side): stretched to a square, grey in three equal channels.

    Bytes, because a square of them is what passes between processes and is kept while a network trains.
    Shrinking averages areas; enlarging is bilinear.
    """
    return _square(picture.pixels, side)


def cut(picture: Picture, region: Region | None, side: int) -> tuple[Square, Weights | None] | None:
    """Return the square of a region's box, and float32 (side, side): how much of each place counts.

    Pixels of the box outside the region get the region's mean. The weights are None if all of the box counts;
    the result is None if the region holds no pixel. Without a region the box is the image.
    """
    mask = np.ones(picture.shape, dtype=bool) if region is None else region.mask(picture.shape)
    if mask.all():
        return prepare(picture, side), None
    if not mask.any():
        return None
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
    pixels, within = picture.pixels[box], mask[box]
    if within.all():
        return _square(pixels, side), None
    # The mean adds no texture, and a weaker edge around the region than another level would.
    filled = pixels.copy()
    filled[~within] = pixels[within].mean(axis=0)
    return _square(filled, side), _resized(within.astype(np.float32), side)


def coverage(picture: Picture, region: Region, side: int) -> Weights | None:
    """Return how much of each place of an image's square is in a region, float32 (side, side).

    None if the region holds no pixel.
    """
    mask = region.mask(picture.shape)
    return _resized(mask.astype(np.float32), side) if mask.any() else None


def views(image: NDArray[_Value], orientations: int) -> list[NDArray[_Value]]:
    """Return an image (..., side, side) in 1, 2, 4 or 8 orientations, itself first."""
    flips = (False, True) if orientations in (2, 8) else (False,)
    turns = range(4) if orientations in (4, 8) else range(1)
    # With both, all 8 symmetries of the square.
    return [np.rot90(image[..., ::-1] if flip else image, turn, (-2, -1)) for flip in flips for turn in turns]


def scaled_side(side: int, scale: float) -> int:
    """Return the side of a square at a scale: at 1 the network's own, else a multiple of 32."""
    return side if scale == 1 else max(_MULTIPLE, round(side * scale / _MULTIPLE) * _MULTIPLE)


def resized(square: Square, side: int) -> Square:
    """Return a square (3, rows, cols) stretched to (3, side, side), as an image is."""
    return _square(square.transpose(1, 2, 0).astype(np.float32) / np.float32(255), side)


def _square(pixels: Pixels, side: int) -> Square:
    levels = (np.clip(_resized(pixels, side), 0, 1) * 255 + 0.5).astype(np.uint8)  # rounded
    if levels.ndim == 2:
        return np.repeat(levels[None], 3, axis=0)
    return np.ascontiguousarray(levels.transpose(2, 0, 1))


def _resized(values: Pixels, side: int) -> Pixels:
    """Return values (side, side) or (side, side, 3): shrunk along each axis first, then enlarged."""
    rows, cols = values.shape[:2]
    shrunk = (min(cols, side), min(rows, side))  # OpenCV's sizes are (cols, rows)
    if shrunk != (cols, rows):
        # Bilinear shrinking would skip pixels, and alias.
        values = cv2.resize(values, shrunk, interpolation=cv2.INTER_AREA)
    if shrunk != (side, side):
        values = cv2.resize(values, (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(values, dtype=np.float32)
