"""What an image is that asks: an id, a path, an array, or an image of Pillow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PictureError, SemblanceError
from retrieval.picture import Picture
from viewer.queries.query import Query, find_queries, read_queries, the_only

if TYPE_CHECKING:
    from retrieval.index import Index as Reader
    from retrieval.readers.window import Window

    from .keywords import Image

ARRAY = "array"
"""What an image without a name is called in an answer."""


def query_of(reader: Reader, image: Image) -> Query:
    """Return the query that an image means.

    Parameters
    ----------
    image : text: an id of the index, else a path, also of one frame (``file.dcm#12``). A ``Path`` is no id.
        An array is (rows, cols) or (rows, cols, 3), and shown as a file with these values would be: 8 bits
        as they are, anything deeper through the window of the index.

    Raises
    ------
    PictureError : neither in the index nor on disk, unreadable, or an array of another shape.
    SettingError : a file of several images.
    """
    # Text may be an id or a path, as on the command line, and an id goes first; a Path is always a file.
    if isinstance(image, str):
        return the_only(find_queries(reader, [image]), image)
    if isinstance(image, PathLike):
        return the_only(read_queries(reader, fspath(image)), fspath(image))
    picture = picture_of(image, reader.window)
    return Query(picture.id, picture)


def picture_of(image: Any, window: Window) -> Picture:
    """Return an array, or an image of Pillow, as a picture."""
    from PIL.Image import Image as PillowImage

    from retrieval.readers.raster import shown, shown_image
    from retrieval.readers.reasons import reason_of

    # Pillow knows palettes, transparency and orientation, which an array of its values would have lost.
    if isinstance(image, PillowImage):
        name = str(getattr(image, "filename", "")) or ARRAY
        try:
            pixels = shown_image(image, window)
        except SemblanceError:
            raise
        except Exception as error:  # it decodes its file now, and that fails in many ways
            is_closed = "closed image" in str(error)
            why = "was closed; open it again" if is_closed else reason_of(error)
            raise PictureError(f"{name}: {why}") from error
    else:
        name, pixels = ARRAY, shown(_checked(np.asarray(image)), window)
    return Picture(np.ascontiguousarray(pixels, dtype=np.float32), name)


def _checked(values: NDArray[Any]) -> NDArray[Any]:
    """Return an array of grey levels or colours as files hold them. PictureError if it is none."""
    is_colour = values.ndim == 3 and values.shape[2] == 3
    # What numpy makes of names, of None, of files: the user meant no array.
    if values.dtype.kind not in "buifc":
        raise PictureError("no image: ask with one id, path, array of numbers or image of Pillow at a time")
    if not (values.ndim == 2 or is_colour) or values.dtype.kind not in "buif" or not values.size:
        raise PictureError(
            f"an array of {values.dtype} {values.shape} is no image; give numbers, (rows, cols) or "
            "(rows, cols, 3)"
        )
    if is_colour and values.dtype.kind in "ui" and values.dtype not in (np.uint8, np.uint16):
        # Python's own integers are 64 bits wide, of which colours use 8.
        if values.min() < 0 or values.max() > 255:
            raise PictureError("colours must be uint8, uint16, from 0 to 255, or floats from 0 to 1")
        return values.astype(np.uint8)
    return values


def volume_of(pictures: Sequence[Any]) -> Query:
    """Return the query of slices in memory, at most as many as are asked with."""
    from retrieval.answers.late_interaction import spread

    if not pictures:
        raise PictureError("a volume without slices; give one at least")
    named = [replace(picture, id=f"{picture.id}#{number}") for number, picture in enumerate(pictures)]
    slices = tuple(named[i] for i in spread(len(named)).tolist())
    middle = slices[len(slices) // 2]
    return Query(pictures[0].id, replace(middle, id=pictures[0].id), slices=slices)


def volume_query(reader: Reader, slices: Image | Iterable[Image]) -> Query:
    """Return the query that slices mean: a file or folder, of which the largest stack asks, or all in order.

    One slice of the index that is given alone asks with its stack.

    Raises PictureError as ``query_of`` does.
    """
    from viewer.queries.volume import find_volumes

    if isinstance(slices, str | PathLike):
        return find_volumes(reader, [fspath(slices)])[0].query(reader)
    if not isinstance(slices, Iterable):
        raise PictureError(f"{slices!r} is no volume; give a file, a folder, or slices in order")
    parts: list[Image] = list(slices)  # an array is one of slices
    named = [fspath(part) for part in parts if isinstance(part, str | PathLike)]
    if named and len(named) == len(parts):
        return find_volumes(reader, named, is_list=True)[0].query(reader)
    return volume_of([picture_of(part, reader.window) for part in parts])
