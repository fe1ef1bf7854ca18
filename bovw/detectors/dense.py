"""Dense points: an even grid at each of several scales."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..keypoints import Keypoints
from .detector import Grey, Mask, admit, is_blank, require, require_one_of
from .equal_area_grid import cut
from .moments import Moments, pull_inside
from .orientation import dominant_orientations

ORIENTATIONS = ("none", "gradient")


@dataclass(frozen=True)
class Dense:
    """Spread points evenly over the image, or over the mask.

    Parameters
    ----------
    points : how many points are wanted in all.
    scales : σ of the frames in pixels, one grid each.
    balance : grids share the points in proportion to σ^(−balance): 0 gives every scale the same number,
        2 keeps the distance of points proportional to their scale.
    orientation : ``none`` (upright), or ``gradient`` (the dominant one of each frame).
    """

    points: int = 400
    scales: tuple[float, ...] = (4.0, 8.0, 16.0)
    balance: float = 0.7
    orientation: str = "none"

    def __post_init__(self) -> None:
        require(self.points >= 1, "points", self.points, "give at least 1")
        sound = len(self.scales) > 0 and all(0 < s < np.inf for s in self.scales)
        require(sound, "scales", self.scales, "give one or more positive numbers of pixels")
        require(bool(np.isfinite(self.balance)), "balance", self.balance, "give a finite number")
        require_one_of("orientation", self.orientation, ORIENTATIONS)

    def detect(self, image: Grey, mask: Mask | None = None) -> Keypoints:
        """Lay the grids; strengths are the contrasts (σ of grey) of the grid cells. See ``Detector``."""
        grey, inside = admit(image, mask)
        if is_blank(grey, inside):
            return Keypoints.empty()
        grids = [_grid(grey, inside, n, s) for n, s in zip(self._shares(), self.scales, strict=True) if n > 0]
        found = Keypoints.of(*np.concatenate(grids, axis=1))
        if self.orientation == "gradient":
            found = replace(found, orientations=dominant_orientations(grey, found))
        return found

    def _shares(self) -> NDArray[np.int64]:
        """Share the points out among the scales: whole numbers that sum to ``points``."""
        # Rounding the running sum, not each share, keeps the sum exact.
        weights = np.array(self.scales) ** -float(self.balance)
        ends = np.round(np.cumsum(weights) / weights.sum() * self.points).astype(np.int64)
        return np.asarray(np.diff(ends, prepend=0))


def _grid(grey: Grey, inside: Mask, n: int, scale: float) -> NDArray[np.float64]:
    """Return n points at one scale as columns: rows, cols, scales, orientations, strengths, (5, n)."""
    grid = cut(inside, n)
    labels = grid.labels(inside)
    moments = Moments.of(grey, labels, grid.n)
    rows, cols = pull_inside(labels, moments.rows, moments.cols)
    flat = np.zeros(grid.n)
    columns = np.stack([rows, cols, flat + scale, flat, np.sqrt(moments.variances)])
    return columns[:, moments.areas > 0]
