"""Raw patches: the grey values themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import SettingError

from ..keypoints import Keypoints
from ..scale_space import Pyramid
from .frames import frame_patches

Normalise = Literal["none", "mean", "meanstd"]


@dataclass(frozen=True)
class Patch:
    """Describe frames by the grey values in them, on a small grid that turns and grows with the frame.

    If grey values have a meaning (CT, stained tissue), raw patches can beat SIFT (Cheng 2015 on
    brain MRI); ``normalise="none"`` keeps brightness and contrast for them.

    Parameters
    ----------
    side : samples along each axis, in [2, 64].
    extent : width of the patch in σ of the frame, positive; 12 is the width of SIFT's bins.
    normalise : ``none`` leaves the values as they are; ``mean`` takes each patch's mean away; ``meanstd``
        then divides by its standard deviation too.
    floor : the least standard deviation that is divided by, positive, where white is 1: noise in flat patches
        is not blown up.
    """

    side: int = 9
    extent: float = 12.0
    normalise: Normalise = "meanstd"
    floor: float = 0.01

    def __post_init__(self) -> None:
        if not 2 <= self.side <= 64:
            raise SettingError(f"side must be a number from 2 to 64, not {self.side}")
        for name in ("extent", "floor"):
            if not 0 < getattr(self, name) < np.inf:
                raise SettingError(f"{name} must be positive, not {getattr(self, name)}")
        if self.normalise not in get_args(Normalise):
            raise SettingError(f"normalise must be one of {get_args(Normalise)}, not {self.normalise!r}")

    @property
    def dimension(self) -> int:
        """Return side²."""
        return self.side**2

    @property
    def in_colour(self) -> bool:
        """Whether it needs colour: no, grey images."""
        return False

    def describe(self, image: NDArray[np.float32] | Pyramid, keypoints: Keypoints) -> NDArray[np.float32]:
        """Return one patch a keypoint, row by row, float32 (n, side²), in the order of the keypoints.

        ``image`` is grey, float32 (rows, cols) in [0, 1], or the pyramid made of it. Beyond the border of
        the image its last pixel is repeated. Raise PictureError if the image is not 2-D.
        """
        # Half the distance of the samples: what they cannot resolve is smoothed away, and nothing else.
        blur = 0.5 * self.extent / self.side
        patches = frame_patches(Pyramid.of(image), keypoints, self.side, self.extent, blur)
        return self._normalised(patches.reshape(len(keypoints), self.dimension))

    def _normalised(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.normalise == "none":
            return values
        values = values - values.mean(axis=1, keepdims=True)
        if self.normalise == "meanstd":
            values /= np.maximum(values.std(axis=1, keepdims=True), np.float32(self.floor))
        return values
