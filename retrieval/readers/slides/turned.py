"""Turned slides: what a file keeps turned or mirrored is shown upright, as in other TIFF files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..values import COLS_MIRRORED, ROWS_MIRRORED, SWAPPED, upright
from .slide import RGB, About, Level, Slide


def turned(slide: Slide, orientation: int) -> Slide:
    """Return a slide upright, of its TIFF orientation, 1 to 8; as it is for 1 and anything else."""
    return TurnedSlide(slide, orientation) if orientation in range(2, 9) else slide


class TurnedSlide:
    """A slide whose pixels are stored in another orientation than they are shown."""

    def __init__(self, slide: Slide, orientation: int) -> None:
        self._slide, self._orientation = slide, orientation
        self._is_swapped = orientation in SWAPPED
        self.levels: Sequence[Level] = [
            Level(level.cols, level.rows) if self._is_swapped else level for level in slide.levels
        ]

    @property
    def about(self) -> About:
        """Return what is known of it; the spacing along x and y as it is shown."""
        about = self._slide.about
        if about.spacing is None or not self._is_swapped:
            return about
        return replace(about, spacing=about.spacing[::-1])

    def read(self, level: int, box: tuple[int, int, int, int]) -> RGB:
        """Return the pixels of a box (row, col, rows, cols) of a level."""
        top, left, rows, cols = box
        size = self.levels[level]
        if self._orientation in ROWS_MIRRORED:
            top = size.rows - top - rows
        if self._orientation in COLS_MIRRORED:
            left = size.cols - left - cols
        stored = (left, top, cols, rows) if self._is_swapped else (top, left, rows, cols)
        return np.ascontiguousarray(upright(self._slide.read(level, stored), self._orientation))

    def close(self) -> None:
        """Close the file."""
        self._slide.close()
