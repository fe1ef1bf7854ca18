"""Outlines of a structured report as pixels of a frame; PS3.3 C.18.6 (SCOORD) and C.18.9 (SCOORD3D)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from ...region import Region
from .contours import is_in_plane, pixels_of
from .geometry import numbers
from .header import element, text_of
from .marked_frame import MarkedRegion, Target, refers, tile_of

REPORTS = tuple(f"1.2.840.10008.5.1.4.1.1.88.{number}" for number in (22, 33, 34))
"""Enhanced, Comprehensive and Comprehensive 3D: those that can hold coordinates."""

_IMAGE_REGION = "111030"
"""DCM code of what a polyline outlines in TID 1410, even if its last point is not its first again."""
_TRACKING = "112039"
"""DCM code of the name of a region."""
_CORNERS = 64
"""Of a polygon in the place of a circle or an ellipse: its area is 0.2 % too small."""

Points = NDArray[np.float64]


def outlines_on(dataset: Any, target: Target) -> list[MarkedRegion]:
    """Return the outlines of a report that are on a frame, numbered from 1 in the order of the report.

    Lines and points outline nothing. The label is the tracking identifier of the group that an outline is in.
    """
    shape = tuple(int(element(target.dataset, keyword) or 0) for keyword in ("Rows", "Columns"))
    found = []
    for number, (item, label) in enumerate(_coordinates(dataset, ""), 1):
        corners = _corners_on(item, target)
        if corners is None:
            continue
        mask = Region((corners,)).mask((shape[0], shape[1]))
        # An outline on the whole of a slide refers to all its tiles, and is on some of them.
        if mask.any() or not _is_of_matrix(item):
            found.append(MarkedRegion(number, label, mask))
    return found


def _coordinates(item: Any, label: str) -> Iterator[tuple[Any, str]]:
    """Yield the items of coordinates below an item, and what their group is called."""
    items = element(item, "ContentSequence") or ()
    label = next((text_of(one, "TextValue") for one in items if _concept(one) == _TRACKING), label)
    for one in items:
        if text_of(one, "ValueType") in ("SCOORD", "SCOORD3D"):
            yield one, label
        yield from _coordinates(one, label)


def _concept(item: Any) -> str:
    names = element(item, "ConceptNameCodeSequence")
    return text_of(names[0], "CodeValue") if names else ""


def _corners_on(item: Any, target: Target) -> Points | None:
    """Return the corners of an outline, (n, 2) of (row, col) from the corner of the first pixel.

    None if it is on another frame, or outlines nothing.
    """
    data = np.array(numbers(item, "GraphicData"), dtype=np.float64)
    if text_of(item, "ValueType") == "SCOORD":
        is_here = any(refers(reference, target) for reference in _references(item))
        points = _rows(data, 2)[:, ::-1]
        points = points - _corner_in_matrix(target) if is_here and _is_of_matrix(item) else points
    else:
        places = _rows(data, 3)
        is_here = target.is_within(text_of(item, "ReferencedFrameOfReferenceUID"))
        is_here = is_here and is_in_plane(places, target)
        # Places in space are of centres of pixels; in an image they are from the corner of the first pixel.
        points = pixels_of(places, target) + 0.5 if is_here else np.empty((0, 2))
    return _outline(text_of(item, "GraphicType"), points, _concept(item)) if is_here else None


def _is_of_matrix(item: Any) -> bool:
    """Whether pixels are counted on the whole of a slide, not on a tile of it; PS3.3 C.18.6."""
    return text_of(item, "PixelOriginInterpretation") == "VOLUME"


def _corner_in_matrix(target: Target) -> Points:
    """Return the (row, col) of the corner of a frame on the whole of its slide, from 0."""
    tile = tile_of(target)
    if tile is None and target.n_frames > 1:
        raise PictureError(
            "it outlines pixels of a whole slide, and the image does not say where on it its frames are; "
            "give the outline on the frame (PixelOriginInterpretation FRAME)"
        )
    return np.array([0, 0] if tile is None else [tile[0] - 1, tile[1] - 1], dtype=np.float64)


def _rows(data: Points, n: int) -> Points:
    """Return points of n numbers each; none if that leaves a rest."""
    return data.reshape(-1, n) if len(data) % n == 0 else np.empty((0, n))


def _references(item: Any) -> Iterator[Any]:
    """Yield the references to the images that coordinates are selected from."""
    for one in element(item, "ContentSequence") or ():
        yield from element(one, "ReferencedSOPSequence") or ()


def _outline(kind: str, points: Points, concept: str) -> Points | None:
    if kind == "CIRCLE" and len(points) == 2:
        # The centre and any point of the circumference.
        away = points[1] - points[0]
        return _ellipse(points[0], away, np.array([-away[1], away[0]]))
    if kind == "ELLIPSE" and len(points) == 4:
        # The ends of the longer axis, then those of the shorter one.
        return _ellipse(points[:2].mean(0), points[1] - points[:2].mean(0), points[3] - points[2:].mean(0))
    is_closed = len(points) > 3 and np.allclose(points[0], points[-1])
    # A polyline may be a length that was measured: it is an outline if it is closed, or called one.
    if kind == "POLYGON" or (kind == "POLYLINE" and (is_closed or concept == _IMAGE_REGION)):
        return points if len(points) >= 3 else None
    return None


def _ellipse(centre: Points, axis: Points, other: Points) -> Points:
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)[:, None]
    return np.asarray(centre + np.cos(angles) * axis + np.sin(angles) * other)
