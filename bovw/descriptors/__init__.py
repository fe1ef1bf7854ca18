"""Descriptors: from the frame of an interest point to a vector that describes it."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..keypoints import Keypoints
from .colour import ColourPatch, OpponentSift
from .fine import FineSift
from .patch import Patch
from .rootsift import RootSift


@runtime_checkable
class Descriptor(Protocol):
    """What every descriptor can do: a frozen dataclass, whose fields are its settings."""

    @property
    def dimension(self) -> int:
        """The length of a descriptor."""
        ...

    @property
    def in_colour(self) -> bool:
        """Whether it describes RGB images (rows, cols, 3), or else grey ones (rows, cols)."""
        ...

    def describe(self, image: NDArray[np.float32], keypoints: Keypoints) -> NDArray[np.float32]:
        """Return float32 (n, dimension), finite, one row a keypoint, in the order of the keypoints."""
        ...


DESCRIPTORS: dict[str, type[Any]] = {
    "fine": FineSift,
    "rootsift": RootSift,
    "patch": Patch,
    "opponentsift": OpponentSift,
    "colour": ColourPatch,
}
"""The descriptors by name."""

__all__ = ["DESCRIPTORS", "ColourPatch", "Descriptor", "FineSift", "OpponentSift", "Patch", "RootSift"]
