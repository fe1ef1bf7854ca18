"""The frame that a DICOM region marks, and how regions refer to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .geometry import numbers
from .header import text_of

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
