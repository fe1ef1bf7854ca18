"""The part of an image that a query asks with, as the command line says it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrieval.errors import SettingError
from viewer.answer import XYWH

from .argument_types import box, place
from .parameters import Arguments, option, stack

if TYPE_CHECKING:
    from retrieval.index import Index
    from retrieval.picture import Picture
    from retrieval.region import Region

Shape = tuple[int, int]
Spacing = tuple[float, float] | None
_FORMS = ("region", "polygon", "mask", "point")
_POINTS = 400
"""Superpixels of a picture, of which a point means one."""
_LONGEST = 320


@dataclass(frozen=True)
class Canvas:
    """The picture that is marked: rows and columns, millimetres a pixel (row, col) if known, its pixels."""

    shape: Shape
    spacing: Spacing
    read: Callable[[], Picture]


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


def _numbers(text: str) -> list[float]:
    """Read finite numbers joined by commas; none where the text is anything else."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        return []
    return found if all(abs(number) < float("inf") for number in found) else []


_SECTION = "a part of the query, one of the first four"

region_options = stack(
    option(
        "--region",
        type=box,
        metavar="X,Y,W,H",
        section=_SECTION,
        help="ask with a box of the image, in pixels",
    ),
    option(
        "--polygon",
        type=corners,
        metavar="X,Y,…",
        section=_SECTION,
        help="ask with a polygon: x and y of each corner",
    ),
    option(
        "--mask",
        type=place,
        metavar="PNG",
        section=_SECTION,
        help="ask with what is not black in an image of the same size",
    ),
    option("--point", type=point, metavar="X,Y", section=_SECTION, help="ask with the superpixel there"),
    option(
        "--mm",
        is_flag=True,
        section=_SECTION,
        help="the numbers of the region and of --margin are in millimetres",
    ),
    option(
        "--margin",
        type=margin,
        default="0",
        metavar="N",
        section=_SECTION,
        help="and with all so near to it, in pixels [0]",
    ),
)
"""The options that name a part of the query."""


def check_region(args: Arguments) -> None:
    """Refuse more than one mark, and what says something of none. Raises SettingError."""
    given = [f"--{form}" for form in _FORMS if getattr(args, form) is not None]
    if len(given) > 1:
        raise SettingError(f"{' and '.join(given)}: both mark the query; give one of them")
    for name in ("mm", "margin"):
        if getattr(args, name) and not given:
            raise SettingError(f"--{name}: there is no region that it belongs to; give --region or another")
    if args.mm and args.mask is not None and not args.margin:
        raise SettingError("--mm: a mask is in pixels; leave it out, or give --margin")


def about_boxes(index: Index, by: Sequence[str]) -> str | None:
    """Say why no hit of a region has a box, and what helps; None where one that is asked can tell."""
    from retrieval.evidence.localization import Locator

    def locates(name: str) -> bool:
        made = index.representation(name)
        return isinstance(made, Locator) and made.n_candidates(True) != 0

    asked = by or index.representations
    if any(locates(name) for name in asked):
        return None
    bare = [name for name in asked if index.representation(name).settings.get("cells") == 0]
    others = [f"--by {name}" for name in index.representations if name not in asked and locates(name)]
    if bare:
        why = f"{', '.join(bare)} keeps no window embeddings in this index"
        remedies = ["make another index with --cells 5", *others]
    else:
        why = f"{', '.join(asked)} cannot tell"
        remedies = others or ["index with --by superpixel or --by deep as well"]
    return f"note: no hit says where the region is in it: {why}; {' or '.join(remedies)}"


def region_of(args: Arguments, canvas: Canvas) -> Region | None:
    """Return the marked part of a picture, in its pixels; None for all of it.

    Raises
    ------
    SettingError : it lies outside the picture or holds no pixel, a mask of another size, millimetres of a
        picture without a spacing.
    """
    unit = _unit(args, canvas)
    found = _marked(args, canvas, unit)
    if found is None:
        return None
    if not found.mask(canvas.shape).any():
        named = next(form for form in _FORMS if getattr(args, form) is not None)
        raise SettingError(
            f"--{named}: holds no pixel of the picture, {_size(canvas.shape)}; mark more of it"
        )
    grown = args.margin / (0.5 * (unit[0] + unit[1]))
    return found.grown(grown, canvas.shape) if grown else found


def _marked(args: Arguments, canvas: Canvas, unit: tuple[float, float]) -> Region | None:
    if args.region is not None:
        return _box(args.region, canvas.shape, unit)
    if args.polygon is not None:
        return _polygon(args.polygon, unit)
    if args.mask is not None:
        return _of_mask(args.mask, canvas.shape)
    return None if args.point is None else _superpixel(args.point, canvas, unit)


def _unit(args: Arguments, canvas: Canvas) -> tuple[float, float]:
    """Return how much of the arguments' unit a pixel is, (row, col)."""
    if not args.mm:
        return 1.0, 1.0
    if canvas.spacing is None:
        raise SettingError("--mm: the picture does not say how large its pixels are; give pixels")
    return canvas.spacing


def _box(asked: XYWH, shape: Shape, unit: tuple[float, float]) -> Region:
    """Turn x, y, w, h into a region, cut to the picture."""
    from retrieval.region import Region

    (x, width), (y, height) = ((v / unit[1] for v in asked[::2]), (v / unit[0] for v in asked[1::2]))
    if x >= shape[1] or y >= shape[0] or x + width <= 0 or y + height <= 0:
        raise SettingError(
            f"--region: {','.join(f'{v:g}' for v in asked)} lies outside the picture, "
            f"which has {_size(shape)} (x,y,w,h; x to the right)"
        )
    left, top = max(x, 0.0), max(y, 0.0)
    return Region.box(top, left, min(y + height, shape[0]) - top, min(x + width, shape[1]) - left)


def _polygon(asked: tuple[tuple[float, float], ...], unit: tuple[float, float]) -> Region:
    import numpy as np

    from retrieval.region import Region

    return Region((np.array([(y / unit[0], x / unit[1]) for x, y in asked], dtype=np.float64),))


def _of_mask(path: Path, shape: Shape) -> Region:
    from retrieval.readers import read_pictures
    from retrieval.region import Region

    if not path.is_file():
        raise SettingError(f"--mask: {path}: no such file; give a picture of the query's size")
    picture = next(iter(read_pictures(path, path.name)))
    if picture.grey.shape != shape:
        raise SettingError(
            f"--mask: {path}: is {_size(picture.grey.shape)}, and the query {_size(shape)}; give one of the "
            "same size"
        )
    inside = picture.grey > 0
    if not inside.any():
        raise SettingError(f"--mask: {path}: is black, and marks nothing")
    return Region.from_mask(inside)


def _superpixel(asked: tuple[float, float], canvas: Canvas, unit: tuple[float, float]) -> Region:
    """Return the superpixel at a point of a picture."""
    from bovw.detectors.slic import slic
    from retrieval.region import Region

    (x, y), shape = asked, canvas.shape
    row, col = y / unit[0], x / unit[1]
    if not (0 <= row < shape[0] and 0 <= col < shape[1]):
        raise SettingError(f"--point: {x:g},{y:g} lies outside the picture, which has {_size(shape)} (x,y)")
    small, factor = canvas.read().fit_within(_LONGEST)
    labels = slic(small.grey, _POINTS)
    at = (min(int(row * factor), labels.shape[0] - 1), min(int(col * factor), labels.shape[1] - 1))
    return Region.from_mask(labels == labels[at]).scaled(1 / factor)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]} pixels"
