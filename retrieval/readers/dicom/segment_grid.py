"""The grid of a segmentation: its marks on the pixels of the image; PS3.3 C.7.6.2.1.1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from .geometry import macro, normal_of, numbers, plane_of
from .header import element, text_of
from .marked_frame import Target

_SAME = 0.1
"""Pixels between the corners of grids that are the same one."""
PARALLEL = 0.9999
"""Least cosine between the normals of planes that do not cross, whichever way they are looked at."""


def on_pixels_of(target: Target, values: NDArray[Any], own: Target) -> NDArray[Any]:
    """Return the values of a frame of a segmentation, ``own``, on the pixels of the target; 0 beside them.

    Each pixel of the target has the value of the pixel within which its centre is. If one of the two does not
    say where it is in the patient, both grids are taken for one.

    Raises
    ------
    PictureError : the planes cross, or the sizes differ and nothing says where the pixels are.
    """
    shape = int(element(target.dataset, "Rows") or 0), int(element(target.dataset, "Columns") or 0)
    plane, own_plane = (plane_of(each.dataset, each.frame) for each in (target, own))
    is_of_frame = target.is_within(text_of(own.dataset, "FrameOfReferenceUID"))
    if plane is None or own_plane is None or not is_of_frame:
        if values.shape != shape:
            raise PictureError(
                f"it marks frames of {values.shape[1]} × {values.shape[0]} pixels, and the image has "
                f"{shape[1]} × {shape[0]}"
            )
        return values
    if abs(cosine_between(target, own)) < PARALLEL:
        raise PictureError(
            "its planes cross those of the image; resample the segmentation to the grid of the image"
        )
    ends = np.array([[0, 0], [shape[0] - 1, 0], [0, shape[1] - 1]], dtype=np.float64)  # (row, col)
    found = own_plane.pixels(plane.points(ends))
    if values.shape == shape and np.abs(found - ends).max() < _SAME:
        return values
    down, across = ((found[i] - found[0]) / max(shape[i - 1] - 1, 1) for i in (1, 2))
    rows, cols = np.arange(shape[0])[:, None, None], np.arange(shape[1])[None, :, None]
    places = np.floor(found[0] + rows * down + cols * across + 0.5).astype(np.int64)  # (rows, cols, 2)
    is_inside = ((places >= 0) & (places < values.shape)).all(axis=2)
    placed = np.zeros(shape, dtype=values.dtype)
    placed[is_inside] = values[tuple(places[is_inside].T)]
    return placed


def cosine_between(one: Target, other: Target) -> float:
    """Return the cosine of the angle between the normals of two frames; 0 if one of them is not known."""
    here, there = normal_of(one.dataset, one.frame), normal_of(other.dataset, other.frame)
    return 0.0 if here is None or there is None else float(np.dot(here, there))


def is_same_matrix(one: Any, other: Any) -> bool:
    """Whether the tiles of two headers are of one level of a slide, as far as they say."""
    for keyword in ("TotalPixelMatrixColumns", "TotalPixelMatrixRows"):
        sizes = numbers(one, keyword), numbers(other, keyword)
        if all(sizes) and sizes[0] != sizes[1]:
            return False
    here, there = (numbers(macro(each, 0, "PixelMeasuresSequence"), "PixelSpacing") for each in (one, other))
    return not (here and there) or bool(np.allclose(here, there, rtol=0.01))
