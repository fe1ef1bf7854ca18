"""DICOM geometry: where a frame is and how far its pixels are apart, in millimetres."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .header import element

_CENTIMETRES = 3
_TWO_DIMENSIONAL = 1
_AXIAL = 0.999
_SPACE = {0x00540080, 0x3004000C, 0x00201041}  # SliceVector, GridFrameOffsetVector, SliceLocation


def macro(dataset: Any, frame: int, sequence: str) -> Any:
    """Return what holds a functional group of a frame: its own, else the shared one, else the dataset.

    PS3.3 C.7.6.16: enhanced objects keep per frame in sequences what older ones keep at the top. An empty
    item says nothing and counts as none.
    """
    per_frame = element(dataset, "PerFrameFunctionalGroupsSequence") or ()
    shared = element(dataset, "SharedFunctionalGroupsSequence") or ()
    for group in (*per_frame[frame : frame + 1], *shared[:1]):
        items = element(group, sequence)
        if items and len(items[0]):
            return items[0]
    return dataset


def spacing_of(dataset: Any, frame: int) -> tuple[float, float] | None:
    """Return (row, col) spacing in mm: PixelSpacing, else that at the detector, else that of the ultrasound.

    ImagerPixelSpacing is not corrected for magnification. None if nothing is known, or if the regions of an
    ultrasound image disagree.
    """
    measures = macro(dataset, frame, "PixelMeasuresSequence")
    # PS3.3 10.7.1.3: PixelSpacing is in the patient; that of the imager (C.8.11.7) is at the detector.
    for holder, keyword in (
        (measures, "PixelSpacing"),
        (dataset, "PixelSpacing"),
        (dataset, "ImagerPixelSpacing"),
        (dataset, "NominalScannedPixelSpacing"),
    ):
        values = numbers(holder, keyword)
        if len(values) == 2 and min(values) > 0:
            return values[0], values[1]
    return _ultrasound_spacing(dataset)


def position_of(dataset: Any, frame: int, n_frames: int = 1) -> float | None:
    """Return the signed distance of the slice from the origin along its normal, in mm; PS3.3 C.7.6.2.1.1.

    Frames without a position of their own are as far from the first one as the header says.
    """
    normal = normal_of(dataset, frame)
    holder, corner = _corner(dataset, frame)
    if normal is None or len(corner) != 3:
        return None
    distance = sum(n * p for n, p in zip(normal, corner, strict=True))
    if n_frames > 1 and holder is dataset:
        # Offsets of another number of frames do not say which of these is where.
        if len(numbers(dataset, "GridFrameOffsetVector")) not in (0, n_frames):
            return None
        distance += _offset(dataset, frame, n_frames, corner[2] if abs(normal[2]) > _AXIAL else None)
    return round(distance, 4) if math.isfinite(distance) else None


def _corner(dataset: Any, frame: int) -> tuple[Any, list[float]]:
    """Return the position of the first pixel in mm, and what holds it."""
    # PS3.3 C.7.6.16.2.21: volumes of ultrasound have places in a volume of their own, not in the patient.
    for sequence, keyword in (
        ("PlanePositionSequence", "ImagePositionPatient"),
        ("PlanePositionVolumeSequence", "ImagePositionVolume"),
    ):
        holder = macro(dataset, frame, sequence)
        if corner := numbers(holder, keyword):
            return holder, corner
    return dataset, numbers(_detector(dataset), "ImagePositionPatient")


def _offset(dataset: Any, frame: int, n_frames: int, height: float | None) -> float:
    """Return how far a frame is from the first one along the normal, in mm; 0 if nothing says it.

    Parameters
    ----------
    height : z of the first frame if the slices are axial.
    """
    offsets = numbers(dataset, "GridFrameOffsetVector")
    if len(offsets) == n_frames:
        # PS3.3 C.8.8.3.2: relative to the first frame if the first is 0; else z, of axial frames only.
        absolute = offsets[0] != 0 and height is not None
        return offsets[frame] - (offsets[0] if absolute else 0.0)
    step = numbers(dataset, "SpacingBetweenSlices")
    if len(step) != 1 or _is_over_time(dataset):
        return 0.0
    # PS3.3 C.8.4.15: frames are stacked along the normal, against it if the spacing is negative.
    slices = numbers(dataset, "SliceVector")
    return step[0] * (slices[frame] - 1 if len(slices) == n_frames else frame)


def _is_over_time(dataset: Any) -> bool:
    """Whether frames follow each other in time only, in one place; PS3.3 C.7.6.6 FrameIncrementPointer."""
    pointer = element(dataset, "FrameIncrementPointer")
    if pointer is None:
        return False
    tags = [int(tag) for tag in (pointer if isinstance(pointer, list | tuple) else _tags(pointer))]
    return bool(tags) and not set(tags) & _SPACE


def _tags(pointer: Any) -> list[Any]:
    return list(pointer) if hasattr(pointer, "__iter__") else [pointer]


def _detector(dataset: Any) -> Any:
    """PS3.3 C.8.4.11: nuclear medicine keeps place and direction of its first frame with the detector."""
    items = element(dataset, "DetectorInformationSequence")
    return items[0] if items else dataset


def normal_of(dataset: Any, frame: int) -> tuple[float, float, float] | None:
    """Return the unit vector across the slice, right-handed to its rows and columns; None: not known."""
    axes = numbers(macro(dataset, frame, "PlaneOrientationSequence"), "ImageOrientationPatient")
    volume = macro(dataset, frame, "PlaneOrientationVolumeSequence")
    axes = axes or numbers(volume, "ImageOrientationVolume")
    axes = axes or numbers(_detector(dataset), "ImageOrientationPatient")
    if len(axes) != 6:
        return None
    # C.7.6.2.1.1: directions of the rows, then of the columns; their cross product is the normal.
    (a, b, c), (d, e, f) = axes[:3], axes[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    length = math.hypot(*normal)
    if not 1e-6 <= length < math.inf:
        return None
    return normal[0] / length, normal[1] / length, normal[2] / length


def numbers(holder: Any, keyword: str) -> list[float]:
    """Return the finite numbers of an element; none if it is missing or holds anything else."""
    value = element(holder, keyword)
    if value is None:
        return []
    try:
        parts = [float(part) for part in ([value] if isinstance(value, int | float | str) else value)]
    except (TypeError, ValueError):
        return []
    return parts if all(math.isfinite(part) for part in parts) else []


class Plane(NamedTuple):
    """Where the pixels of a frame are: the centre of the first one, and the way to the next ones.

    ``corner`` is in mm, float64 (3,); ``along_row`` and ``along_column`` are unit vectors (3,) from column to
    column and from row to row; ``spacing`` is that of rows and of columns in mm.
    """

    corner: NDArray[np.float64]
    along_row: NDArray[np.float64]
    along_column: NDArray[np.float64]
    spacing: tuple[float, float]

    def points(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the centres of pixels, (n, 2) as (row, col), in mm of the frame of reference, (n, 3)."""
        down, across = (pixels[:, i : i + 1] * self.spacing[i] for i in (0, 1))
        return np.asarray(self.corner + down * self.along_column + across * self.along_row)

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points, (n, 3) in mm of the frame of reference, as (row, col), (n, 2)."""
        away = points - self.corner
        parts = (away @ self.along_column / self.spacing[0], away @ self.along_row / self.spacing[1])
        return np.stack(parts, axis=1)


def plane_of(dataset: Any, frame: int) -> Plane | None:
    """Return where the pixels of a frame are in the patient; None: not known. PS3.3 C.7.6.2.1.1."""
    corner = numbers(macro(dataset, frame, "PlanePositionSequence"), "ImagePositionPatient")
    axes = numbers(macro(dataset, frame, "PlaneOrientationSequence"), "ImageOrientationPatient")
    spacing = numbers(macro(dataset, frame, "PixelMeasuresSequence"), "PixelSpacing")
    if len(corner) != 3 or len(axes) != 6 or len(spacing) != 2 or min(spacing) <= 0:
        return None
    return Plane(np.array(corner), np.array(axes[:3]), np.array(axes[3:]), (spacing[0], spacing[1]))


def _ultrasound_spacing(dataset: Any) -> tuple[float, float] | None:
    """PS3.3 C.8.5.5: regions of an image have distances of their own, in cm for tissue."""
    found = set()
    for region in element(dataset, "SequenceOfUltrasoundRegions") or ():
        units = {element(region, "PhysicalUnitsXDirection"), element(region, "PhysicalUnitsYDirection")}
        if element(region, "RegionSpatialFormat") != _TWO_DIMENSIONAL or units != {_CENTIMETRES}:
            continue
        deltas = [*numbers(region, "PhysicalDeltaY"), *numbers(region, "PhysicalDeltaX")]
        if len(deltas) == 2 and all(deltas):
            found.add((abs(deltas[0]) * 10, abs(deltas[1]) * 10))
    return found.pop() if len(found) == 1 else None
