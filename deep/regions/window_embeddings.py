"""Cells: embeddings of parts of a picture, pooled from its feature maps, so that regions can be found in it.

A picture is covered with overlapping windows of several sizes. One pass of the trunk gives all of them: each
is pooled from its part of the maps, and projected as the whole picture is. A region of a query is pooled in
the same way from its own picture, so that region meets region.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from retrieval.explanation import Heat, grid_of, normalised
from retrieval.localization import Candidates, Located
from retrieval.region import Region

SCALES = ((1 / 2, 2), (1 / 3, 2), (1 / 5, 2), (3 / 4, 2), (1 / 10, 1))
"""Sides of the windows, as shares of the picture's, and how many begin within one: 2 overlap by half.

New ones come last, so that an index keeps the windows that it was made with. 3/4 is above 1/2 what 1/2 is
above 1/3. The smallest lie side by side: overlapping by half, they would be 361 in place of 100.
"""
_NEAR = 0.05
"""Windows so near to the best one in score, and over the same place, help to say where it is."""
_OVERLAP = 0.3
_SCALE = 0.05
"""A window of another area than the region's loses so much of its score, times the logarithm of the ratio."""

Windows = NDArray[np.float32]
Embeddings = NDArray[np.float32]
Shape = tuple[int, int]


@cache
def _windows(n: int) -> tuple[tuple[float, float, float, float], ...]:
    found = []
    for share, density in SCALES[:n]:
        places = np.linspace(0, 1 - share, round((1 - share) / share * density) + 1)
        found += [(float(row), float(col), share, share) for row in places for col in places]
    return tuple(found)


def windows(n: int) -> Windows:
    """Return the windows of n scales, float32 (k, 4): row, col, height, width as shares of the picture."""
    return np.array(_windows(n), dtype=np.float32).reshape(-1, 4)


def evidence_type(dimension: int) -> np.dtype[np.void]:
    """Return the type of a row of evidence: an embedding in whole numbers, up to its length."""
    return np.dtype([("values", "i1", (dimension,))])


def quantised(embeddings: Embeddings) -> NDArray[np.void]:
    """Return embeddings (k, d) as evidence: each divided by its largest value, times 127, rounded.

    The cosine of two embeddings does not ask for their lengths, so none is kept. Zeros stay zeros.
    """
    largest = np.abs(embeddings).max(axis=1, keepdims=True, initial=1e-12)
    rows = np.empty(len(embeddings), dtype=evidence_type(embeddings.shape[1]))
    rows["values"] = np.rint(embeddings / largest * 127).astype(np.int8)
    return rows


@dataclass(frozen=True, eq=False)
class CellLocator:
    """Find the cell of each picture that is most like a region.

    Parameters
    ----------
    windows : float32 (k, 4), of every picture, as its rows of evidence have them.
    """

    windows: Windows

    def locate(
        self, query: NDArray[np.void], shape: tuple[int, int], region: Region, candidates: Candidates
    ) -> Located:
        """Return the best score of each picture's cells with the query's one row, and where that is.

        The score is the cosine, less a little where the window is smaller or larger than the region. The rest
        of the picture has no say: with a share of its agreement, fewer boxes were right
        (``benchmarks/results/regions.md``). Pictures without cells get −2, and no box. A query without a
        pixel finds nothing.
        """
        if not len(query):
            n = len(candidates)
            return Located(candidates.scores, np.full((n, 4), np.nan, np.float32), np.zeros(n, np.int32))
        values = np.ascontiguousarray(candidates.evidence["values"])
        cosines = _cosines(values, np.ascontiguousarray(query["values"][0]))
        n, k = len(candidates), len(self.windows)
        scores, boxes = np.full(n, -2, np.float32), np.full((n, 4), np.nan, np.float32)
        whole = np.flatnonzero(np.diff(candidates.offsets) == k)
        if len(whole) and k:
            rows = candidates.offsets[whole, None] + np.arange(k)
            own = cosines[rows] - self._losses(shape, region)
            scores[whole] = own.max(axis=1)
            boxes[whole] = _places(own, self.windows) * np.tile(candidates.shapes[whole], 2)
        return Located(scores, boxes, np.zeros(n, np.int32))

    def _losses(self, shape: tuple[int, int], region: Region) -> NDArray[np.float32]:
        """Return what each window loses for being of another size than the region, float32 (k,)."""
        _, _, height, width = region.bounds()
        area = max(height * width, 1) / (shape[0] * shape[1])
        ratios = np.abs(np.log(self.windows[:, 2] * self.windows[:, 3] / area))
        return np.asarray(_SCALE * ratios, dtype=np.float32)


def warmth(query: NDArray[np.float32], evidence: NDArray[np.void], windows: Windows, shape: Shape) -> Heat:
    """Return how like a query's vector (d,) each place of a picture of ``shape`` is, as a heat map.

    The mean over the windows that cover a place, small ones counting more, of their cosine with the query.
    """
    cosines = _cosines(evidence["values"], query)
    rows, cols = grid_of(shape)
    total, covered = np.zeros((rows, cols)), np.full((rows, cols), 1e-9)
    for cosine, (top, left, height, width) in zip(cosines, windows, strict=True):
        place = (
            slice(round(top * rows), max(round((top + height) * rows), round(top * rows) + 1)),
            slice(round(left * cols), max(round((left + width) * cols), round(left * cols) + 1)),
        )
        total[place] += cosine / height
        covered[place] += 1 / height
    return normalised(total / covered)


def _places(scores: NDArray[np.float32], windows: Windows) -> NDArray[np.float32]:
    """Return where the best windows of n pictures are, float32 (n, 4), from the scores (n, k) of all.

    The mean of those that are nearly as good over the same place.
    """
    best = scores.argmax(axis=1)
    least = scores[np.arange(len(scores)), best, None] - _NEAR
    near = (scores >= least) & (_overlaps(windows)[best] >= _OVERLAP)
    weights = np.where(near, scores - least + np.float32(1e-6), np.float32(0))
    return np.asarray(weights @ windows / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _overlaps(windows: Windows) -> NDArray[np.float32]:
    """Return the intersection over union of windows (k, 4) with each other, float32 (k, k)."""
    starts, ends = windows[:, :2], windows[:, :2] + windows[:, 2:]
    sides = np.minimum(ends[:, None], ends) - np.maximum(starts[:, None], starts)
    shared, areas = np.clip(sides, 0, None).prod(axis=2), windows[:, 2:].prod(axis=1)
    return np.asarray(shared / (areas[:, None] + areas - shared), dtype=np.float32)


def _cosines(rows: NDArray[np.int8], query: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return the cosine of each row (n, d) with a query (d,); 0 where one of them is zero."""
    values, asked = rows.astype(np.float32), query.astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", values, values)) * np.linalg.norm(asked)
    found = np.divide(values @ asked, lengths, out=np.zeros(len(rows), np.float32), where=lengths > 0)
    return np.asarray(found, dtype=np.float32)
