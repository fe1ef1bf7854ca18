"""DICOM regions: the part of an image that a segmentation or a structure set marks; PS3.3 C.8.20 and C.8.8.6.

A region is matched by the image and frame that it refers to; if it refers to none, by its place in the frame
of reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from ..source import MAX_PIXELS, DamagedFrame, Source
from ..window import Window
from .frames import Stored
from .geometry import macro, normal_of, numbers, position_of
from .header import element, text_of
from .opening import open_frames

Mask = NDArray[np.bool_]
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
_SAME_PLACE = 0.05
"""Millimetres between planes that are the same one."""


@dataclass(frozen=True)
class Target:
    """The frame of a DICOM image that is marked: its header, its number from 0, and how many there are."""

    dataset: Any
    frame: int
    n_frames: int

    @property
    def uid(self) -> str:
        """Return the identifier of the image."""
        return text_of(self.dataset, "SOPInstanceUID")


@dataclass(frozen=True, eq=False)
class MarkedRegion:
    """A region that marks a frame: number and label of its segment, and the pixels, bool (rows, cols)."""

    number: int
    label: str
    mask: Mask


def is_region_file(path: Path) -> bool:
    """Return whether a file is a DICOM segmentation or structure set."""
    from pydicom import dcmread

    try:
        found = text_of(dcmread(path, force=True, specific_tags=["SOPClassUID"]), "SOPClassUID")
    except Exception:  # anything may be in a file that is no DICOM
        return False
    return found in (*_SEGMENTATIONS, _STRUCTURE_SET)


def target_of(path: Path, frame: int) -> Target:
    """Return a frame of a DICOM image. Raise PictureError if the file is none."""
    with open_frames(_source(path)) as stored:
        return Target(stored.dataset, frame, stored.n_frames)


def regions_of(path: Path, target: Target) -> list[MarkedRegion]:
    """Return the regions of a segmentation or structure set that mark a frame, by their numbers.

    Parameters
    ----------
    path : the segmentation or structure set.

    Raises
    ------
    PictureError : it cannot be read, or marks frames of another size.
    """
    from pydicom import dcmread

    dataset = dcmread(path, force=True, stop_before_pixels=True)
    is_contours = text_of(dataset, "SOPClassUID") == _STRUCTURE_SET
    found = _contours(dataset, target) if is_contours else _segments(path, target)
    return sorted(found, key=lambda region: region.number)


def _source(path: Path) -> Source:
    return Source(path, path.name, Window(), b"", None, MAX_PIXELS)


def _segments(path: Path, target: Target) -> list[MarkedRegion]:
    """Return the segments of a frame; those that several frames of the segmentation mark are united."""
    with open_frames(_source(path)) as stored:
        return _segments_of(stored, target)


def _segments_of(stored: Stored, target: Target) -> list[MarkedRegion]:
    dataset = stored.dataset
    numbers_of = [n for n in range(stored.n_frames) if _marks(dataset, n, stored.n_frames, target)]
    is_label_map = text_of(dataset, "SegmentationType") == "LABELMAP"
    names = _names(dataset)
    masks: dict[int, Mask] = {}
    for frame in stored.frames(numbers_of):
        if isinstance(frame, DamagedFrame):
            raise PictureError(f"frame {frame.number} of the segmentation: {frame.reason}")
        _check_size(frame.values.shape, target)
        if is_label_map:
            # 0 is the background, or what PixelPaddingValue says; every other value is a segment.
            padding = {0, *(int(value) for value in numbers(dataset, "PixelPaddingValue"))}
            parts = {int(v): frame.values == v for v in np.unique(frame.values) if int(v) not in padding}
        else:
            # Of fractional segments any part of a pixel marks it, as in any other mask.
            parts = {_segment_number(dataset, frame.number, stored.n_frames): frame.values != 0}
        for number, mask in parts.items():
            masks[number] = masks[number] | mask if number in masks else mask
    return [MarkedRegion(number, names.get(number, ""), mask) for number, mask in masks.items()]


def _names(dataset: Any) -> dict[int, str]:
    items = element(dataset, "SegmentSequence") or ()
    return {int(element(item, "SegmentNumber") or 0): text_of(item, "SegmentLabel") for item in items}


def _segment_number(dataset: Any, frame: int, n_frames: int) -> int:
    """Return the segment of a frame; without functional groups (TILED_FULL) they go segment by segment."""
    item = macro(dataset, frame, "SegmentIdentificationSequence")
    if (number := element(item, "ReferencedSegmentNumber")) is not None:
        return int(number)
    segments = sorted(_names(dataset))
    return segments[frame * len(segments) // n_frames] if segments else 1


def _check_size(shape: Sequence[int], target: Target) -> None:
    rows, cols = (int(element(target.dataset, keyword) or 0) for keyword in ("Rows", "Columns"))
    if tuple(shape) != (rows, cols):
        raise PictureError(
            f"it marks frames of {shape[1]} × {shape[0]} pixels, and the image has {cols} × {rows}"
        )


def _marks(dataset: Any, frame: int, n_frames: int, target: Target) -> bool:
    """Whether a frame of a segmentation marks the target: by reference, else by its place."""
    sources = list(_sources(dataset, frame))
    if sources:
        return any(_refers(source, target) for source in sources)
    if text_of(dataset, "FrameOfReferenceUID") != text_of(target.dataset, "FrameOfReferenceUID"):
        return False
    own_tile = _tile(dataset, frame, n_frames)
    if own_tile is not None:
        return own_tile == _tile(target.dataset, target.frame, target.n_frames)
    return _is_same_plane(dataset, frame, n_frames, target)


def _sources(dataset: Any, frame: int) -> Iterator[Any]:
    """Yield what a frame was derived from; PS3.3 C.7.6.16.2.6."""
    holder = macro(dataset, frame, "DerivationImageSequence")
    if holder is not dataset:
        yield from element(holder, "SourceImageSequence") or ()


def _refers(reference: Any, target: Target) -> bool:
    """Whether an item refers to the target; without frame numbers it refers to all frames."""
    if text_of(reference, "ReferencedSOPInstanceUID") != target.uid:
        return False
    frames = numbers(reference, "ReferencedFrameNumber")  # counted from 1
    return not frames or target.frame + 1 in frames


def _tile(dataset: Any, frame: int, n_frames: int) -> tuple[int, int] | None:
    """Return the (row, column) of a tile of a slide, from 1; PS3.3 C.8.12.14 and C.7.6.17.3 (TILED_FULL)."""
    holder = macro(dataset, frame, "PlanePositionSlideSequence")
    row = numbers(holder, "RowPositionInTotalImagePixelMatrix")
    column = numbers(holder, "ColumnPositionInTotalImagePixelMatrix")
    if row and column:
        return int(row[0]), int(column[0])
    total = numbers(dataset, "TotalPixelMatrixColumns"), numbers(dataset, "TotalPixelMatrixRows")
    rows, cols = int(element(dataset, "Rows") or 0), int(element(dataset, "Columns") or 0)
    if not (all(total) and rows and cols):
        return None
    across, down = -int(-total[0][0] // cols), -int(-total[1][0] // rows)
    place = frame % (across * down) if across * down else 0
    return place // across * rows + 1, place % across * cols + 1


def _is_same_plane(dataset: Any, frame: int, n_frames: int, target: Target) -> bool:
    own, other = normal_of(dataset, frame), normal_of(target.dataset, target.frame)
    if own is None or other is None or float(np.dot(own, other)) < 0.9999:
        return False
    here = position_of(dataset, frame, n_frames)
    there = position_of(target.dataset, target.frame, target.n_frames)
    return here is not None and there is not None and abs(here - there) < _SAME_PLACE


def _contours(dataset: Any, target: Target) -> list[MarkedRegion]:
    """Return the regions of interest whose contours are on a frame; PS3.3 C.8.8.6."""
    rows, cols = (int(element(target.dataset, keyword) or 0) for keyword in ("Rows", "Columns"))
    labels = {
        int(element(item, "ROINumber") or 0): text_of(item, "ROIName")
        for item in element(dataset, "StructureSetROISequence") or ()
    }
    found = []
    for roi in element(dataset, "ROIContourSequence") or ():
        mask = np.zeros((rows, cols), dtype=bool)
        for contour in element(roi, "ContourSequence") or ():
            if text_of(contour, "ContourGeometricType").startswith("CLOSED") and _is_on(contour, target):
                # A contour within another one cuts a hole.
                mask ^= _filled(_pixels_of(contour, target), (rows, cols))
        if mask.any():
            number = int(element(roi, "ReferencedROINumber") or 0)
            found.append(MarkedRegion(number, labels.get(number, ""), mask))
    return found


def _is_on(contour: Any, target: Target) -> bool:
    """Whether a contour is on the target: by reference, else if all its points are in its plane."""
    references = element(contour, "ContourImageSequence")
    if references:
        return any(_refers(reference, target) for reference in references)
    points = np.reshape(numbers(contour, "ContourData"), (-1, 3))
    normal = normal_of(target.dataset, target.frame)
    height = position_of(target.dataset, target.frame, target.n_frames)
    if normal is None or height is None or not len(points):
        return False
    return bool(np.abs(points @ np.array(normal) - height).max() < _SAME_PLACE)


def _pixels_of(contour: Any, target: Target) -> NDArray[np.float64]:
    """Return the corners as (row, col), centre of the first pixel at 0; the inverse of PS3.3 C.7.6.2.1.1."""
    dataset, frame = target.dataset, target.frame
    points = np.reshape(numbers(contour, "ContourData"), (-1, 3))
    corner = numbers(macro(dataset, frame, "PlanePositionSequence"), "ImagePositionPatient")
    axes = numbers(macro(dataset, frame, "PlaneOrientationSequence"), "ImageOrientationPatient")
    spacing = numbers(macro(dataset, frame, "PixelMeasuresSequence"), "PixelSpacing")
    if len(corner) != 3 or len(axes) != 6 or len(spacing) != 2 or min(spacing) <= 0:
        raise PictureError("the image does not say where it is in the patient, which its contours need")
    away = points - np.array(corner)
    along_row, along_column = np.array(axes[:3]), np.array(axes[3:])
    return np.stack([away @ along_column / spacing[0], away @ along_row / spacing[1]], axis=1)


def _filled(corners: NDArray[np.float64], shape: tuple[int, int]) -> Mask:
    """Return the pixels whose centre is within a polygon of (row, col) corners."""
    from ...region import Region

    if len(corners) < 3:
        return np.zeros(shape, dtype=bool)
    # A region counts from the corner of the first pixel.
    return Region((corners + 0.5,)).mask(shape)
