"""The features of an image, points with descriptors: the first half of the way to its bag of words."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.picture import Picture
from retrieval.region import Region
from retrieval.representation import Arrays

from .descriptors import Descriptor
from .descriptors.colour import ColourPatch
from .descriptors.point_amounts import point_amounts
from .descriptors.position import append_position
from .detectors.detector import Detector
from .detectors.foreground import foreground
from .keypoints import Keypoints

FEWEST = 64
"""A region that contains fewer points of its image than this gets points of its own."""


@dataclass(frozen=True, eq=False)
class Features:
    """Hold n points with their descriptors.

    Parameters
    ----------
    keypoints : in pixels of the original image.
    shape_descriptors : float32 (n, d), of shape and texture.
    tone_descriptors : float32 (n, 15), the local grey levels or colours; (n, 0) if they are left out.
    amounts : float32 (n,), how much each point counts for in a bag, see ``point_amounts``; None: all alike.
    """

    keypoints: Keypoints
    shape_descriptors: NDArray[np.float32]
    tone_descriptors: NDArray[np.float32]
    amounts: NDArray[np.float32] | None = None

    def arrays(self) -> Arrays:
        """Return all of it as named arrays."""
        keypoints = np.stack([getattr(self.keypoints, column.name) for column in fields(Keypoints)])
        weighed = {} if self.amounts is None else {"amounts": self.amounts}
        return {
            "keypoints": keypoints,
            "shapes": self.shape_descriptors,
            "tones": self.tone_descriptors,
        } | weighed

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """Return the features of which ``arrays`` are."""
        return cls(Keypoints(*arrays["keypoints"]), arrays["shapes"], arrays["tones"], arrays.get("amounts"))


@dataclass(frozen=True, eq=False)
class FeatureExtractor:
    """Find the points of images and describe them.

    Parameters
    ----------
    detector : finds the points.
    descriptor : describes shape and texture around them.
    tone : describes grey levels and colours, or None.
    longest_side : images are shrunk until their longest side has at most this many pixels.
    foreground_only : leave the black background out.
    position : weight of the (row, col) that are appended to the descriptors; 0 appends nothing.
    weigh_points : ``none``, or what points are weighed by: ``gradient`` or ``strength``.
    """

    detector: Detector
    descriptor: Descriptor
    tone: ColourPatch | None
    longest_side: int
    foreground_only: bool
    position: float
    weigh_points: str = "none"

    @property
    def dimension(self) -> int:
        """The length of the descriptors of shape, with the position if it is appended."""
        return self.descriptor.dimension + (2 if self.position > 0 else 0)

    def extract(self, picture: Picture, region: Region | None = None) -> Features:
        """Return the features of an image, or those whose points are within a region of it."""
        small, factor = picture.fit_within(self.longest_side)
        grey = small.grey
        keypoints = self.detector.detect(grey, foreground(grey) if self.foreground_only else None)
        if region is not None:
            # The points of the whole image, so that a region has the very words that its image has there.
            places = _placed(keypoints, factor, picture.shape)
            within = keypoints[region.contains(places.rows, places.cols)]
            is_small = len(within) < min(FEWEST, len(keypoints))
            keypoints = self._denser(grey, region.scaled(factor), within) if is_small else within
        shape = self.descriptor.describe(small.rgb if self.descriptor.in_colour else grey, keypoints)
        if self.position > 0:
            shape = append_position(shape, keypoints, small.shape, self.position)
        tone = np.empty((len(keypoints), 0), dtype=np.float32)
        if self.tone is not None:
            tone = self.tone.describe(small.pixels, keypoints)
        amounts = None if self.weigh_points == "none" else point_amounts(grey, keypoints, self.weigh_points)
        return Features(_placed(keypoints, factor, picture.shape), shape, tone, amounts)

    def _denser(self, grey: NDArray[np.float32], region: Region, within: Keypoints) -> Keypoints:
        """Return the points of an image within a small region, and points of the region's own.

        The first are what other images have too; the second describe it in more detail, at a finer scale.
        """
        denser: Any = replace(self.detector, points=FEWEST)  # type: ignore[type-var]
        own: Keypoints = denser.detect(grey, region.mask((grey.shape[0], grey.shape[1])))
        return within.joined(own) if len(own) > len(within) else within


def _placed(keypoints: Keypoints, factor: float, shape: tuple[int, int]) -> Keypoints:
    """Return the points of a shrunk image in the original of ``shape``, none of them beyond its border."""
    placed = keypoints.rescaled(1 / factor)
    # Rows and columns of the shrunk image are whole numbers, so its shape is not quite the original's.
    rows = np.clip(placed.rows, 0, np.float32(shape[0] - 1))
    return replace(placed, rows=rows, cols=np.clip(placed.cols, 0, np.float32(shape[1] - 1)))
