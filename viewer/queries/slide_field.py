"""Fields of slides as queries: marked by a box, a polygon or an annotation, asked at a scale of the index."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import OptionError, PictureError

from .geojson import Shape
from .query import Query, shown_name

if TYPE_CHECKING:
    from retrieval.index import Index
    from retrieval.picture import Picture
    from retrieval.readers.slides.facts import SlideFacts
    from retrieval.readers.tiling import Field, Tiling
    from retrieval.region import Region


@dataclass(frozen=True, eq=False)
class SlideField:
    """A marked field of a slide that asks.

    Parameters
    ----------
    query : its pixels at the scale, as an image.
    region : the marked part of them.
    shape : as it was marked, in pixels of the slide's finest level.
    slide : the name of the slide in the index, or as it was given.
    um_per_px : the scale.
    """

    query: Query
    region: Region
    shape: Shape
    slide: str
    um_per_px: float


def slide_fields(
    index: Index, image: str, path: Path, shapes: Sequence[Shape], um: bool, um_per_px: float | None
) -> Iterator[SlideField]:
    """Yield a query for each shape that is marked on a slide.

    Parameters
    ----------
    image, path : the slide as it was named, and its file.
    um : whether the numbers are micrometres, not pixels of the finest level.
    um_per_px : the scale to ask at; None chooses that of the index at which the field is nearest to a tile.

    Raises
    ------
    OptionError : a shape outside the slide, or without area, or a scale that the index does not have.
    PictureError : it cannot be read at that scale.
    """
    facts, tiling = index.slide_facts(path), index.tiling
    assert facts is not None and tiling is not None  # else ``slide_path`` has found no slide
    if um_per_px is not None:
        _check_scale(um_per_px, tiling)
    names = index.names_at(path)
    for number, shape in enumerate(shapes):
        marked = _in_pixels(shape, facts) if um else shape
        if not all(marked.bounds[2:]):
            raise OptionError(f"annotation {number + 1} has no area; mark a field, no line", "region")
        field = _field(marked, facts, tiling, um_per_px)
        picture = next(iter(index.read_query(path, [field])))
        called = f"{shown_name(index, image)}#{field}" + (f" {shape.name}" if shape.name else "")
        if names:
            entry = index.picture(names[0])
            picture = replace(picture, groups={**picture.groups, **entry.groups})
        # Also of a box, which is all that is read: only what is marked is looked for in space.
        region = _region(marked, picture)
        if not region.mask(picture.shape).any():
            raise OptionError(f"annotation {number + 1} holds no pixel at {field.um_per_px:g} µm", "region")
        query = Query(called, replace(picture, id=called), path=path)
        yield SlideField(query, region, marked, picture.groups["slide"], field.um_per_px)


def photo_at_scale(picture: Picture, um_per_px: float, tiling: Tiling) -> tuple[Picture, float]:
    """Return a photograph from a microscope at the scale of an index that is nearest, and that scale.

    ``um_per_px`` is its own. A photograph is never enlarged by more than half.
    """
    import cv2
    import numpy as np

    finer = [scale for scale in tiling.um_per_px if scale * 1.5 >= um_per_px]
    if not finer:
        raise PictureError(
            f"{picture.id}: at {um_per_px:g} µm a pixel it is coarser than all scales of the index, "
            f"{tiling.um_per_px[-1]:g} at most"
        )
    factor = um_per_px / finer[0]
    rows, cols = (max(1, round(n * factor)) for n in picture.shape)
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    pixels = np.ascontiguousarray(
        cv2.resize(picture.pixels, (cols, rows), interpolation=way), dtype=np.float32
    )
    spacing = finer[0] / 1000
    return replace(picture, pixels=np.clip(pixels, 0, 1), spacing=(spacing, spacing)), finer[0]


def at_scale(where: str | None, um_per_px: float | None, tiling: Tiling | None) -> str | None:
    """Return a condition that also wants the scale of the query: others show other things.

    Raises OptionError for a scale that the index does not have.
    """
    if tiling is None or um_per_px is None:
        return where
    _check_scale(um_per_px, tiling)
    if len(tiling.um_per_px) < 2:
        return where
    scale = f"um_per_px = {um_per_px}"
    return scale if where is None else f"({where}) and {scale}"


def _check_scale(um_per_px: float, tiling: Tiling) -> None:
    if um_per_px not in tiling.um_per_px:
        scales = ", ".join(f"{scale:g}" for scale in tiling.um_per_px)
        raise OptionError(f"the index has no tiles at {um_per_px:g} µm a pixel; ask at {scales}", "um_per_px")


def _in_pixels(shape: Shape, facts: SlideFacts) -> Shape:
    across, down = facts.spacing
    moved = tuple(
        tuple(tuple((x / across, y / down) for x, y in ring) for ring in rings) for rings in shape.polygons
    )
    return replace(shape, polygons=moved)


def _field(shape: Shape, facts: SlideFacts, tiling: Tiling, um_per_px: float | None) -> Field:
    from retrieval.readers.tiling import Field as Part

    x, y, width, height = shape.bounds
    if x + width <= 0 or y + height <= 0 or x >= facts.size[0] or y >= facts.size[1]:
        size = f"{facts.size[0]} × {facts.size[1]}"
        raise OptionError(f"is outside the slide, which has {size} pixels", "region")
    longest = max(width * facts.spacing[0], height * facts.spacing[1])
    nearest = min(tiling.um_per_px, key=lambda scale: abs(math.log(longest / (scale * tiling.tile))))
    return Part(um_per_px or nearest, x, y, width, height)


def _region(shape: Shape, picture: Picture) -> Region:
    """Return a shape in pixels of the image that was read of its box."""
    import numpy as np

    from retrieval.region import Region

    x, y, width, height = shape.bounds
    scale = np.array([picture.shape[0] / height, picture.shape[1] / width])
    polygons = []
    for rings in shape.polygons:
        # Even-odd: a hole is cut out by going round it, in and out by one slit.
        outer = [*rings[0], *(corner for hole in rings[1:] for corner in (rings[0][0], *hole, hole[0]))]
        outer += [rings[0][0]] if len(rings) > 1 else []
        polygons.append((np.array([(row, col) for col, row in outer]) - (y, x)) * scale)
    return Region(tuple(polygons))
