"""The equal-area grid: an image, or the masked part of it, cut into n cells of nearly equal area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel


@dataclass(frozen=True, eq=False)
class Grid:
    """Hold a cut of the mask into bands of rows, and of each band into n cells of equal area, side by side.

    Parameters
    ----------
    bands : int32 (rows,), the band of each row; -1 above and below the mask.
    cell_of : int32 (n_bands, cols), the cell of each column of each band.
    n : the number of cells.
    step : (row, col) distance of neighbouring cells in pixels.
    """

    bands: NDArray[np.int32]
    cell_of: NDArray[np.int32]
    n: int
    step: tuple[float, float]

    def labels(self, mask: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Paint the cells, int32 (rows, cols), -1 outside ``mask``."""
        labels = self.cell_of[self.bands]
        labels[~mask] = -1
        return labels


def cut(mask: NDArray[np.bool_], n: int) -> Grid:
    """Cut the True part of ``mask`` (rows, cols) into ``n`` cells, nearly square; n ≤ its pixels, at least 1.

    A full square image with a square n gives the plain grid.
    """
    area = int(np.count_nonzero(mask))
    n = max(1, min(n, area))
    # As many bands as make the cells square: a band of height h has cells of width (area / n) / h.
    occupied = np.flatnonzero(mask.any(axis=1))
    top, height = (int(occupied[0]), int(occupied[-1] - occupied[0]) + 1) if area else (0, 1)
    n_bands = min(height, n, max(1, round(height / np.sqrt(max(area, 1) / n))))
    bands = np.full(mask.shape[0], -1, dtype=np.int32)
    bands[top : top + height] = np.arange(height) * n_bands // height
    counts = _count(mask, bands, n_bands)
    row_step = height / n_bands
    return Grid(bands, _assign(counts, n), n, (row_step, max(1.0, area / (n * row_step))))


@kernel()
def _count(mask: NDArray[np.bool_], bands: NDArray[np.int32], n_bands: int) -> NDArray[np.int64]:
    """Count the pixels of ``mask`` in each column of each band, (n_bands, cols)."""
    counts = np.zeros((n_bands, mask.shape[1]), dtype=np.int64)
    for r in range(mask.shape[0]):
        if bands[r] >= 0:
            row = counts[bands[r]]
            for c in range(mask.shape[1]):
                row[c] += mask[r, c]
    return counts


@kernel()
def _assign(counts: NDArray[np.int64], n: int) -> NDArray[np.int32]:
    """Share n cells out among the bands by area, and cut each band into equal areas, left to right."""
    cell_of = np.zeros(counts.shape, dtype=np.int32)
    total = max(counts.sum(), 1)
    before, first = 0, 0
    for b in range(counts.shape[0]):
        area = counts[b].sum()
        before += area
        last = (2 * before * n + total) // (2 * total)  # rounded, so that all bands together get n
        seen = 0
        for c in range(counts.shape[1]):
            # A column goes to the cell in which the middle of its area is.
            middle = (2 * seen + counts[b, c]) * (last - first) // max(2 * area, 1)
            cell_of[b, c] = min(first + middle, max(first, last - 1), n - 1)
            seen += counts[b, c]
        first = last
    return cell_of
