"""A field that is marked on a whole slide: what is asked, and where its pixels lie on the slide.

The page marks in pixels of the finest level, as the command line does; what answers sees the field alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retrieval.errors import OptionError
from viewer.answer import Affine
from viewer.queries.geojson import Shape
from viewer.queries.slide_field import SlideField, slide_fields

from ..opened import Opened
from ..slides import open_slide, tile_of
from .ask import Ask, RegionInput

Polygon = list[list[float]]
"""Corners [x, y]."""


def field_of(opened: Opened, ask: Ask) -> SlideField | None:
    """Return the field that an ask marks on a slide; None if it asks with anything else.

    Raises
    ------
    OptionError : nothing is marked, or in a way that marks no field. PictureError : it cannot be read.
    """
    if ask.image is None or tile_of(opened, ask.image) is None:
        return None
    slide = open_slide(opened, ask.image)
    assert slide is not None  # it has a tile
    shapes = [_shape(ask.region)]
    return next(iter(slide_fields(opened.index, slide.name, slide.path, shapes, False, None)))


def _shape(region: RegionInput | None) -> Shape:
    if region is None:
        raise OptionError("a whole slide is no query; mark a box or a polygon on it", "region")
    if region.mask is not None or region.point is not None or region.margin_px:
        name = next((n for n in ("mask", "point") if getattr(region, n) is not None), "margin")
        raise OptionError("marks no field of a slide; draw a box or a polygon", name)
    if region.polygon is not None:
        return Shape(((tuple((x, y) for x, y in region.polygon),),))
    if region.box is None:
        raise OptionError("holds no mark; draw a box or a polygon", "region")
    x, y, width, height = region.box
    if width <= 0 or height <= 0:
        raise OptionError(f"a box of {width:g} × {height:g} pixels; mark more of it", "region")
    return Shape.box(x, y, width, height)


def polygons_on_slide(field: SlideField) -> list[Polygon]:
    """Return what was marked, each ring as a polygon, in pixels of the slide."""
    return [[[x, y] for x, y in ring] for rings in field.shape.polygons for ring in rings]


def from_slide(transform: Affine, field: SlideField) -> Affine:
    """Return a transform of pixels of the field as one of pixels of the slide."""
    x, y, across, down = _frame(field)
    a, b, c, d, e, f = transform
    # A pixel of the slide is (X - x) / across of the field.
    a, b, d, e = a / across, b / down, d / across, e / down
    return a, b, c - a * x - b * y, d, e, f - d * x - e * y


def to_slide(points: Iterable[Sequence[float]], field: SlideField) -> Polygon:
    """Return points [x, y] of the field as points of the slide."""
    x, y, across, down = _frame(field)
    return [[x + point[0] * across, y + point[1] * down] for point in points]


def _frame(field: SlideField) -> tuple[float, float, float, float]:
    """Return where the upper left pixel of the field is on the slide, and how large its pixels are there."""
    assert field.query.picture is not None  # it was read
    x, y, width, height = field.shape.bounds
    rows, cols = field.query.picture.shape
    return x, y, width / cols, height / rows
