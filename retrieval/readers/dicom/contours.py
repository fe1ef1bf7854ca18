"""DICOM contours: the regions of interest of a structure set as pixels of a frame; PS3.3 C.8.8.6."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from ...region import Region
from .geometry import normal_of, numbers, plane_of, position_of
from .header import element, text_of
from .marked_frame import SAME_PLACE, MarkedRegion, Mask, Target, refers


def contours_on(dataset: Any, target: Target) -> list[MarkedRegion]:
    """Return the regions of interest whose contours are on a frame; PS3.3 C.8.8.6."""
    rows, cols = (int(element(target.dataset, keyword) or 0) for keyword in ("Rows", "Columns"))
    items = element(dataset, "StructureSetROISequence") or ()
    named = {int(element(item, "ROINumber") or 0): item for item in items}
    found = []
    for roi in element(dataset, "ROIContourSequence") or ():
        mask = np.zeros((rows, cols), dtype=bool)
        number = int(element(roi, "ReferencedROINumber") or 0)
        is_here = target.is_within(_frame_of_reference(dataset, named.get(number)))
        for contour in element(roi, "ContourSequence") or ():
            is_closed = text_of(contour, "ContourGeometricType").startswith("CLOSED")
            if is_closed and _is_on(contour, target, is_here):
                # A contour within another one cuts a hole.
                mask ^= _filled(pixels_of(_points(contour), target), (rows, cols))
        if mask.any():
            label = text_of(named[number], "ROIName") if number in named else ""
            found.append(MarkedRegion(number, label, mask))
    return found


def _frame_of_reference(dataset: Any, item: Any) -> str:
    """Return the frame of reference of a region of interest: its own, else that of the structure set."""
    own = "" if item is None else text_of(item, "ReferencedFrameOfReferenceUID")
    # C.8.8.5: older writers name it in the sequence, or at the top, alone.
    first = (element(dataset, "ReferencedFrameOfReferenceSequence") or [dataset])[0]
    return own or text_of(first, "FrameOfReferenceUID")


def _is_on(contour: Any, target: Target, is_here: bool) -> bool:
    """Whether a contour is on the target: by reference, else if all its points are in its plane.

    ``is_here`` says whether both have one frame of reference, without which places say nothing.
    """
    # C.8.8.6.2: optional, and many planning systems leave it out.
    references = element(contour, "ContourImageSequence") or ()
    named = [reference for reference in references if refers(reference, target)]
    if references and not named:
        return False
    # Without the number of a frame all of them are named, and the contour is in the plane of one.
    if named and (target.n_frames == 1 or any(numbers(one, "ReferencedFrameNumber") for one in named)):
        return True
    return is_here and is_in_plane(_points(contour), target)


def _points(contour: Any) -> NDArray[np.float64]:
    return np.reshape(numbers(contour, "ContourData"), (-1, 3)).astype(np.float64)


def is_in_plane(points: NDArray[np.float64], target: Target) -> bool:
    """Whether all points, (n, 3) in millimetres of the frame of reference, are in the plane of a frame."""
    normal = normal_of(target.dataset, target.frame)
    height = position_of(target.dataset, target.frame, target.n_frames)
    if normal is None or height is None or not len(points):
        return False
    return bool(np.abs(points @ np.array(normal) - height).max() < SAME_PLACE)


def pixels_of(points: NDArray[np.float64], target: Target) -> NDArray[np.float64]:
    """Return points, (n, 3), as (row, col), centre of the first pixel at 0; the inverse of PS3.3 C.7.6.2.1.1.

    Raises
    ------
    PictureError : the image does not say where it is.
    """
    plane = plane_of(target.dataset, target.frame)
    if plane is None:
        raise PictureError("the image does not say where it is in the patient, which its contours need")
    return plane.pixels(points)


def _filled(corners: NDArray[np.float64], shape: tuple[int, int]) -> Mask:
    """Return the pixels whose centre is within a polygon of (row, col) corners."""
    if len(corners) < 3:
        return np.zeros(shape, dtype=bool)
    # A region counts from the corner of the first pixel.
    return Region((corners + 0.5,)).mask(shape)
