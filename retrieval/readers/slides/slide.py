"""The slide: levels of one image, any part of which can be read at any scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from ...picture import Value
from ..limits import current_limits
from ..tiling import Field

RGB = NDArray[np.uint8]
"""uint8 (rows, cols, 3)."""

_FINER = 1.25
"""A scale may be so much finer than the finest level: two scanners of one objective differ by as much."""


@dataclass(frozen=True)
class Level:
    """One level of a slide, in pixels."""

    rows: int
    cols: int


@dataclass(frozen=True)
class About:
    """What is known of a slide besides its pixels.

    Parameters
    ----------
    spacing : micrometres a pixel of the finest level, along (x, y); None if the file does not say.
    groups, metadata : as those of a picture.
    left_out : numbers, from 0, of other images of the file that are as fine, and are not read.
    origin : (x, y) of the upper left corner of what was scanned, in pixels of the finest level; QuPath counts
        from there.
    """

    spacing: tuple[float, float] | None
    groups: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Value] = field(default_factory=dict)
    left_out: tuple[int, ...] = ()
    origin: tuple[int, int] = (0, 0)


class Slide(Protocol):
    """A slide that is open. Label and overview photograph are no levels, and cannot be reached."""

    @property
    def levels(self) -> Sequence[Level]:
        """Return its levels, the finest first."""

    @property
    def about(self) -> About:
        """Return what is known of it."""

    def read(self, level: int, box: tuple[int, int, int, int]) -> RGB:
        """Return the pixels of a box (row, col, rows, cols) within a level."""

    def close(self) -> None:
        """Close its files."""


def read_field(slide: Slide, part: Field, spacing: tuple[float, float]) -> RGB:
    """Return a field of a slide at its scale; what is outside the slide is white.

    Parameters
    ----------
    spacing : micrometres a pixel of the finest level, along (x, y).

    Raises
    ------
    PictureError : the slide is coarser than the scale, or the field holds no pixel or too many.
    """
    check_scale(part.um_per_px, spacing)
    # A few millionths of a pixel are rounding of the arithmetic, not another pixel.
    cols = max(1, math.floor(part.width * spacing[0] / part.um_per_px + 0.5))
    rows = max(1, math.floor(part.height * spacing[1] / part.um_per_px + 0.5))
    if rows * cols > (most := current_limits().max_pixels):
        raise PictureError(f"a field of {rows} × {cols} pixels is larger than the {most:,} allowed; ask for "
                           "a smaller one, or at a coarser scale")  # fmt: skip
    level, (across, down) = best_level(slide, part.um_per_px, spacing)
    # To whole pixels of the level, which are no larger than those asked for: half of one at most.
    top, left = round(part.y / down), round(part.x / across)
    bottom = max(top + 1, round((part.y + part.height) / down))
    right = max(left + 1, round((part.x + part.width) / across))
    values = _padded(slide, level, (top, left, bottom, right))
    if values.shape[:2] == (rows, cols):
        return values
    # Area interpolation: each pixel is the mean of those it covers, so that nothing aliases.
    way = cv2.INTER_AREA if values.shape[0] >= rows else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, (cols, rows), interpolation=way), dtype=np.uint8)


def check_scale(um_per_px: float, spacing: tuple[float, float]) -> None:
    """Raise PictureError if a slide has no such detail."""
    if not has_detail(um_per_px, spacing):
        raise PictureError(
            f"its finest level has {min(spacing):.3g} µm a pixel, coarser than the {um_per_px:g} asked for; "
            "ask for a coarser scale"
        )


def has_detail(um_per_px: float, spacing: tuple[float, float]) -> bool:
    """Tell if a slide of such pixels, micrometres along (x, y), can be shown at a scale."""
    return um_per_px * _FINER >= min(spacing)


def best_level(
    slide: Slide, um_per_px: float, spacing: tuple[float, float]
) -> tuple[int, tuple[float, float]]:
    """Return the coarsest level that still has the detail of a scale, and its downsampling along (x, y)."""
    finest = slide.levels[0]
    found = 0, (1.0, 1.0)
    for number, level in enumerate(slide.levels):
        down = finest.cols / level.cols, finest.rows / level.rows
        # Two hundredths: levels are cut to whole pixels, and scanners round what they say.
        if max(down[0] * spacing[0], down[1] * spacing[1]) <= um_per_px * 1.02:
            found = number, down
    return found


def _padded(slide: Slide, level: int, box: tuple[int, int, int, int]) -> RGB:
    """Read (top, left, bottom, right) of a level, white where it is outside."""
    top, left, bottom, right = box
    size = slide.levels[level]
    # A field at an edge is asked for as a whole, so that what is marked keeps its middle.
    inside = max(top, 0), max(left, 0), min(bottom, size.rows), min(right, size.cols)
    rows, cols = inside[2] - inside[0], inside[3] - inside[1]
    if rows < 1 or cols < 1:
        raise PictureError("the field is outside the slide")
    values = slide.read(level, (inside[0], inside[1], rows, cols))
    if (rows, cols) == (bottom - top, right - left):
        return values
    padded = np.full((bottom - top, right - left, 3), 255, dtype=np.uint8)
    padded[inside[0] - top : inside[2] - top, inside[1] - left : inside[3] - left] = values
    return padded


def overview(slide: Slide, longest: int) -> RGB:
    """Return the whole slide, its longer side at most ``longest`` pixels, and half of that if it has so many.

    Raises PictureError if it has no level that is small enough to be read whole.
    """
    # A level of half as many pixels is good enough: the next one may be sixteen times larger.
    fits = [n for n, level in enumerate(slide.levels) if 2 * max(level.rows, level.cols) >= longest]
    number = fits[-1] if fits else 0
    level = slide.levels[number]
    factor = min(1.0, longest / max(level.rows, level.cols))
    rows, cols = max(1, round(level.rows * factor)), max(1, round(level.cols * factor))
    if level.rows * level.cols > (most := 10 * current_limits().max_pixels):
        raise PictureError(
            f"it has no lower level, and {level.rows} × {level.cols} pixels are more than the {most:,} that "
            "are looked through for tissue; save it as a pyramid, or give --tissue off"
        )
    try:
        return _shrunk(slide, number, (rows, cols))
    except Exception:  # decoders fail in many ways
        # Lower levels are last in most files, and missing where one is cut off: the next finer one has all.
        finer = slide.levels[number - 1] if number else None
        if finer is None or finer.rows * finer.cols > most // 10:
            raise
        return _shrunk(slide, number - 1, (rows, cols))


def _shrunk(slide: Slide, number: int, shape: tuple[int, int]) -> RGB:
    """Shrink a level strip by strip: a level may be larger than the memory."""
    level = slide.levels[number]
    made = np.empty((*shape, 3), dtype=np.uint8)
    step = max(1, int((1 << 23) / level.cols * shape[0] / level.rows))  # rows of the result, 8 Mpx read
    for start in range(0, shape[0], step):
        end = min(start + step, shape[0])
        top, bottom = round(start * level.rows / shape[0]), round(end * level.rows / shape[0])
        strip = slide.read(number, (top, 0, max(1, bottom - top), level.cols))
        made[start:end] = cv2.resize(strip, (shape[1], end - start), interpolation=cv2.INTER_AREA)
    return made
