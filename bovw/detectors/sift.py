"""SIFT points: extrema of the difference of Gaussians (Lowe 2004), found by OpenCV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..keypoints import Keypoints
from .detector import Grey, Mask, admit, is_blank, require


@dataclass(frozen=True)
class Sift:
    """Find blobs in position and scale, and keep the strongest.

    Medical pictures are often smooth, so that the usual threshold of contrast leaves too few points. Here it
    is low, and where it still leaves fewer than ``points``, it is dropped, and then that of edges with it.

    Parameters
    ----------
    points : how many points are wanted.
    contrast_threshold : the contrast below which extrema are passed over, as in OpenCV (there 0.04).
    edge_threshold : the ratio of curvatures above which an extremum counts as an edge.
    sigma : blur of the first level, in pixels of the doubled picture.
    upright : leave orientations out; a place with several of them is then one point.
    """

    points: int = 400
    contrast_threshold: float = 0.01
    edge_threshold: float = 10.0
    sigma: float = 1.6
    upright: bool = False

    def __post_init__(self) -> None:
        require(self.points >= 1, "points", self.points, "give at least 1")
        require(self.contrast_threshold >= 0, "contrast_threshold", self.contrast_threshold, "give 0 or more")
        require(self.edge_threshold > 1, "edge_threshold", self.edge_threshold, "give more than 1")
        require(self.sigma > 0.5, "sigma", self.sigma, "give more than 0.5 pixels")

    def detect(self, image: Grey, mask: Mask | None = None) -> Keypoints:
        """Find the strongest extrema; strengths are their contrasts. See ``Detector``."""
        grey, inside = admit(image, mask)
        found = Keypoints.empty()
        if is_blank(grey, inside):
            return found
        pixels = np.round(np.clip(grey, 0, 1) * 255).astype(np.uint8)
        for contrast, edge in self._attempts():
            found = self._strongest(pixels, inside, contrast, edge)
            if len(found) >= self.points:
                break
        return found

    def _attempts(self) -> list[tuple[float, float]]:
        """List the thresholds of contrast and edges to be tried in turn."""
        return [(self.contrast_threshold, self.edge_threshold), (0.0, self.edge_threshold), (0.0, 1e6)]

    def _strongest(self, pixels: NDArray[np.uint8], inside: Mask, contrast: float, edge: float) -> Keypoints:
        # OpenCV chooses the strongest before it looks at a mask, so with a mask it must return them all.
        everywhere = bool(inside.all()) and not self.upright
        sift = cv2.SIFT.create(
            nfeatures=self.points if everywhere else 0,
            contrastThreshold=contrast,
            edgeThreshold=edge,
            sigma=self.sigma,
        )
        return self._chosen(sift.detect(pixels, None), inside)

    def _chosen(self, found: Sequence[Any], inside: Mask) -> Keypoints:
        """Keep the strongest points inside the mask, strongest first, equal ones by row, column and angle."""
        if not found:
            return Keypoints.empty()
        cols, rows = np.asarray(cv2.KeyPoint.convert(found), dtype=np.float32).T
        strengths = np.fromiter((p.response for p in found), np.float32, len(found))
        angles = np.fromiter((p.angle for p in found), np.float32, len(found))
        sizes = np.fromiter((p.size for p in found), np.float32, len(found))
        order = np.lexsort((angles, sizes, cols, rows, -strengths))
        order = order[inside[_nearest(rows[order], inside.shape[0]), _nearest(cols[order], inside.shape[1])]]
        angles = np.mod(np.radians(angles), np.float32(2 * np.pi))
        if self.upright:
            order = order[_first_of_each(rows[order], cols[order], sizes[order])]
            angles = np.zeros_like(angles)
        return Keypoints.of(rows, cols, sizes / 2, angles, strengths)[order[: self.points]]


def _nearest(positions: NDArray[np.float32], extent: int) -> NDArray[np.intp]:
    """Return the nearest pixel to each position, within [0, extent)."""
    return np.asarray(np.clip(np.floor(positions + 0.5), 0, extent - 1), dtype=np.intp)


def _first_of_each(*columns: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark the rows whose columns differ from those of the row before."""
    first = np.ones(len(columns[0]), dtype=np.bool_)
    first[1:] = np.any([c[1:] != c[:-1] for c in columns], axis=0)
    return first
