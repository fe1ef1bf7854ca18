"""Window embeddings: embeddings of parts of an image, pooled from its feature maps, to find regions.

An image is covered with overlapping windows of several sizes. One pass of the trunk gives all of them: each
is pooled from its part of the maps, and projected as the whole image is. A region of a query is pooled in
the same way from its own image, so that like is compared with like.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from retrieval.evidence.heat_map import Heat, grid_of, normalised
from retrieval.evidence.localization import Candidates, Located
from retrieval.region import Region

SCALES = ((1 / 2, 2), (1 / 3, 2), (1 / 5, 2), (3 / 4, 2), (1 / 10, 1))
"""Sides of the windows, as shares of the image's, and how many begin within one: 2 overlap by half.

New ones come last, so that an index keeps the windows that it was made with. 3/4 is to 1/2 as 1/2 is to 1/3.
The smallest do not overlap: overlapping by half, they would be 361 instead of 100.
"""
_NEAR = 0.05
"""Windows within this of the best score, and over the same place, are averaged with the best one."""
_OVERLAP = 0.3
"""Intersection over union from which a window is over the same place."""
_SCALE = 0.05
"""Lost by a window of another area than the region's, times |ln| of the ratio of areas."""

N_HALVES = 9
"""The first windows of an image have half of its sides, and cover all of it."""

Windows = NDArray[np.float32]
Embeddings = NDArray[np.float32]
Shape = tuple[int, int]


@cache
def _windows(n: int) -> tuple[tuple[float, float, float, float], ...]:
    found = []
    for share, density in SCALES[:n]:
        # From edge to edge: the first window begins at 0, the last ends at 1.
        places = np.linspace(0, 1 - share, round((1 - share) / share * density) + 1)
        found += [(float(row), float(col), share, share) for row in places for col in places]
    return tuple(found)


def windows(n: int) -> Windows:
    """Return the windows of n scales, float32 (k, 4): row, col, height, width as shares of the image."""
    return np.array(_windows(n), dtype=np.float32).reshape(-1, 4)


def surroundings(windows: Windows) -> Windows:
    """Return windows around windows (k, 4), of twice their sides, which may reach beyond the image."""
    return np.concatenate([windows[:, :2] - windows[:, 2:] / 2, 2 * windows[:, 2:]], axis=1)


def evidence_type(dimension: int) -> np.dtype[np.void]:
    """Return the type of a row of evidence: an embedding as whole numbers, without its length."""
    return np.dtype([("values", "i1", (dimension,))])


def quantised(embeddings: Embeddings) -> NDArray[np.void]:
    """Return embeddings (k, d) as evidence: each divided by its largest value, times 127, rounded.

    Cosines do not depend on the lengths of embeddings, so none is kept. Zeros stay zeros.
    """
    # A byte a value is a quarter of float32; the error of a cosine stays below 0.0005.
    largest = np.abs(embeddings).max(axis=1, keepdims=True, initial=1e-12)
    rows = np.empty(len(embeddings), dtype=evidence_type(embeddings.shape[1]))
    rows["values"] = np.rint(embeddings / largest * 127).astype(np.int8)
    return rows


@dataclass(frozen=True, eq=False)
class WindowLocator:
    """Find the window of each image that is most like a region.

    Parameters
    ----------
    windows : float32 (k, 4), of every image, in the order of its rows of evidence.
    """

    windows: Windows

    def locate(
        self, query: NDArray[np.void], shape: tuple[int, int], region: Region, candidates: Candidates
    ) -> Located:
        """Return the best score of each image's windows with any of the query's rows, and where that is.

        The rows are the orientations of the query. The score is the cosine, minus a small loss if the window
        is smaller or larger than the region. The rest of the image does not count: with a share of its score
        added, fewer boxes were right (``benchmarks/results/regions.md``). Images without window embeddings
        get −2, which is below every cosine, and no box. A query without a pixel finds nothing.
        """
        if not len(query):
            n = len(candidates)
            return Located(candidates.scores, np.full((n, 4), np.nan, np.float32), np.zeros(n, np.int32))
        values = np.ascontiguousarray(candidates.evidence["values"])  # (all rows, d)
        each = [_cosines(values, np.ascontiguousarray(one)) for one in query["values"]]
        cosines = np.maximum.reduce(each)  # (all rows,)
        n, k = len(candidates), len(self.windows)
        scores, boxes = np.full(n, -2, np.float32), np.full((n, 4), np.nan, np.float32)
        # An image of an interrupted or older update may have no windows, or fewer; it is left at −2.
        whole = np.flatnonzero(np.diff(candidates.offsets) == k)
        if len(whole) and k:
            rows = candidates.offsets[whole, None] + np.arange(k)  # (images, k)
            own = cosines[rows] - self._losses(shape, region)  # (images, k)
            scores[whole] = own.max(axis=1)
            boxes[whole] = _places(own, self.windows) * np.tile(candidates.sizes[whole], 2)
        return Located(scores, boxes, np.zeros(n, np.int32))

    def _losses(self, shape: tuple[int, int], region: Region) -> NDArray[np.float32]:
        """Return what each window loses for its area: 0.05 |ln(area / area of the region)|, float32 (k,)."""
        _, _, height, width = region.bounds()
        # As a share of the image, because windows are.
        area = max(height * width, 1) / (shape[0] * shape[1])
        ratios = np.abs(np.log(self.windows[:, 2] * self.windows[:, 3] / area))
        return np.asarray(_SCALE * ratios, dtype=np.float32)


def heat_map(query: NDArray[np.float32], evidence: NDArray[np.void], windows: Windows, shape: Shape) -> Heat:
    """Return how like a query's vector (d,) each place of an image of ``shape`` is, as a heat map.

    At a place, the mean of the cosines of the windows that cover it, each weighted by 1 / height: small
    windows say more exactly where the likeness is.
    """
    cosines = _cosines(evidence["values"], query)
    rows, cols = grid_of(shape)
    total, covered = np.zeros((rows, cols)), np.full((rows, cols), 1e-9)  # never 0: divided by
    for cosine, (top, left, height, width) in zip(cosines, windows, strict=True):
        place = (  # of one row and column at least
            slice(round(top * rows), max(round((top + height) * rows), round(top * rows) + 1)),
            slice(round(left * cols), max(round((left + width) * cols), round(left * cols) + 1)),
        )
        total[place] += cosine / height
        covered[place] += 1 / height
    return normalised(total / covered)


def _places(scores: NDArray[np.float32], windows: Windows) -> NDArray[np.float32]:
    """Return where the best windows of n images are, float32 (n, 4), from the scores (n, k) of all.

    The mean of those that are nearly as good over the same place, weighted by how good: windows are on a
    coarse grid, and a region between two of them is found there.
    """
    best = scores.argmax(axis=1)  # (n,)
    least = scores[np.arange(len(scores)), best, None] - _NEAR  # (n, 1)
    near = (scores >= least) & (_overlaps(windows)[best] >= _OVERLAP)  # (n, k)
    weights = np.where(near, scores - least + np.float32(1e-6), np.float32(0))
    return np.asarray(weights @ windows / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _overlaps(windows: Windows) -> NDArray[np.float32]:
    """Return the intersection over union of windows (k, 4) with each other, float32 (k, k)."""
    starts, ends = windows[:, :2], windows[:, :2] + windows[:, 2:]  # (k, 2)
    sides = np.minimum(ends[:, None], ends) - np.maximum(starts[:, None], starts)  # (k, k, 2)
    # A negative side is a gap between the two.
    shared, areas = np.clip(sides, 0, None).prod(axis=2), windows[:, 2:].prod(axis=1)
    return np.asarray(shared / (areas[:, None] + areas - shared), dtype=np.float32)


def _cosines(rows: NDArray[np.int8], query: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return the cosine of each row (n, d) with a query (d,); 0 if one of them is zero."""
    values, vector = rows.astype(np.float32), query.astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", values, values)) * np.linalg.norm(vector)  # (n,)
    found = np.divide(values @ vector, lengths, out=np.zeros(len(rows), np.float32), where=lengths > 0)
    return np.asarray(found, dtype=np.float32)
