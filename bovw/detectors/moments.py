"""The moments of regions: the place, size and direction of each, and its contrast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Hold the moments of n regions, float64 (n,) each; a region without pixels has area 0 and zeros.

    Parameters
    ----------
    areas : number of pixels.
    rows, cols : centre of mass of the shape, in pixels.
    row_row, row_col, col_col : second central moments in px², 1/12 added for the extent of a pixel, so that a
        square of side a has a²/12.
    means, variances : of the grey values.
    lean_row, lean_col : covariance of grey value and position, in px: it points to the bright side.
    """

    areas: Floats
    rows: Floats
    cols: Floats
    row_row: Floats
    row_col: Floats
    col_col: Floats
    means: Floats
    variances: Floats
    lean_row: Floats
    lean_col: Floats

    @classmethod
    def of(cls, image: NDArray[np.float32], labels: NDArray[np.int32], n: int) -> Moments:
        """Measure the regions 0 to n − 1 of ``labels`` (rows, cols) on ``image`` (rows, cols)."""
        sums = _sums(image, labels, n)
        # Central moments from one pass: Σ (x − x̄)² = Σ x² − n x̄², in float64.
        area = np.maximum(sums[:, 0], 1)
        row, col, grey = (sums[:, j] / area for j in (1, 2, 6))
        pixel = np.where(sums[:, 0] > 0, 1 / 12, 0)
        return cls(
            areas=sums[:, 0],
            rows=row,
            cols=col,
            row_row=np.maximum(sums[:, 3] / area - row * row, 0) + pixel,
            row_col=sums[:, 4] / area - row * col,
            col_col=np.maximum(sums[:, 5] / area - col * col, 0) + pixel,
            means=grey,
            variances=np.maximum(sums[:, 7] / area - grey * grey, 0),
            lean_row=sums[:, 8] / area - row * grey,
            lean_col=sums[:, 9] / area - col * grey,
        )

    @property
    def axes(self) -> tuple[Floats, Floats]:
        """Return the standard deviations along the major and the minor axis, in pixels."""
        # Eigenvalues of the 2 × 2 matrix of second moments: the mean of its diagonal ± ``spread``.
        middle = (self.row_row + self.col_col) / 2
        spread = np.hypot((self.row_row - self.col_col) / 2, self.row_col)
        return np.sqrt(middle + spread), np.sqrt(np.maximum(middle - spread, 0))

    @property
    def angles(self) -> Floats:
        """Return the directions of the major axes, radians in (−π/2, π/2], from columns towards rows."""
        return np.asarray(np.arctan2(2 * self.row_col, self.col_col - self.row_row) / 2)

    @property
    def directions(self) -> Floats:
        """Return the directions of the major axes towards their bright ends, radians in [0, 2π).

        Where grey values lean to neither end, the direction stays in the half turn of ``angles``.
        """
        along = np.cos(self.angles) * self.lean_col + np.sin(self.angles) * self.lean_row
        turned = np.mod(self.angles + np.where(along < -1e-9, np.pi, 0), 2 * np.pi)
        # Keypoints hold float32, to which an angle just below 2π is rounded up to it.
        return np.where(turned.astype(np.float32) < 2 * np.pi, turned, 0.0)


def contrasts(labels: NDArray[np.int32], means: Floats) -> Floats:
    """Return for each region the mean |difference| of its mean grey to its neighbours', along its border.

    Parameters
    ----------
    labels : int32 (rows, cols), 0 to n − 1, or -1 outside, which is no neighbour.
    means : float64 (n,).

    Returns
    -------
    float64 (n,), 0 for a region without neighbours.
    """
    return np.asarray(_contrasts(labels, means))


def pull_inside(labels: NDArray[np.int32], rows: Floats, cols: Floats) -> tuple[Floats, Floats]:
    """Move centres that are outside the mask to the nearest pixel of their own region.

    Parameters
    ----------
    labels : int32 (rows, cols), 0 to n − 1, or -1 outside the mask.
    rows, cols : float64 (n,), within the image.
    """
    near_rows, near_cols = _pull(labels, rows, cols)
    return near_rows, near_cols


@kernel()
def _sums(image: NDArray[np.float32], labels: NDArray[np.int32], n: int) -> Floats:
    """Sum 1, r, c, r², r c, c², v, v², r v, c v over each region, (n, 10)."""
    # Run by run: r is constant within one, so that only sums over c are taken for every pixel.
    sums = np.zeros((n, 10))
    for r in range(labels.shape[0]):
        c = 0
        while c < labels.shape[1]:
            k, start = labels[r, c], c
            v, vv, cv, cols, squares = 0.0, 0.0, 0.0, 0, 0
            while c < labels.shape[1] and labels[r, c] == k:
                value = np.float64(image[r, c])
                v += value
                vv += value * value
                cv += value * c
                cols += c
                squares += c * c
                c += 1
            if k >= 0:
                length = c - start
                row = sums[k]
                row[0] += length
                row[1] += length * r
                row[2] += cols
                row[3] += length * r * r
                row[4] += cols * r
                row[5] += squares
                row[6] += v
                row[7] += vv
                row[8] += v * r
                row[9] += cv
    return sums


@kernel()
def _contrasts(labels: NDArray[np.int32], means: Floats) -> Floats:
    """Visit each pair of 4-neighbours once, and count it for both regions."""
    totals, counts = np.zeros(len(means)), np.zeros(len(means))
    rows, cols = labels.shape
    for r in range(rows):
        for c in range(cols):
            a = labels[r, c]
            if a < 0:
                continue
            # The neighbours right and below; at the border the pixel itself, which counts nothing.
            for b in (labels[r, min(c + 1, cols - 1)], labels[min(r + 1, rows - 1), c]):
                if b >= 0 and b != a:
                    difference = abs(means[a] - means[b])
                    totals[a] += difference
                    totals[b] += difference
                    counts[a] += 1
                    counts[b] += 1
    return totals / np.maximum(counts, 1)


@kernel()
def _pull(labels: NDArray[np.int32], rows: Floats, cols: Floats) -> tuple[Floats, Floats]:
    """Move the centres of ``pull_inside``; search the image only if there is one to move."""
    # Centres of bent regions may be in another region; only those on no region at all are moved. A centre is
    # marked by an infinite distance, so that one pass finds the nearest pixel of each.
    best = np.full(len(rows), -1.0)
    near_rows, near_cols = rows.copy(), cols.copy()
    astray = False
    for k in range(len(rows)):
        if labels[int(rows[k] + 0.5), int(cols[k] + 0.5)] < 0:
            best[k], astray = np.inf, True
    if not astray:
        return near_rows, near_cols
    for r in range(labels.shape[0]):
        for c in range(labels.shape[1]):
            k = labels[r, c]
            if k >= 0 and best[k] >= 0:
                distance = (r - rows[k]) ** 2 + (c - cols[k]) ** 2
                if distance < best[k]:
                    best[k], near_rows[k], near_cols[k] = distance, r, c
    return near_rows, near_cols
