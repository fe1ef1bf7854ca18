"""The part of one image that a query asks with: how it is marked, and the region of pixels that it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import OptionError, PictureError

from ..answer import XYWH

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieval.picture import Picture, Value
    from retrieval.region import Region

Shape = tuple[int, int]
Spacing = tuple[float, float] | None
FORMS = ("region", "polygon", "mask", "point")
"""The ways to mark; a query has one of them at most."""
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
    file : lends its file, fetched if it is in an archive; gives None if it cannot be had.
    """

    shape: Shape
    spacing: Spacing
    read: Callable[[], Picture]
    is_one_of_many: bool = False
    metadata: Mapping[str, Value] = field(default_factory=dict)
    file: Callable[[], AbstractContextManager[Path | None]] = nullcontext


@dataclass(frozen=True, eq=False)
class Mark:
    """How a part of an image is marked; x is to the right, y is down, both from the upper left corner.

    Parameters
    ----------
    region : a box: x, y, width and height.
    polygon : x and y of each corner.
    mask : an image of the same size, a file (see ``retrieval.readers.masks``) or an array (rows, cols); what
        is not black is marked.
    point : x and y; the superpixel there is marked.
    mm : whether these numbers, and ``margin``, are millimetres instead of pixels.
    margin : what is so near to the marked part is marked too.

    Raises
    ------
    OptionError : more than one mark, or none and a word about it.
    """

    region: XYWH | None = None
    polygon: tuple[tuple[float, float], ...] | None = None
    mask: Any = None
    point: tuple[float, float] | None = None
    mm: bool = False
    margin: float = 0.0

    def __post_init__(self) -> None:
        given = [form for form in FORMS if getattr(self, form) is not None]
        if len(given) > 1:
            raise OptionError("both mark the query; give one of them", *given)
        for name in ("mm", "margin"):
            if getattr(self, name) and not given:
                raise OptionError("there is no region that it belongs to; mark one", name)
        if not 0 <= self.margin < float("inf"):
            raise OptionError(f"{self.margin:g} is no margin; give a number of at least 0", "margin")
        if self.mm and self.mask is not None and not self.margin:
            raise OptionError("a mask is in pixels; leave it out, or give a margin", "mm")

    @property
    def is_given(self) -> bool:
        """Tell whether anything is marked."""
        return any(getattr(self, form) is not None for form in FORMS)

    def on(self, canvas: Canvas) -> Region | None:
        """Return the marked part of an image, in its pixels; None for all of it.

        Raises
        ------
        OptionError : it is outside the image or holds no pixel, a mask of another size, millimetres of an
            image without a spacing.
        """
        unit = self._unit(canvas)
        found = self._marked(canvas, unit)
        if found is None:
            return None
        # Thin polygons and boxes beside the image: a centre of a pixel must be inside.
        if not found.mask(canvas.shape).any():
            named = next(form for form in FORMS if getattr(self, form) is not None)
            raise OptionError(f"holds no pixel of the image, {_size(canvas.shape)}; mark more of it", named)
        # In millimetres a margin is as many pixels each way as these are long that way.
        return found.grown(self.margin, canvas.shape, unit) if self.margin else found

    def about_outside(self, canvas: Canvas) -> str | None:
        """Say that a box or polygon has a corner outside the image; None if it has not."""
        if self.region is not None:
            x, y, width, height = self.region
            corners = [(x, y), (x + width, y + height)]
        else:
            corners = list(self.polygon or ())
        unit = self._unit(canvas)
        rows, cols = canvas.shape[0] * unit[0], canvas.shape[1] * unit[1]
        if all(0 <= x <= cols and 0 <= y <= rows for x, y in corners):
            return None
        return f"the region reaches outside the image, {_size(canvas.shape)}; only the part inside counts"

    def _marked(self, canvas: Canvas, unit: tuple[float, float]) -> Region | None:
        if self.region is not None:
            return _box(self.region, canvas.shape, unit)
        if self.polygon is not None:
            return _polygon(self.polygon, unit)
        if self.mask is not None:
            return _of_mask(self.mask, canvas)
        return None if self.point is None else _superpixel(self.point, canvas, unit)

    def _unit(self, canvas: Canvas) -> tuple[float, float]:
        """Return how much of the unit of all numbers a pixel is, (row, col)."""
        if not self.mm:
            return 1.0, 1.0
        if canvas.spacing is None:
            raise OptionError("the image does not say how large its pixels are; give pixels", "mm")
        return canvas.spacing


def _box(asked: XYWH, shape: Shape, unit: tuple[float, float]) -> Region:
    """Turn x, y, w, h into a region, cut to the image."""
    from retrieval.region import Region

    # x and width go along columns, y and height along rows; unit is (row, col).
    (x, width), (y, height) = ((v / unit[1] for v in asked[::2]), (v / unit[0] for v in asked[1::2]))
    if x >= shape[1] or y >= shape[0] or x + width <= 0 or y + height <= 0:
        raise OptionError(
            f"{','.join(f'{v:g}' for v in asked)} is outside the image, "
            f"which has {_size(shape)} (x,y,w,h; x to the right)",
            "region",
        )
    # Cut to the image, so that the region has the size that is searched for.
    left, top = max(x, 0.0), max(y, 0.0)
    return Region.box(top, left, min(y + height, shape[0]) - top, min(x + width, shape[1]) - left)


def _polygon(asked: tuple[tuple[float, float], ...], unit: tuple[float, float]) -> Region:
    import numpy as np

    from retrieval.region import Region

    return Region((np.array([(y / unit[0], x / unit[1]) for x, y in asked], dtype=np.float64),))


def _of_mask(mask: Any, canvas: Canvas) -> Region:
    """Return the region of a mask, a file or an array (rows, cols)."""
    from retrieval.region import Region

    if isinstance(mask, str | Path):
        return Region.from_mask(_read_mask(Path(mask), canvas))
    import numpy as np

    values = np.asarray(mask)
    if values.dtype.kind not in "buif":
        raise OptionError(f"an array of {values.dtype} marks nothing; give numbers, 0 outside", "mask")
    inside = values > 0
    if inside.shape != canvas.shape:
        wanted = f"{canvas.shape}, which is {_size(canvas.shape)}"
        raise OptionError(f"an array of shape {inside.shape}, and the query has {wanted}", "mask")
    if not inside.any():
        raise OptionError("is black, and marks nothing", "mask")
    return Region.from_mask(inside)


def _read_mask(path: Path, canvas: Canvas) -> NDArray[np.bool_]:
    from retrieval.readers.guarded import read_mask_guarded
    from retrieval.readers.masks import MarkedImage

    number = canvas.metadata.get("frame", 0)
    frame = int(number) if isinstance(number, int | float) else 0
    try:
        with canvas.file() as file:
            about = (canvas.shape, canvas.is_one_of_many, frame, canvas.metadata)
            return read_mask_guarded(path, MarkedImage(*about, lambda: file))
    except PictureError as error:
        raise OptionError(str(error), "mask") from error


def _superpixel(asked: tuple[float, float], canvas: Canvas, unit: tuple[float, float]) -> Region:
    """Return the superpixel at a point of an image."""
    from bovw.detectors.slic import slic
    from retrieval.region import Region

    (x, y), shape = asked, canvas.shape
    row, col = y / unit[0], x / unit[1]
    if not (0 <= row < shape[0] and 0 <= col < shape[1]):
        raise OptionError(f"{x:g},{y:g} is outside the image, which has {_size(shape)} (x,y)", "point")
    # Found in the small image, in which superpixels of representations are, and scaled back.
    small, factor = canvas.read().fit_within(_LONGEST)
    labels = slic(small.grey, _POINTS)
    # Rounding of the small image's size may put the last row or column one beyond its end.
    at = (min(int(row * factor), labels.shape[0] - 1), min(int(col * factor), labels.shape[1] - 1))
    return Region.from_mask(labels == labels[at]).scaled(1 / factor)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]} pixels"
