"""The tiles of a slide that are on tissue, found on its overview before any of them is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from ..tiling import Tile, Tiling, tiles_of
from .facts import SlideFacts
from .slide import Slide, check_scale, overview
from .tissue import longest_of, shares, tissue_mask


def tissue_tiles(slide: Slide, facts: SlideFacts, tiling: Tiling) -> Iterator[Tile]:
    """Yield the tiles of all scales that the slide has the detail for, row by row."""
    mask = None
    for um_per_px in tiling.um_per_px:
        try:
            check_scale(um_per_px, facts.spacing)
        except PictureError:
            continue
        grid = tiling.grid(facts.extent, um_per_px)
        if not tiling.tissue.share:
            yield from tiles_of(grid, um_per_px)
            continue
        # Once for all scales, and only if one of them can be read at all.
        if mask is None:
            mask = tissue_mask(overview(slide, longest_of(facts.extent)), tiling.tissue)
        found = shares(mask, _edges(grid, facts.extent, um_per_px, tiling)) >= tiling.tissue.share
        for row, col in np.argwhere(found).tolist():
            yield Tile(um_per_px, row, col)


def _edges(
    grid: tuple[int, int], extent: tuple[float, float], um_per_px: float, tiling: Tiling
) -> tuple[NDArray[np.float64], ...]:
    """Return top, bottom, left and right of the tiles of a grid, as shares of the slide."""
    edges: list[NDArray[np.float64]] = []
    for n, length in zip(reversed(grid), reversed(extent), strict=True):
        starts = np.arange(n, dtype=np.float64) * (tiling.step * um_per_px / length)
        ends = np.minimum(1.0, starts + tiling.tile * um_per_px / length)
        edges += [starts, np.asarray(ends, dtype=np.float64)]
    return tuple(edges)


class _KeptTiles:
    """The tiles of the slide that was looked at last: its bands are read one after the other."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._tiles: Sequence[Tile] = ()

    def tiles(self, path: Path, slide: Slide, facts: SlideFacts, tiling: Tiling, most: int) -> Sequence[Tile]:
        """Return the tiles on tissue, of all scales. Raise PictureError for more than ``most``."""
        found = path.stat()
        # A file that was written anew is another one.
        of = (path, found.st_size, found.st_mtime_ns, tiling, most)
        if of != self._of:
            self._of = ()
            self._tiles = tuple(islice(tissue_tiles(slide, facts, tiling), most + 1))
            self._of = of
        if len(self._tiles) > most:
            raise PictureError(
                f"it has more than the {most:,} tiles allowed; raise max_frames, or choose a coarser scale"
            )
        return self._tiles


KEPT_TILES = _KeptTiles()
"""Of this process, which reads the bands of a slide one after the other."""
