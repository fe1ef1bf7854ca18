"""DICOM regions: the part of an image that a segmentation, a structure set or a report marks.

PS3.3 C.8.20, C.8.8.6 and C.18.6. A region is matched by the image and frame that it refers to; if it refers
to none, or to several, by its place in the frame of reference.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import PictureError
from ..limits import current_limits
from ..source import DamagedFrame, Source
from ..window import Window
from .contours import contours_on
from .frames import Stored
from .geometry import macro, numbers, position_of
from .header import element, text_of
from .marked_frame import SAME_PLACE, MarkedRegion, Mask, Target, refers, tile_of
from .opening import open_frames
from .report_outlines import REPORTS, outlines_on
from .segment_grid import PARALLEL, cosine_between, is_same_matrix, on_pixels_of

_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"


def is_region_file(path: Path) -> bool:
    """Return whether a file is a DICOM segmentation, structure set or structured report."""
    from pydicom import dcmread

    try:
        found = text_of(dcmread(path, force=True, specific_tags=["SOPClassUID"]), "SOPClassUID")
    except Exception:  # anything may be in a file that is no DICOM
        return False
    return found in (*_SEGMENTATIONS, _STRUCTURE_SET, *REPORTS)


def target_of(path: Path, frame: int) -> Target:
    """Return a frame of a DICOM image. Raise PictureError if the file is none."""
    with open_frames(_source(path)) as stored:
        return Target(stored.dataset, frame, stored.n_frames)


def regions_of(path: Path, target: Target) -> list[MarkedRegion]:
    """Return the regions of a file that mark a frame, by their numbers.

    Parameters
    ----------
    path : a segmentation, structure set or structured report.

    Raises
    ------
    PictureError : it cannot be read, or marks frames of another size.
    """
    from pydicom import dcmread

    dataset = dcmread(path, force=True, stop_before_pixels=True)
    kind = text_of(dataset, "SOPClassUID")
    if kind in REPORTS:
        return outlines_on(dataset, target)
    found = contours_on(dataset, target) if kind == _STRUCTURE_SET else _segments(path, target)
    return sorted(found, key=lambda region: region.number)


def _source(path: Path) -> Source:
    return Source(path, path.name, Window(), b"", None, current_limits())


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
        values = on_pixels_of(target, frame.values, Target(dataset, frame.number, stored.n_frames))
        if is_label_map:
            # 0 is the background, or what PixelPaddingValue says; every other value is a segment.
            padding = {0, *(int(value) for value in numbers(dataset, "PixelPaddingValue"))}
            parts = {int(v): values == v for v in np.unique(values) if int(v) not in padding}
        else:
            # Of fractional segments any part of a pixel marks it, as in any other mask.
            parts = {_segment_number(dataset, frame.number, stored.n_frames): values != 0}
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


def _marks(dataset: Any, frame: int, n_frames: int, target: Target) -> bool:
    """Whether a frame of a segmentation marks the target: by reference, and by its place if that is open."""
    # The reference first: two series of one patient may have planes in the same place.
    sources = _sources(dataset, frame)
    if sources and not any(refers(source, target) for source in sources):
        return False
    if sources and not _name_several(sources, target):
        return True
    is_here = _is_in_place(Target(dataset, frame, n_frames), target, bool(sources))
    return bool(sources) if is_here is None else is_here


def _sources(dataset: Any, frame: int) -> list[Any]:
    """Return all that a frame was derived from; PS3.3 C.7.6.16.2.6."""
    per_frame = element(dataset, "PerFrameFunctionalGroupsSequence") or ()
    shared = element(dataset, "SharedFunctionalGroupsSequence") or ()
    for group in (*per_frame[frame : frame + 1], *shared[:1]):
        items = element(group, "DerivationImageSequence") or ()
        if found := [source for item in items for source in element(item, "SourceImageSequence") or ()]:
            return found
    return []


def _name_several(sources: list[Any], target: Target) -> bool:
    """Whether sources name more than one image or frame: all that a frame was computed from."""
    frames = numbers(sources[0], "ReferencedFrameNumber")
    return len(sources) > 1 or len(frames) > 1 or (not frames and target.n_frames > 1)


def _is_in_place(own: Target, target: Target, is_named: bool) -> bool | None:
    """Whether a frame of a segmentation is in the place of the target; None: not known.

    Parameters
    ----------
    is_named : whether it names the target, among others: it marks it within half of its own thickness.
    """
    if not target.is_within(text_of(own.dataset, "FrameOfReferenceUID")):
        return None
    tile = tile_of(own)
    if tile is not None:
        wanted = tile_of(target)
        return None if wanted is None else tile == wanted and is_same_matrix(own.dataset, target.dataset)
    here, there = (position_of(each.dataset, each.frame, each.n_frames) for each in (own, target))
    cosine = cosine_between(own, target)
    if here is None or there is None or abs(cosine) < PARALLEL:
        return None
    reach = max(SAME_PLACE, _half_thickness(own)) if is_named else SAME_PLACE
    # A plane that is looked at from behind is as far from the origin, with the other sign.
    return abs(here * math.copysign(1, cosine) - there) < reach


def _half_thickness(own: Target) -> float:
    """Return half of what a frame of a segmentation is thick, in mm; 0: not known. PS3.3 C.7.6.16.2.1."""
    measures = macro(own.dataset, own.frame, "PixelMeasuresSequence")
    # Slices may overlap. A hundredth less: rounded places must not reach the next slice.
    found = [*numbers(measures, "SliceThickness")[:1], *numbers(measures, "SpacingBetweenSlices")[:1]]
    return 0.495 * min(map(abs, found), default=0.0)
