"""SIFT points: extrema of the difference of Gaussians (Lowe 2004)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..keypoints import Keypoints
from .detector import Grey, Mask, admit, is_blank, require
from .difference_of_gaussians import Table, extrema
from .octaves import LAYERS, Octave, octaves
from .orientation import orient


@dataclass(frozen=True)
class Sift:
    """Find blobs in position and scale, and keep the strongest.

    The points are those of OpenCV's SIFT (without its shift by a quarter of a pixel), but smooth images have
    as many as are wanted too: a faint contrast is enough, and if there are too few blobs, points on edges
    make up the number. Grey levels need not be crushed to 8 bits. Each point has its one dominant
    orientation.

    Parameters
    ----------
    points : how many points are wanted.
    contrast_threshold : the contrast below which extrema are passed over, measured as in OpenCV (there 0.04).
    edge_threshold : the ratio of curvatures above which an extremum counts as an edge.
    sigma : blur of the first level, in pixels of the doubled image.
    upright : leave orientations out.
    scale_factor : σ of the frame over σ of the blob; 1 is Lowe's. Larger frames contain more of what
        surrounds a blob, which tells more on radiographs and ultrasound.
    """

    points: int = 400
    contrast_threshold: float = 0.001
    edge_threshold: float = 10.0
    sigma: float = 1.6
    upright: bool = False
    scale_factor: float = 2.0

    def __post_init__(self) -> None:
        require(self.points >= 1, "points", self.points, "give at least 1")
        sound = 1e-6 <= self.contrast_threshold < np.inf
        require(sound, "contrast_threshold", self.contrast_threshold, "give 1e-6 or more")
        require(self.edge_threshold > 1, "edge_threshold", self.edge_threshold, "give more than 1")
        require(0 < self.scale_factor < np.inf, "scale_factor", self.scale_factor, "give a positive number")
        require(1 < self.sigma < 10, "sigma", self.sigma, "give more than 1 and less than 10 pixels")

    def detect(self, image: Grey, mask: Mask | None = None) -> Keypoints:
        """Find the strongest extrema; strengths are their differences of Gaussians. See ``Detector``."""
        grey, inside = admit(image, mask)
        if is_blank(grey, inside):
            return Keypoints.empty()
        scale_space = octaves(grey, self.sigma)
        tables = [extrema(octave, self.contrast_threshold) for octave in scale_space]
        # All octaves in one table: the strongest are chosen among all scales.
        sources = np.repeat(np.arange(len(tables)), [len(t) for t in tables])
        table = np.concatenate([np.empty((0, 5), dtype=np.float32), *tables])
        steps = np.array([o.step for o in scale_space], dtype=np.float32)[sources]
        origins = np.array([o.origin for o in scale_space], dtype=np.float32)[sources]
        rows = np.clip(table[:, 0] * steps + origins, 0, grey.shape[0] - 1)
        cols = np.clip(table[:, 1] * steps + origins, 0, grey.shape[1] - 1)
        allowed = inside[(rows + 0.5).astype(np.intp), (cols + 0.5).astype(np.intp)]
        chosen = self._best(table, np.flatnonzero(allowed))
        local = np.asarray(self.sigma * 2 ** (table[:, 2] / LAYERS), dtype=np.float32)  # σ in the octave
        angles = np.zeros(len(table), dtype=np.float32)
        if not self.upright:
            angles[chosen] = _angles(scale_space, table[chosen], local[chosen], sources[chosen])
        sigmas = local * steps * np.float32(self.scale_factor)
        return Keypoints.of(rows, cols, sigmas, angles, table[:, 3])[chosen]

    def _best(self, table: Table, allowed: NDArray[np.intp]) -> NDArray[np.intp]:
        """Choose rows of the table, none twice: blobs before edges, and the strong before the weak."""
        found = table[allowed]
        is_edge = found[:, 4] >= self.edge_threshold
        order = np.lexsort((found[:, 1], found[:, 0], -found[:, 3], is_edge))
        # Two candidates may have moved to one place when they were refined; then they are neighbours here.
        new = np.ones(len(order), dtype=np.bool_)
        new[1:] = (found[order[1:]] != found[order[:-1]]).any(axis=1)
        return allowed[order[new][: self.points]]


def _angles(
    scale_space: list[Octave], table: Table, scales: NDArray[np.float32], sources: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return the dominant orientations of points, each from the layer where it was found, (n,)."""
    angles = np.zeros(len(table), dtype=np.float32)
    layers = np.round(table[:, 2]).astype(np.intp)
    for source, layer in sorted({*zip(sources.tolist(), layers.tolist(), strict=True)}):
        here = np.flatnonzero((sources == source) & (layers == layer))
        image = scale_space[source].gaussians[layer]
        angles[here] = orient(image, table[here, 0].copy(), table[here, 1].copy(), scales[here])
    return angles
