"""What is known of a slide before any of its pixels are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import PictureError
from ..tiling import Tiling
from .opening import open_named
from .slide import Slide, has_detail

_SMALLEST = 0.01
"""Micrometres a pixel that a slide may have: no light shows more, whatever the camera."""


@dataclass(frozen=True)
class SlideFacts:
    """The size of a slide, in pixels of the finest level, and its micrometres a pixel, both as (x, y).

    ``origin`` : the upper left corner of what was scanned, in the same pixels; see ``About``.
    """

    size: tuple[int, int]
    spacing: tuple[float, float]
    origin: tuple[int, int] = (0, 0)

    @property
    def extent(self) -> tuple[float, float]:
        """Return (width, height) in micrometres."""
        return self.size[0] * self.spacing[0], self.size[1] * self.spacing[1]

    def n_tiles(self, tiling: Tiling) -> int:
        """Return how many tiles it has at all scales that it has the detail for, on tissue or not."""
        grids = (tiling.grid(self.extent, um) for um in tiling.um_per_px if has_detail(um, self.spacing))
        return sum(cols * rows for cols, rows in grids)


def facts_of(slide: Slide, tiling: Tiling | None) -> SlideFacts:
    """Return what is known of an open slide.

    Raises PictureError if it does not say how large its pixels are, or what cannot be, and the tiling assumes
    nothing.
    """
    # What the file says goes before what is assumed: a folder may hold slides of several scanners.
    spacing = slide.about.spacing
    is_said = spacing is not None
    # Millimetres in the place of micrometres, for one: the whole slide would be a pixel or two.
    if spacing is not None and min(spacing) < _SMALLEST:
        spacing = None
    if spacing is None and tiling is not None and tiling.assumed is not None:
        spacing = tiling.assumed, tiling.assumed
    if spacing is None:
        said = "says that its pixels are smaller than light resolves" if is_said else ""
        raise PictureError(
            f"the slide {said or 'does not say how large its pixels are'}; give --assume-um-per-px, such as "
            "0.25 for 40×"
        )
    return SlideFacts((slide.levels[0].cols, slide.levels[0].rows), spacing, slide.about.origin)


def slide_facts(path: Path, tiling: Tiling | None) -> Iterator[SlideFacts]:
    """Yield, once, what is known of a slide; nothing if the file is no slide."""
    with open_named(path) as slide:
        if slide is not None:
            yield facts_of(slide, tiling)
