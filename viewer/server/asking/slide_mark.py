"""A field that is marked on a whole slide: what is asked, and where its pixels lie on the slide.

The page marks in pixels of the finest level, as the command line does; what answers sees the field alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retrieval.errors import OptionError
from viewer.answer import Affine
from viewer.queries.geojson import Shape
from viewer.queries.marked_region import Mark
from viewer.queries.slide_field import SlideField, slide_fields

from ..opened import Opened
from ..slides import open_slide

Polygon = list[list[float]]
"""Corners [x, y]."""


def field_of(opened: Opened, image: str | None, mark: Mark) -> SlideField | None:
    """Return the field that is marked on a slide; None if something else than a slide asks.

    Raises
    ------
    OptionError : nothing is marked, or in a way that marks no field. PictureError : it cannot be read.
    """
    slide = None if image is None else open_slide(opened, image)
    if slide is None:
        return None
    shapes = [_shape(mark)]
    return next(iter(slide_fields(opened.index, slide.name, slide.path, shapes, False, None)))


def _shape(mark: Mark) -> Shape:
    if not mark.is_given:
        raise OptionError("a whole slide is no query; mark a box or a polygon on it", "region")
    if mark.polygon is not None and not mark.margin:
        return Shape(((mark.polygon,),))
    if mark.region is None or mark.margin:
        name = next((n for n in ("mask", "point") if getattr(mark, n) is not None), "margin")
        raise OptionError("marks no field of a slide; draw a box or a polygon", name)
    x, y, width, height = mark.region
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
