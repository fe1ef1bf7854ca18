"""The heat map of a slide: how much each of its tiles looks like a query, laid over the overview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .drawing import Rgb
from .panels import Panel, Sign, arrange
from .scale_bar import with_scale_bar

if TYPE_CHECKING:
    from retrieval.index import Index, QueryOptions
    from retrieval.readers.slides.reader import SlideView
    from retrieval.readers.tiling import Field

_LONGEST = 900
"""Pixels of the longer side of a drawing."""
_OPACITY = 0.55
_LAYER = 1024
"""Pixels of the longer side of what the page lays over a slide."""
_BAR = (22, 220)


def draw_heat(index: Index, subject: Any, options: QueryOptions, slide: str) -> Any:
    """Draw where on a slide of the index a query is, by the scores of its tiles at the scale of the query.

    Raises
    ------
    PictureError : the slide is not in the index, or its file is gone. SettingError : as of a query.
    """
    from retrieval.errors import PictureError

    scores = tile_scores(index, subject, options, slide)
    path = index.path_of(next(iter(scores))) if scores else None
    view = None if path is None else index.slide_view(path)
    if view is None:
        why = "its file is not there any more" if scores else "no tile of it may be found"
        raise PictureError(f"{slide}: has no heat map: {why}")
    fields = {name: _field(index, name) for name in scores}
    return _figure(slide, view, {fields[name]: score for name, score in scores.items()})


def tile_scores(index: Index, subject: Any, options: QueryOptions, slide: str) -> dict[str, float]:
    """Return the scores of the tiles of a slide of the index that a query may find, by their names."""
    from dataclasses import replace

    from retrieval.readers.tiling import box_of

    # Each tile on its own: neither cases nor the search in space, which looks at the best alone.
    here = [e.name for e in index.pictures() if e.groups.get("slide") == slide and box_of(e.metadata)]
    among = here if options.among is None else [name for name in here if name in set(options.among)]
    if not among:
        return {}
    asked = replace(options, among=among, k=len(among), group_by=None, case_by="best", region=None)
    return {hit.id: hit.score for hit in index.query(subject, asked)}


def _field(index: Index, name: str) -> Field:
    from retrieval.readers.tiling import box_of

    box = box_of(index.picture(name).metadata)
    assert box is not None  # only such tiles were asked
    return box


def _figure(slide: str, view: SlideView, scores: Mapping[Field, float]) -> Any:
    factor = _LONGEST / max(view.overview.shape)
    cols, rows = (max(1, round(n * factor)) for n in view.overview.shape[1::-1])
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    ground = np.asarray(cv2.resize(view.overview, (cols, rows), interpolation=way), dtype=np.uint8)
    drawn = with_scale_bar(heat_over(ground, scores, view.facts.size), view.facts.extent[0] / cols)
    best = max(scores.values())
    caption = f"{len(scores):,} tiles, the best {best:.4f}"
    bar = np.broadcast_to(np.linspace(0, 255, _BAR[1]), _BAR).astype(np.uint8)
    sign = Sign(_coloured(bar), "likeness of a tile: the least of the slide (left) to the most (right)")
    return arrange([[Panel(drawn, "where the query is", caption)]], slide, [sign])


def heat_over(ground: Rgb, scores: Mapping[Field, float], size: tuple[int, int]) -> Rgb:
    """Return a drawing of a slide with each tile tinted by its score, the least to the most of them.

    Parameters
    ----------
    ground : uint8 (rows, cols, 3), the whole slide.
    size : of the slide, (width, height) in pixels of the finest level, as the fields are.
    """
    level, seen = _levels(scores, size, (ground.shape[0], ground.shape[1]))
    tinted = cv2.addWeighted(ground, 1 - _OPACITY, _coloured(level), _OPACITY, 0)
    return np.where(seen[..., None], tinted, ground)


def heat_layer(scores: Mapping[Field, float], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return what is laid over a slide, uint8 (rows, cols, 4): colours, and nothing where no tile is.

    Its longer side has 1,024 pixels; ``scores`` and ``size`` as for ``heat_over``.
    """
    factor = _LAYER / max(size)
    shape = max(1, round(size[1] * factor)), max(1, round(size[0] * factor))
    level, seen = _levels(scores, size, shape)
    return np.dstack([_coloured(level), np.where(seen, np.uint8(255), np.uint8(0))])


def _levels(
    scores: Mapping[Field, float], size: tuple[int, int], shape: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the score of each pixel of a drawing, 0 to 255 from the least to the most, and where one is."""
    rows, cols = shape
    total, n = np.zeros(shape), np.zeros(shape)
    for field, score in scores.items():
        left, right = (round(x * cols / size[0]) for x in (field.x, field.x + field.width))
        top, bottom = (round(y * rows / size[1]) for y in (field.y, field.y + field.height))
        # Tiles may overlap: the mean counts.
        total[top : max(bottom, top + 1), left : max(right, left + 1)] += score
        n[top : max(bottom, top + 1), left : max(right, left + 1)] += 1
    seen = n > 0
    mean = np.divide(total, n, out=np.zeros_like(total), where=seen)
    low, high = float(mean[seen].min()), float(mean[seen].max())
    return np.clip((mean - low) / ((high - low) or 1.0) * 255, 0, 255).astype(np.uint8), seen


def _coloured(levels: NDArray[np.uint8]) -> Rgb:
    found = cv2.cvtColor(
        cv2.applyColorMap(np.ascontiguousarray(levels), cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB
    )
    return np.asarray(found, dtype=np.uint8)
