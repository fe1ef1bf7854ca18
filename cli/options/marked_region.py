"""From the options of a region to the region: the part of one image, in its pixels."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import PictureError, SettingError
from viewer.answer import XYWH

from .parameters import Arguments
from .region_flags import FORMS

if TYPE_CHECKING:
    from retrieval.picture import Picture, Value
    from retrieval.region import Region

Shape = tuple[int, int]
Spacing = tuple[float, float] | None
_POINTS = 400
"""Superpixels of an image, of which a point means one."""
_LONGEST = 320
"""Pixels of the longer side of the image in which superpixels are found, as for representations."""


@dataclass(frozen=True)
class Canvas:
    """The image that is marked.

    Parameters
    ----------
    shape, spacing : rows and columns, and millimetres a pixel (row, col) if known.
    read : gives its pixels.
    is_one_of_many : whether its file holds several images.
    metadata : its tags.
    path : finds its file; gives None if it is not known.
    """

    shape: Shape
    spacing: Spacing
    read: Callable[[], Picture]
    is_one_of_many: bool = False
    metadata: Mapping[str, Value] = field(default_factory=dict)
    path: Callable[[], Path | None] = lambda: None


def region_of(args: Arguments, canvas: Canvas) -> Region | None:
    """Return the marked part of an image, in its pixels; None for all of it.

    Raises
    ------
    SettingError : it is outside the image or holds no pixel, a mask of another size, millimetres of a
        image without a spacing.
    """
    unit = _unit(args, canvas)
    found = _marked(args, canvas, unit)
    if found is None:
        return None
    if not found.mask(canvas.shape).any():
        named = next(form for form in FORMS if getattr(args, form) is not None)
        raise SettingError(f"--{named}: holds no pixel of the image, {_size(canvas.shape)}; mark more of it")
    if _reaches_out(args, canvas.shape, unit):
        size = _size(canvas.shape)
        print(
            f"note: the region reaches outside the image, {size}; only the part inside counts",
            file=sys.stderr,
        )
    grown = args.margin / (0.5 * (unit[0] + unit[1]))
    return found.grown(grown, canvas.shape) if grown else found


def _marked(args: Arguments, canvas: Canvas, unit: tuple[float, float]) -> Region | None:
    if args.region is not None:
        return _box(args.region, canvas.shape, unit)
    if args.polygon is not None:
        return _polygon(args.polygon, unit)
    if args.mask is not None:
        return _of_mask(args.mask, canvas)
    return None if args.point is None else _superpixel(args.point, canvas, unit)


def _reaches_out(args: Arguments, shape: Shape, unit: tuple[float, float]) -> bool:
    """Tell whether a box or polygon has a corner outside the image."""
    if args.region is not None:
        x, y, width, height = args.region
        found = [(x, y), (x + width, y + height)]
    else:
        found = list(args.polygon or ())
    rows, cols = shape[0] * unit[0], shape[1] * unit[1]
    return any(not (0 <= x <= cols and 0 <= y <= rows) for x, y in found)


def _unit(args: Arguments, canvas: Canvas) -> tuple[float, float]:
    """Return how much of the arguments' unit a pixel is, (row, col)."""
    if not args.mm:
        return 1.0, 1.0
    if canvas.spacing is None:
        raise SettingError("--mm: the image does not say how large its pixels are; give pixels")
    return canvas.spacing


def _box(asked: XYWH, shape: Shape, unit: tuple[float, float]) -> Region:
    """Turn x, y, w, h into a region, cut to the image."""
    from retrieval.region import Region

    (x, width), (y, height) = ((v / unit[1] for v in asked[::2]), (v / unit[0] for v in asked[1::2]))
    if x >= shape[1] or y >= shape[0] or x + width <= 0 or y + height <= 0:
        raise SettingError(
            f"--region: {','.join(f'{v:g}' for v in asked)} is outside the image, "
            f"which has {_size(shape)} (x,y,w,h; x to the right)"
        )
    left, top = max(x, 0.0), max(y, 0.0)
    return Region.box(top, left, min(y + height, shape[0]) - top, min(x + width, shape[1]) - left)


def _polygon(asked: tuple[tuple[float, float], ...], unit: tuple[float, float]) -> Region:
    import numpy as np

    from retrieval.region import Region

    return Region((np.array([(y / unit[0], x / unit[1]) for x, y in asked], dtype=np.float64),))


def _of_mask(path: Path, canvas: Canvas) -> Region:
    from retrieval.readers.masks import MarkedImage, read_mask
    from retrieval.region import Region

    number = canvas.metadata.get("frame", 0)
    frame = int(number) if isinstance(number, int | float) else 0
    image = MarkedImage(canvas.shape, canvas.is_one_of_many, frame, canvas.metadata, canvas.path)
    try:
        return Region.from_mask(read_mask(path, image))
    except PictureError as error:
        raise SettingError(f"--mask: {error}") from error


def _superpixel(asked: tuple[float, float], canvas: Canvas, unit: tuple[float, float]) -> Region:
    """Return the superpixel at a point of an image."""
    from bovw.detectors.slic import slic
    from retrieval.region import Region

    (x, y), shape = asked, canvas.shape
    row, col = y / unit[0], x / unit[1]
    if not (0 <= row < shape[0] and 0 <= col < shape[1]):
        raise SettingError(f"--point: {x:g},{y:g} is outside the image, which has {_size(shape)} (x,y)")
    small, factor = canvas.read().fit_within(_LONGEST)
    labels = slic(small.grey, _POINTS)
    at = (min(int(row * factor), labels.shape[0] - 1), min(int(col * factor), labels.shape[1] - 1))
    return Region.from_mask(labels == labels[at]).scaled(1 / factor)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]} pixels"
