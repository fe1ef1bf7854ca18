"""The part of an image that a query asks with, as the command line says it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrieval.errors import OptionError
from viewer.queries.marked_region import FORMS, Canvas, Mark
from viewer.safe_text import printable

from .argument_types import box, place
from .parameters import Arguments, option, stack

if TYPE_CHECKING:
    from retrieval.region import Region
    from viewer.answer import XYWH


def corners(text: str) -> tuple[tuple[float, float], ...]:
    """Read a polygon ``x1,y1,x2,y2,…`` of three corners or more."""
    numbers = _numbers(text)
    if len(numbers) < 6 or len(numbers) % 2:
        raise click.BadParameter(f"{text!r} is no polygon; give x and y of three corners or more")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def point(text: str) -> tuple[float, float]:
    """Read a point ``x,y``."""
    numbers = _numbers(text)
    if len(numbers) != 2:
        raise click.BadParameter(f"{text!r} is no point; give x,y")
    return numbers[0], numbers[1]


def margin(text: str) -> float:
    """Read a margin: a finite number of at least 0."""
    numbers = _numbers(text)
    if len(numbers) != 1 or numbers[0] < 0:
        raise click.BadParameter(f"{text!r} is no margin; give a number of at least 0")
    return numbers[0]


def millimetres(text: str) -> float:
    """Read millimetres: a finite number of at least 0."""
    numbers = _numbers(text)
    if len(numbers) != 1 or numbers[0] < 0:
        raise click.BadParameter(f"{text!r} is no length; give millimetres, at least 0")
    return numbers[0]


def _numbers(text: str) -> list[float]:
    """Read finite numbers joined by commas; none if the text is anything else."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        return []
    # float() reads nan and inf as well, which are no places in an image.
    return found if all(abs(number) < float("inf") for number in found) else []


def box_or_geojson(text: str) -> XYWH | Path:
    """Read a box ``x,y,w,h``, or the path of annotations in GeoJSON."""
    from viewer.queries.geojson import is_geojson

    return place(text) if is_geojson(text) else box(text)


REGION_SECTION = "a part of the query, one of the first four"

region_options = stack(
    option(
        "--region",
        type=box_or_geojson,
        metavar="X,Y,W,H",
        section=REGION_SECTION,
        help="ask with a box of the image, in pixels; or FILE.geojson of QuPath, for a slide",
    ),
    option(
        "--polygon",
        type=corners,
        metavar="X,Y,…",
        section=REGION_SECTION,
        help="ask with a polygon: x and y of each corner",
    ),
    option(
        "--mask",
        type=place,
        metavar="PNG",
        section=REGION_SECTION,
        help="ask with what is not zero in an image of the same size, or with a DICOM SEG, RTSTRUCT or SR",
    ),
    option(
        "--point", type=point, metavar="X,Y", section=REGION_SECTION, help="ask with the superpixel there"
    ),
    option(
        "--mm",
        is_flag=True,
        section=REGION_SECTION,
        help="the numbers of the region and of --margin are in millimetres",
    ),
    option(
        "--margin",
        type=margin,
        default="0",
        metavar="N",
        section=REGION_SECTION,
        help="and with all that is this near to it, in pixels [0]",
    ),
)
"""The options that name a part of the query."""


def mark_of(args: Arguments) -> Mark:
    """Return how the command line marks a part of the query.

    OptionError if there is more than one mark, or a word about one that is not there.
    """
    if isinstance(args.region, Path):
        raise OptionError("a GeoJSON file marks fields of slides, for `semblance query`", "region")
    if (roi := getattr(args, "roi", None)) is not None:
        for form in FORMS:
            if getattr(args, form) is not None:
                raise OptionError("both mark the query; give one of them", "roi", form)
        # Its UID in the place of a file, which is fetched for each query.
        return Mark(mask=Path(roi), mm=args.mm, margin=args.margin)
    return Mark(args.region, args.polygon, args.mask, args.point, args.mm, args.margin)


def is_marked(args: Arguments) -> bool:
    """Tell whether a part of the query is marked. Raises as ``mark_of`` does."""
    mark = mark_of(args)
    return any(form is not None for form in (mark.region, mark.polygon, mark.mask, mark.point))


def region_of(args: Arguments, canvas: Canvas) -> Region | None:
    """Return the marked part of an image, None for all of it; say on stderr if it reaches outside.

    OptionError if it is not in the image; see ``viewer.queries.marked_region``.
    """
    mark = mark_of(args)
    region = mark.on(canvas)
    if note := mark.about_outside(canvas):
        print(printable(f"note: {note}"), file=sys.stderr)
    return region
