"""Illustration: an answer gets its images, each hit its own, and a volume the slices that match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from retrieval.readers.tiling import box_of

from .answer import Answer, Row, SliceImage, caption_of
from .scale_bar import add_scale_bar
from .thumbnail import ENLARGED, boxed, outlined, thumbnail

if TYPE_CHECKING:
    from retrieval.picture import Picture
    from retrieval.region import Region

    from .images import Images

SLICES = 5
"""Slices of a volume that are shown, one from the middle of each fifth."""


def illustrate(answer: Answer, images: Images, query: Picture | str, region: Region | None = None) -> Answer:
    """Return an answer with the image of its query and of each hit.

    Parameters
    ----------
    query : the picture that was asked with, or its name in the index.
    region : what was marked in it, outlined in its image.
    """
    if isinstance(query, str):
        image, shape = images.of(query), images.shape(query)
    else:
        image, shape = thumbnail(query, ENLARGED), query.shape
    # The region is in pixels of the picture, which the encoded image may be smaller than.
    if region is not None:
        image = outlined(image, region, (shape[0], shape[1]))
    if (um := _width_in_um(images, query)) is not None:
        image = add_scale_bar(image, um)
    return replace(answer, image=image, rows=tuple(_with_image(row, images) for row in answer.rows))


def _with_image(row: Row, images: Images) -> Row:
    image = images.of(row.caption.id)
    if row.box is not None:
        image = boxed(image, row.box, images.shape(row.caption.id))
    if (um := _width_in_um(images, row.caption.id)) is not None:
        image = add_scale_bar(image, um)
    return replace(row, image=image)


def _width_in_um(images: Images, picture: Picture | str) -> float | None:
    """Return how wide a part of a slide is, in micrometres; None for any other image."""
    about = images.index.picture(picture) if isinstance(picture, str) else picture
    # A column of a label table may be called as the tag, and hold anything.
    field = box_of(about.metadata)
    return None if field is None else field.um_per_px * about.shape[1]


def illustrate_volume(
    answer: Answer, images: Images, slices: Sequence[Picture | str], column: str | None = None
) -> Answer:
    """Return the answer to a volume with a few of its slices, and for each hit the slices that match them.

    The image best like *any* slice of the query is often an empty one at an end of the stack. So each hit is
    shown by the slice that matches the middle slice of the query, which is what stands beside it; caption and
    label are those of that slice, while rank and score stay the case's.

    Parameters
    ----------
    slices : those that the index was asked with, in order.
    column : one more that captions show.
    """
    # Slice ⌊(i + ½) L / n⌋ of L: never the outermost ones, which are often empty, and ⌊L / 2⌋ for the middle.
    n = min(SLICES, len(slices))
    shown = tuple(_asked(slices[int((part + 0.5) * len(slices) / n)], images) for part in range(n))
    middle = shown[n // 2]
    rows = tuple(_matched(row, images, shown, middle.id, column) for row in answer.rows)
    return replace(answer, image=middle.image, slices=shown, rows=rows)


def _asked(one: Picture | str, images: Images) -> SliceImage:
    if isinstance(one, str):
        return SliceImage(one, images.of(one))
    return SliceImage(one.id, thumbnail(one, ENLARGED))


def _matched(row: Row, images: Images, asked: Sequence[SliceImage], middle: str, column: str | None) -> Row:
    matches = {} if row.case is None else {query: (found, score) for query, found, score in row.case.aligned}
    # A slice without a match keeps its column, or those after it would stand below the wrong slice.
    slices = tuple(
        SliceImage(matches[one.id][0], images.of(matches[one.id][0]), matches[one.id][1])
        if one.id in matches
        else SliceImage("")
        for one in asked
    )
    # A slice has no match if nothing of the case may be found for it; the best image then has to do.
    if middle not in matches:
        return replace(row, image=images.of(row.caption.id), slices=slices)
    best = matches[middle][0]
    return replace(row, caption=caption_of(images.index, best, column), image=images.of(best), slices=slices)
