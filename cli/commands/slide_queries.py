"""What ``semblance query`` asks with: images as they are, fields of slides, photographs at a scale."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import OptionError
from viewer.queries.archived_roi import roi_region
from viewer.queries.query import Query, canvas_of, find_queries
from viewer.queries.volume import find_volumes
from viewer.safe_text import printable

from ..options.parameters import Arguments
from ..options.region_flags import mark_of, region_of

if TYPE_CHECKING:
    from retrieval.index import Index, QueryOptions
    from retrieval.region import Region
    from viewer.answer import Answer
    from viewer.queries.geojson import Shape
    from viewer.queries.slide_field import SlideField


@dataclass(frozen=True, eq=False)
class Asked:
    """One query of the command line: the region of it, its scale if it has one, and the field it is."""

    query: Query
    region: Region | None
    um_per_px: float | None = None
    field: SlideField | None = None


def asked(index: Index, args: Arguments) -> Iterator[Asked]:
    """Yield what the images and marks of a command line ask with.

    Raises
    ------
    OptionError : a mark that does not fit. PictureError : an image that cannot be read.
    """
    _check_flags(args)
    if args.volume:
        for volume in find_volumes(index, args.images):
            query = volume.query(index)
            yield Asked(query, region_of(args, canvas_of(index, query)))
        return
    for image in args.images:
        # Only what is marked: a slide as a whole is no query, which ``find_queries`` says.
        if (path := _slide(index, image, args)) is not None:
            yield from _fields(index, image, path, args)
        else:
            yield from (_of_image(index, query, args) for query in find_queries(index, [image]))


def _check_flags(args: Arguments) -> None:
    """Refuse words about fields of slides where no field is marked, or where a volume asks."""
    if args.um and args.region is None and args.polygon is None:
        raise OptionError("there is no field that it belongs to; mark one by --region or --polygon", "um")
    if args.volume and (args.um or args.um_per_px is not None):
        flag = "um" if args.um else "um_per_px"
        raise OptionError("is of one field of a slide, or of a photograph; leave one out", flag, "volume")


def _slide(index: Index, image: str, args: Arguments) -> Path | None:
    """Return the file of a slide that is marked; None for any other image, with whose marks it may not do."""
    if not (args.region or args.polygon or args.mask or args.point):
        return None
    from viewer.queries.query import slide_path

    path = slide_path(index, image)
    # In pixels of an image these numbers would mark something else, and nobody would notice.
    if path is None and (args.um or isinstance(args.region, Path)):
        flag = "um" if args.um else "region"
        raise OptionError(f"is for whole slides, in an index with --um-per-px; {image} is none there", flag)
    return path


def _fields(index: Index, image: str, path: Path, args: Arguments) -> Iterator[Asked]:
    from viewer.queries.slide_field import slide_fields

    shapes = _shapes(args)
    if isinstance(args.region, Path) and (facts := index.slide_facts(path)) is not None:
        shapes = [shape.from_file(facts.origin) for shape in shapes]
    for field in slide_fields(index, image, path, shapes, args.um, args.um_per_px):
        yield Asked(field.query, field.region, field.um_per_px, field)


def _shapes(args: Arguments) -> list[Shape]:
    from viewer.queries.geojson import Shape, read_shapes

    if args.mask is not None or args.point is not None:
        flag = "mask" if args.mask is not None else "point"
        raise OptionError("marks no field of a slide; give --region or --polygon", flag)
    # Passed over in silence, they would ask with another field than the one that is meant.
    if args.mm:
        raise OptionError("does not go with a slide; leave it out, and give micrometres with --um", "mm")
    if args.margin:
        raise OptionError("does not go with a slide; leave it out, and mark a larger field", "margin")
    if isinstance(args.region, Path):
        return read_shapes(args.region)
    return [Shape(((args.polygon,),)) if args.polygon is not None else Shape.box(*args.region)]


def _region(index: Index, query: Query, args: Arguments) -> Region | None:
    """Return the marked part of an image, or that which an object of its archive marks."""
    if args.roi is None:
        return region_of(args, canvas_of(index, query))
    return roi_region(index, query, args.roi, mark_of(args))


def _of_image(index: Index, query: Query, args: Arguments) -> Asked:
    region = _region(index, query, args)
    picture, tiling = query.picture, index.tiling
    own = None if picture is None else picture.metadata.get("um_per_px")
    if args.um_per_px is None:
        return Asked(query, region, float(own) if own is not None else None)
    if tiling is None:
        raise OptionError("is for an index of slides, made with --um-per-px", "um_per_px")
    if own is not None or picture is None:
        known = own if picture is not None else index.picture(query.shown).metadata.get("um_per_px")
        # Its vector is stored, or its pixels are at that scale: another one would be passed over in silence.
        if known != args.um_per_px and picture is None:
            raise OptionError(
                f"{query.id} is in the index, and asks as it was indexed; leave it out", "um_per_px"
            )
        if known != args.um_per_px:
            said = f"{query.id} asks at its own scale, {known:g} µm a pixel; leave it out, or mark a field"
            raise OptionError(f"{said} of its slide by --region", "um_per_px")
        return Asked(query, region, None if own is None else float(own))
    from retrieval.region import Region
    from viewer.queries.slide_field import photo_at_scale

    # To a scale of the index: its tiles are described at that, and words are of pixels.
    scaled, scale = photo_at_scale(picture, args.um_per_px, tiling)
    factor = args.um_per_px / scale
    # All of it, if nothing is marked: a photograph is a field, which is looked for in space.
    marked = Region.whole(scaled.shape) if region is None else region.scaled(factor)
    return Asked(replace(query, picture=scaled), marked, scale)


def notes_on_scale(index: Index, one: Asked, answer: Answer) -> list[str]:
    """Return the line that says that tiles of one scale alone might answer, if none did."""
    scales = index.tiling.um_per_px if index.tiling is not None else ()
    if answer.rows or one.um_per_px is None or len(scales) < 2:
        return []
    others = ", ".join(f"{scale:g}" for scale in scales if scale != one.um_per_px)
    asked_at = f"asked at {one.um_per_px:g} µm a pixel, which tiles of that scale answer"
    another = f"--um-per-px asks a field of a slide at another ({others})"
    return [printable(f"note: {one.query.id}: {asked_at}; {another}")]


def draw_heat_map(index: Index, one: Asked, answer: Answer, options: QueryOptions, place: Path) -> None:
    """Draw where a query is on the slide of its first hit; of several queries the last is kept.

    OptionError if that is no slide.
    """
    slide = index.picture(answer.rows[0].caption.id).groups.get("slide") if answer.rows else None
    if slide is None:
        raise OptionError("the first hit is of no slide; make an index with --um-per-px", "heat_map")
    from viewer.files import write_picture
    from viewer.slide_heat import draw_heat

    # By the conditions of the query, so that what it left out is not tinted either.
    write_picture(draw_heat(index, one.query.subject, options, slide), place)


def outlines(index: Index, one: Asked, answer: Answer) -> Iterator[tuple[str, Shape]]:
    """Yield, with the slides that they are on, what was asked with and the hits of its answer, for QuPath."""
    from viewer.slide_outlines import SlideOrigins

    origins = SlideOrigins(index)
    for slide, shape in _outlines(index, one, answer):
        own = one.query.path if one.field is not None and slide == one.field.slide else None
        yield slide, shape.for_file(origins.of(slide, own))


def _outlines(index: Index, one: Asked, answer: Answer) -> Iterator[tuple[str, Shape]]:
    from retrieval.readers.tiling import box_of
    from viewer.queries.geojson import Shape
    from viewer.slide_outlines import hit_shapes, query_shape

    query = one.query
    # An id of the index has no pixels here, and its entry says the same as an image that was read.
    about = index.picture(query.shown) if query.picture is None else query.picture
    if one.field is not None:
        yield one.field.slide, query_shape(one.field.shape, one.field.shape.name or "query")
    elif (box := box_of(about.metadata)) is not None and "slide" in about.groups:
        yield about.groups["slide"], query_shape(Shape.box(box.x, box.y, box.width, box.height), "query")
    ring = _ring(one, (about.shape[0], about.shape[1]))
    # The hits behind it, so that QuPath lists the query first.
    for slide, shapes in hit_shapes(index, answer, ring).items():
        yield from ((slide, hit) for hit in shapes)


def write_outlines(shapes: list[tuple[str, Shape]], folder: Path) -> None:
    """Write where the hits are on their slides, and say on stderr where."""
    if not shapes:
        raise OptionError("no hit is of a slide; make an index with --um-per-px", "geojson")
    from viewer.slide_outlines import write_geojson

    for path in write_geojson(shapes, folder):
        print(printable(str(path)), file=sys.stderr)


def _ring(one: Asked, shape: tuple[int, int]) -> tuple[tuple[float, float], ...]:
    """Return the outline of what asked, corners (x, y) in its pixels."""
    # Of several polygons the first: a transform shows the position of one of them.
    if one.region is not None:
        return tuple((float(col), float(row)) for row, col in one.region.polygons[0])
    rows, cols = float(shape[0]), float(shape[1])
    return (0.0, 0.0), (cols, 0.0), (cols, rows), (0.0, rows)
