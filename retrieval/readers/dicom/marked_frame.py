"""The frame that a DICOM region marks, and how regions refer to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .geometry import macro, numbers
from .header import element, text_of

Mask = NDArray[np.bool_]
SAME_PLACE = 0.05
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

    def is_within(self, frame_of_reference: str) -> bool:
        """Whether places in a frame of reference mean places of this image: of no other patient or scan."""
        own = text_of(self.dataset, "FrameOfReferenceUID")
        return own != "" and own == frame_of_reference


@dataclass(frozen=True, eq=False)
class MarkedRegion:
    """A region that marks a frame: number and label of its segment, and the pixels, bool (rows, cols)."""

    number: int
    label: str
    mask: Mask


def refers(reference: Any, target: Target) -> bool:
    """Whether an item refers to the target; without frame numbers it refers to all frames."""
    if text_of(reference, "ReferencedSOPInstanceUID") != target.uid:
        return False
    frames = numbers(reference, "ReferencedFrameNumber")  # counted from 1
    return not frames or target.frame + 1 in frames


def tile_of(frame: Target) -> tuple[int, int] | None:
    """Return the (row, column) of a tile of a slide, from 1; PS3.3 C.8.12.14 and C.7.6.17.3 (TILED_FULL)."""
    dataset = frame.dataset
    holder = macro(dataset, frame.frame, "PlanePositionSlideSequence")
    row = numbers(holder, "RowPositionInTotalImagePixelMatrix")
    column = numbers(holder, "ColumnPositionInTotalImagePixelMatrix")
    if row and column:
        return int(row[0]), int(column[0])
    total = numbers(dataset, "TotalPixelMatrixColumns"), numbers(dataset, "TotalPixelMatrixRows")
    rows, cols = int(element(dataset, "Rows") or 0), int(element(dataset, "Columns") or 0)
    if not (all(total) and rows and cols):
        return None
    across, down = -int(-total[0][0] // cols), -int(-total[1][0] // rows)
    place = frame.frame % (across * down) if across * down else 0
    return place // across * rows + 1, place % across * cols + 1
