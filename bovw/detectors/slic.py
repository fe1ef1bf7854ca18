"""SLIC superpixels of a grey image (Achanta et al. 2012), confined to a mask (Irving 2016)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import SettingError
from retrieval.kernel import kernel

from .connectivity import connect
from .equal_area_grid import cut

Grey = NDArray[np.float32]
Labels = NDArray[np.int32]
Mask = NDArray[np.bool_]

SMALLEST = 0.25
"""Pieces below this part of the mean area are given to a neighbour."""

COARSE = 8.0
"""From this step on, in pixels, the first rounds read every other row only."""


class Rows(NamedTuple):
    """The rows that a round reads: from ``first`` on every ``every``-th."""

    first: int
    every: int


def slic(
    image: Grey, n_regions: int, compactness: float = 0.1, iterations: int = 5, mask: Mask | None = None
) -> Labels:
    """Cut an image into about ``n_regions`` connected regions of similar grey level.

    k-means in (row, col, grey); each centre competes only for the pixels within one step around it, with the
    distance D² = (grey / compactness)² + (distance / step)² (Achanta et al. 2012, eq. 3).

    Parameters
    ----------
    image : float32 (rows, cols) in [0, 1].
    n_regions : how many regions are wanted; the result has a few fewer or more.
    compactness : the difference of grey levels that weighs as much as one step between centres; larger
        values give squarer regions.
    iterations : rounds of assignment and update. All but the last two read every other row only.
    mask : bool (rows, cols), the pixels to cut up; None: all.

    Returns
    -------
    labels : int32 (rows, cols), 0 to n − 1 in the order of their first pixels; -1 outside the mask. Each
        region is 4-connected. An empty mask gives -1 everywhere.

    Raises
    ------
    SettingError : a number of regions or iterations below 1, or a compactness that is not positive.
    """
    if n_regions < 1 or iterations < 1 or not 0 < compactness < np.inf:
        raise SettingError(
            f"slic: {n_regions} regions, {iterations} iterations, compactness {compactness:g}; "
            "give at least 1, at least 1, and a positive number"
        )
    inside = np.ones(image.shape, dtype=np.bool_) if mask is None else np.ascontiguousarray(mask)
    grid = cut(inside, n_regions)
    labels = grid.labels(inside)
    area = int(np.count_nonzero(inside))
    step = float(np.sqrt(max(area, 1) / grid.n))
    # Grey in units of pixels: D² times step² is then a plain squared distance in (row, col, grey).
    weighted = np.ascontiguousarray(image, dtype=np.float32) * np.float32(step / compactness)
    reach = (max(grid.step[0], step), max(grid.step[1], step))
    _cluster(weighted, labels, grid.n, reach, iterations, 2 if step >= COARSE else 1)
    connect(weighted, labels, SMALLEST * area / grid.n)
    return labels


@kernel()
def _cluster(
    image: Grey, labels: Labels, n: int, reach: tuple[float, float], iterations: int, stride: int
) -> None:
    """Refine ``labels`` (rows, cols) in place by rounds of update and assignment; -1 stays -1."""
    centres = np.zeros((n, 3), dtype=np.float32)  # row, col, weighted grey
    distances = np.empty(image.shape, dtype=np.float32)
    _update(image, labels, centres, Rows(0, 1))
    for i in range(iterations):
        # Half of the rows are enough to move the centres; the halves take turns, and the last two rounds
        # read all, so that every pixel has the label of its nearest centre in the end.
        every = stride if i < iterations - 2 else 1
        rows = Rows(i % every, every)
        _reset(labels, distances)
        for k in range(n):
            _compete(image, labels, distances, k, centres[k], reach, rows)
        if i < iterations - 1:
            _update(image, labels, centres, rows)


@kernel()
def _reset(labels: Labels, distances: Grey) -> None:
    """Set every distance to infinity, or to -1 outside the mask, where no centre can then win."""
    for r in range(labels.shape[0]):
        for c in range(labels.shape[1]):
            distances[r, c] = np.float32(np.inf) if labels[r, c] >= 0 else np.float32(-1)


@kernel(fastmath={"nnan"})
def _compete(
    image: Grey,
    labels: Labels,
    distances: Grey,
    k: int,
    centre: Grey,
    reach: tuple[float, float],
    rows: Rows,
) -> None:
    """Give centre ``k`` the pixels of its window that are nearer to it than to those before it."""
    row, col, grey = centre
    top, bottom = max(0, int(row - reach[0])), min(image.shape[0], int(row + reach[0]) + 2)
    left, right = max(0, int(col - reach[1])), min(image.shape[1], int(col + reach[1]) + 2)
    name, offset = np.int32(k), np.float32(left) - col
    # The first row from the window's top on that this round reads.
    for r in range(top + (rows.first - top) % rows.every, bottom, rows.every):
        values, nearest, names = image[r, left:right], distances[r, left:right], labels[r, left:right]
        vertical = (np.float32(r) - row) ** 2
        for i in range(values.size):  # without branches, so that it compiles to vector instructions
            difference = values[i] - grey
            horizontal = np.float32(np.int32(i)) + offset
            distance = difference * difference + horizontal * horizontal + vertical
            names[i] = name if distance < nearest[i] else names[i]
            nearest[i] = min(distance, nearest[i])


@kernel()
def _update(image: Grey, labels: Labels, centres: Grey, rows: Rows) -> None:
    """Move each centre (n, 3) to the mean of its pixels in some rows; an empty one stays."""
    sums = np.zeros((centres.shape[0], 4))
    # Run by run rather than pixel by pixel: positions then have closed sums, and only grey is added up.
    for r in range(rows.first, image.shape[0], rows.every):
        c = 0
        while c < image.shape[1]:
            k, start, grey = labels[r, c], c, 0.0
            while c < image.shape[1] and labels[r, c] == k:
                grey += image[r, c]
                c += 1
            if k >= 0:
                length = c - start
                sums[k, 0] += length
                sums[k, 1] += length * r
                sums[k, 2] += length * (start + c - 1) * 0.5
                sums[k, 3] += grey
    for k in range(centres.shape[0]):
        if sums[k, 0] > 0:
            for j in range(3):
                centres[k, j] = sums[k, j + 1] / sums[k, 0]
