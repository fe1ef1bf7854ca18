"""Parts of a DICOM slide: a tile or field at another scale than the frames of its file.

Places are counted on the whole of the slide, the total pixel matrix; PS3.3 C.8.12.4 and C.7.6.16.2.1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import PictureError
from ..tiling import Field
from .geometry import numbers, spacing_of
from .header import element
from .marked_frame import MarkedRegion, Mask, Target, tile_of
from .regions import regions_of

_MOST_FRAMES = 256
"""Frames that a part may reach over: the regions of each are read."""
_HELP = "; give an image of the tile's size as a mask"


def is_at_finest(dataset: Any, box: Field, shape: tuple[int, int]) -> bool:
    """Whether a header is of the level that the box of a part, shown in (rows, cols), is counted in."""
    spacing = spacing_of(dataset, 0)
    size = numbers(dataset, "TotalPixelMatrixRows") + numbers(dataset, "TotalPixelMatrixColumns")
    if spacing is None or len(size) != 2:
        return False
    # At another level the same box would have another size; its sides are rounded to whole pixels.
    sides = np.array([box.height, box.width])
    shown = sides * spacing * 1000 / box.um_per_px
    return bool((sides <= size).all() and (np.abs(shown - shape) <= 1).all())


def regions_of_part(path: Path, slide: Target, box: Field, shape: tuple[int, int]) -> list[MarkedRegion]:
    """Return the regions of a file that mark a part of a slide, on the (rows, cols) that it is shown in.

    Parameters
    ----------
    slide : any frame of its finest level.
    box : the part, in pixels of that level.

    Raises
    ------
    PictureError : the file is not of that level, or the part reaches over too many frames.
    """
    if not is_at_finest(slide.dataset, box, shape):
        raise PictureError(
            "the query is a tile of a slide at another scale than its file, which does not say where the "
            f"tile is on it{_HELP}"
        )
    tops = np.floor(box.y + (np.arange(shape[0]) + 0.5) * box.height / shape[0]).astype(np.int64)
    lefts = np.floor(box.x + (np.arange(shape[1]) + 0.5) * box.width / shape[1]).astype(np.int64)
    size = tuple(int(element(slide.dataset, keyword) or 0) for keyword in ("Rows", "Columns"))
    parts = []
    for number in range(slide.n_frames):
        frame = Target(slide.dataset, number, slide.n_frames)
        row, col = tile_of(frame) or (1, 1)
        rows, cols = tops - (row - 1), lefts - (col - 1)
        is_row, is_col = (rows >= 0) & (rows < size[0]), (cols >= 0) & (cols < size[1])
        if is_row.any() and is_col.any():
            parts.append((frame, np.flatnonzero(is_row), np.flatnonzero(is_col), rows, cols))
    if len(parts) > _MOST_FRAMES:
        raise PictureError(f"the query reaches over {len(parts):,} frames of its file{_HELP}")
    masks: dict[tuple[int, str], Mask] = {}
    for frame, at_rows, at_cols, rows, cols in parts:
        for region in regions_of(path, frame):
            whole = masks.setdefault((region.number, region.label), np.zeros(shape, dtype=bool))
            whole[np.ix_(at_rows, at_cols)] |= region.mask[np.ix_(rows[at_rows], cols[at_cols])]
    return [MarkedRegion(number, label, mask) for (number, label), mask in masks.items() if mask.any()]
