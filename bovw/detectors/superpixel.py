"""Superpixel points: centres of mass of SLIC regions (Haas et al. 2011), with size and turn from moments."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..keypoints import Keypoints
from .cells_of_structure import cut_by_structure
from .detector import Grey, Mask, admit, is_blank, require, require_one_of
from .local_contrast import local_contrast
from .moments import Moments, contrasts, pull_inside
from .orientation import dominant_orientations
from .slic import Labels, slic
from .split_regions import split_largest

SCALES = ("area", "moments", "fixed")
ORIENTATIONS = ("none", "axis", "gradient")
DENSITIES = ("even", "structure")
MEDIANS = (0, 3, 5)


@dataclass(frozen=True)
class Superpixel:
    """Cut the image into regions of similar grey level, and put a point into each.

    The side of a region is that of a square of equal area (``area``), or of equal second moments
    (``moments``: a² = 12 √(λ₁ λ₂), so that a long region is no larger than a round one of its area), or
    of the mean region (``fixed``).

    Parameters
    ----------
    points : how many points are wanted; the largest regions are halved or the smallest left out to get them.
    compactness : the difference of grey levels that weighs as much as one step between regions; 0 takes the
        contrast of each image, so that regions follow structure where it is faint, too.
    iterations : rounds of clustering.
    smoothing : σ in pixels of the blur before the clustering; 0 for none.
    median : side in pixels of the median filter before the clustering, 3 or 5; 0 for none.
    density : ``even``, or ``structure``: in the place of superpixels, cells that each hold as much gradient,
        so that points gather where there is something to see.
    scale : ``area``, ``moments`` or ``fixed``.
    scale_factor : σ of the frame over the side of the region.
    orientation : ``none`` (upright), ``axis`` (the major axis, towards its bright end), or ``gradient`` (the
        dominant one of the frame).
    """

    points: int = 400
    compactness: float = 0.0
    iterations: int = 5
    smoothing: float = 0.0
    median: int = 0
    density: str = "even"
    scale: str = "area"
    scale_factor: float = 0.4
    orientation: str = "gradient"

    def __post_init__(self) -> None:
        require(self.points >= 1, "points", self.points, "give at least 1")
        require(0 <= self.compactness < np.inf, "compactness", self.compactness, "give 0 or more")
        require(self.iterations >= 1, "iterations", self.iterations, "give at least 1")
        require(0 <= self.smoothing < np.inf, "smoothing", self.smoothing, "give 0 pixels or more")
        require(self.median in MEDIANS, "median", self.median, "give 0, 3 or 5 pixels")
        require_one_of("density", self.density, DENSITIES)
        require_one_of("scale", self.scale, SCALES)
        require(0 < self.scale_factor < np.inf, "scale_factor", self.scale_factor, "give a positive number")
        require_one_of("orientation", self.orientation, ORIENTATIONS)

    def detect(self, image: Grey, mask: Mask | None = None) -> Keypoints:
        """Put a point into each region; strengths are contrasts to the neighbours. See ``Detector``."""
        grey, inside = admit(image, mask)
        if is_blank(grey, inside):
            return Keypoints.empty()
        # A bent region may have its centre of mass outside itself, even outside the mask.
        labels, moments = self._cut(grey, inside)
        rows, cols = pull_inside(labels, moments.rows, moments.cols)
        angles = moments.directions if self.orientation == "axis" else 0.0
        sigmas = self.scale_factor * self._sides(moments)
        found = Keypoints.of(rows, cols, sigmas, angles, contrasts(labels, moments.means))
        # SLIC gives a few more than asked for; small regions are what texture and noise leave over.
        if len(found) > self.points:
            found = found[np.sort(np.argsort(-moments.areas, kind="stable")[: self.points])]
        if self.orientation == "gradient":
            found = replace(found, orientations=dominant_orientations(grey, found))
        return found

    def regions(self, image: Grey, mask: Mask | None = None) -> Labels:
        """Return the regions, int32 (rows, cols), -1 outside the mask."""
        return self._cut(*admit(image, mask))[0]

    def _cut(self, grey: Grey, inside: Mask) -> tuple[Labels, Moments]:
        if self.smoothing > 0:
            grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), self.smoothing), dtype=np.float32)
        if self.median:
            grey = np.asarray(cv2.medianBlur(grey, self.median), dtype=np.float32)
        if self.density == "structure":
            labels = cut_by_structure(grey, inside, self.points)
        else:
            compactness = self.compactness or local_contrast(grey, self.points, inside)
            labels = slic(grey, self.points, compactness, self.iterations, inside)
        return split_largest(grey, labels, int(labels.max()) + 1, self.points)

    def _sides(self, moments: Moments) -> NDArray[np.float64]:
        """Return the side of each region in pixels, (n,)."""
        if self.scale == "area":
            return np.asarray(np.sqrt(moments.areas))
        if self.scale == "moments":
            # A square of side a has second moments a² / 12 along either axis.
            major, minor = moments.axes
            return np.asarray(np.sqrt(12 * major * minor))
        return np.full(len(moments.areas), np.sqrt(moments.areas.sum() / self.points))
