"""Deep zoom: a slide as a pyramid of small squares, each level half of the one below, as a page shows it.

Level 0 has the pixels of the finest level of the slide, level n those of 1 / 2ⁿ. The levels of slides are
seldom so regular; what a slide lacks is made of the next finer level that it has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ...errors import PictureError
from ..tiling import Field
from .opening import open_slide
from .slide import RGB, Slide, best_level, read_field

SIDE = 256
"""Pixels of the sides of a square; those at the right and lower edge are smaller."""
_MOST_READ = 1 << 24
"""Pixels of a slide that are read at once."""


def n_levels(size: tuple[int, int]) -> int:
    """Return how many levels there are of a slide of (width, height) pixels: the last is one square."""
    return 1 + max(0, math.ceil(math.log2(max(size) / SIDE)))


def zoom_tile(slide: Slide, level: int, col: int, row: int) -> RGB:
    """Return a square of a level, at most (SIDE, SIDE, 3). Raise PictureError if there is none."""
    finest = slide.levels[0]
    step = SIDE << level if 0 <= level < n_levels((finest.cols, finest.rows)) else 0
    x, y = col * step, row * step
    if not step or not (0 <= x < finest.cols and 0 <= y < finest.rows):
        raise PictureError(f"the slide has no square {col},{row} at level {level}")
    width, height = min(step, finest.cols - x), min(step, finest.rows - y)
    # Levels are counted in pixels: one of the finest level stands for a micrometre.
    down = best_level(slide, float(1 << level), (1.0, 1.0))[1]
    shrunk = max(1.0, (1 << level) / down[0])
    # Of a slide without lower levels a square may be made of billions of pixels: strip by strip.
    high = max(1, int(_MOST_READ / (SIDE * shrunk * shrunk))) << level
    strips = [
        read_field(slide, Field(float(1 << level), x, top, width, min(high, y + height - top)), (1.0, 1.0))
        for top in range(y, y + height, high)
    ]
    return strips[0] if len(strips) == 1 else np.concatenate(strips)


class _Kept:
    """The slide that was read last: opening one takes longer than reading a square of it."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._open = ExitStack()
        self._slide: Slide | None = None

    def slide(self, path: Path) -> Slide | None:
        """Return a slide, None if the file is none. Raise PictureError if it cannot be read."""
        found = path.stat()
        # A file that was written anew is another one.
        of = (path, found.st_size, found.st_mtime_ns)
        if of != self._of:
            self._open.close()
            self._of, self._slide = (), None
            self._slide = self._open.enter_context(open_slide(path))
            self._of = of
        return self._slide


_KEPT = _Kept()


def read_zoom_tile(path: Path, level: int, col: int, row: int) -> Iterator[RGB]:
    """Yield a square of the slide of a file; nothing if it is no slide. PictureError as ``zoom_tile``."""
    slide = _KEPT.slide(path)
    if slide is not None:
        yield zoom_tile(slide, level, col, row)
