"""The pooling of gradients into the 4 × 4 spatial bins of a frame: bilinear, a Gaussian of σ = 2 bins.

Kernels for frames (n, 4), float32, in pixels of the map that they read: row and column of the middle, width
of a bin, orientation. Bins have their middles at −1.5, −0.5, 0.5 and 1.5 from the middle of the frame, in
bins, and each reaches to the middles of its neighbours. Histograms are float32 (n, 4, 4, 8), zero at first,
with directions as in ``Map``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .gradient_maps import N_DIRECTIONS, Map, Plane

N_BINS = 4
SIDE = N_BINS + 2
"""Bins along an axis, with those at either end that take what is beyond the frame, and are thrown away."""
REACH = np.float32(0.5 * (N_BINS + 1))
"""How far from its middle a frame reaches, in bins."""

Floats = NDArray[np.float32]


@kernel()
def pool_upright(level: Map, frames: Floats, histograms: Floats) -> None:
    """Add up a map within upright frames: all rows first, then all columns, as the weights allow."""
    # The weight of a pixel is a product of one for its row and one for its column: so each row is added once
    # to the lines of the bins, whole, and the columns are shared out at the end, for 4 lines only.
    height, width = level.shape[0], level.shape[1]
    flat = level.reshape(height, width * N_DIRECTIONS)
    lines = np.empty((N_BINS, width * N_DIRECTIONS), dtype=np.float32)  # one a row of bins
    for i in range(len(frames)):
        row, col, bin_width = frames[i, 0], frames[i, 1], frames[i, 2]
        top, bottom = _extent(row, REACH * bin_width, height)
        left, right = _extent(col, REACH * bin_width, width)
        lines[:, left * N_DIRECTIONS : right * N_DIRECTIONS] = 0
        for r in range(top, bottom):
            here = flat[r, left * N_DIRECTIONS : right * N_DIRECTIONS]
            for y in range(N_BINS):
                weight = _weight((np.float32(r) - row) / bin_width, y)
                if weight > 0:
                    _add(weight, here, lines[y, left * N_DIRECTIONS : right * N_DIRECTIONS])
        for c in range(left, right):
            for x in range(N_BINS):
                weight = _weight((np.float32(c) - col) / bin_width, x)
                if weight > 0:
                    for y in range(N_BINS):
                        for b in range(N_DIRECTIONS):
                            histograms[i, y, x, b] += weight * lines[y, c * N_DIRECTIONS + b]


@kernel()
def _extent(middle: np.float32, reach: np.float32, length: int) -> tuple[int, int]:
    """Return the first pixel of [0, length) within reach, and the one after the last; equal if none is."""
    first = max(np.float32(0), np.float32(math.ceil(middle - reach)))
    after = min(np.float32(length), np.float32(math.floor(middle + reach)) + np.float32(1))
    return (int(first), int(after)) if first < after else (0, 0)


@kernel()
def _weight(offset: np.float32, number: int) -> np.float32:
    """Return the weight along one axis, in one of the bins, of what is ``offset`` bins off the middle."""
    share = np.float32(1) - abs(offset - (np.float32(number) - np.float32(0.5 * (N_BINS - 1))))
    return share * _bell(offset) if share > 0 else np.float32(0)


@kernel()
def _bell(offset: np.float32) -> np.float32:
    """Return exp(−x² / 2σ²) with σ = 2 bins (Lowe 2004, section 6.1)."""
    return np.float32(np.exp(offset * offset * np.float32(-0.125)))


@kernel()
def _add(weight: np.float32, values: Floats, sums: Floats) -> None:
    """Add a row of a map, times a weight."""
    for k in range(sums.size):  # without branches, so that it compiles to vector instructions
        sums[k] += weight * values[k]


@kernel(error_model="numpy")
def pool_turned(level: Map, frames: Floats, histograms: Floats) -> None:
    """Add up a map within frames of any orientation."""
    # A turned frame mixes rows and columns: every place is looked at once and shared between four bins. The
    # Gaussian still is a product of one over rows and one over columns, since it is round.
    height, width = level.shape[0], level.shape[1]
    values = level.reshape(level.size)
    bins = np.empty(SIDE * SIDE * N_DIRECTIONS, dtype=np.float32)
    bell = np.empty(width, dtype=np.float32)
    for i in range(len(frames)):
        cosine, sine = _axes(frames[i])
        top, bottom, left, right = _window(frames[i], height, width)
        _set_bell(left, right, frames[i], bell)
        bins[:] = 0
        for r in range(top, bottom):
            x, y, falloff = _line(frames[i], r, cosine, sine)
            first, after = _span(left, right, x, cosine, y, -sine)
            for c in range(first, after):
                u, v = x + np.float32(c) * cosine, y - np.float32(c) * sine
                # ``_span`` may be one off, and what is beyond would be written outside the bins.
                if 0 < u < N_BINS + 1 and 0 < v < N_BINS + 1:
                    at = np.uintp(r * width + c) * np.uintp(N_DIRECTIONS)
                    _add_spread(values, at, level.shape[2], falloff * bell[c], u, v, bins)
        histograms[i] = bins.reshape(SIDE, SIDE, N_DIRECTIONS)[1:-1, 1:-1]


@kernel(inline="always")
def _add_spread(
    values: Floats, at: np.uintp, n: int, weight: np.float32, u: np.float32, v: np.float32, bins: Floats
) -> None:
    """Share the histogram (n,) that starts at ``at`` between the four bins around (u, v)."""
    j, k = np.uintp(u), np.uintp(v)
    across, down = u - np.float32(j), v - np.float32(k)
    below = weight * down
    above = weight - below
    first = (k * np.uintp(SIDE) + j) * np.uintp(N_DIRECTIONS)
    second = first + np.uintp(N_DIRECTIONS)
    third = first + np.uintp(SIDE * N_DIRECTIONS)
    fourth = third + np.uintp(N_DIRECTIONS)
    w2, w4 = above * across, below * across
    w1, w3 = above - w2, below - w4
    # Without slices, signs, or a count that the compiler knows, so that it compiles to vector instructions.
    for b in range(np.uintp(n)):
        value = values[at + b]
        bins[first + b] += w1 * value
        bins[second + b] += w2 * value
        bins[third + b] += w3 * value
        bins[fourth + b] += w4 * value


@kernel(error_model="numpy")
def pool_pixels(magnitudes: Plane, directions: Plane, frames: Floats, histograms: Floats) -> None:
    """Add up the gradients of single pixels in frames of any orientation."""
    # As ``pool_turned``, but for frames so small that pixels are not averaged: a pixel has one direction,
    # which is shared between two, instead of a histogram of eight.
    height, width = magnitudes.shape
    bins = np.empty((SIDE, SIDE, N_DIRECTIONS), dtype=np.float32)
    bell = np.empty(width, dtype=np.float32)
    for i in range(len(frames)):
        cosine, sine = _axes(frames[i])
        top, bottom, left, right = _window(frames[i], height, width)
        _set_bell(left, right, frames[i], bell)
        bins[:] = 0
        for r in range(top, bottom):
            x, y, falloff = _line(frames[i], r, cosine, sine)
            first, after = _span(left, right, x, cosine, y, -sine)
            for c in range(first, after):
                u, v = x + np.float32(c) * cosine, y - np.float32(c) * sine
                if 0 < u < N_BINS + 1 and 0 < v < N_BINS + 1:
                    _add_gradient(falloff * bell[c] * magnitudes[r, c], directions[r, c], u, v, bins)
        histograms[i] = bins[1:-1, 1:-1]


@kernel(inline="always")
def _add_gradient(
    strength: np.float32, direction: np.float32, u: np.float32, v: np.float32, bins: Floats
) -> None:
    """Share one gradient between the four bins around (u, v) and its two directions."""
    j, k, lower = int(u), int(v), int(direction)
    across, down = u - np.float32(j), v - np.float32(k)
    after = strength * (direction - np.float32(lower))
    for b, part in ((lower & 7, strength - after), ((lower + 1) & 7, after)):
        below = part * down
        above = part - below
        bins[k, j, b] += above - above * across
        bins[k, j + 1, b] += above * across
        bins[k + 1, j, b] += below - below * across
        bins[k + 1, j + 1, b] += below * across


@kernel(error_model="numpy")
def _axes(frame: Floats) -> tuple[np.float32, np.float32]:
    """Return how many bins along the frame's first and against its second axis a step to the right goes."""
    return np.cos(frame[3]) / frame[2], np.sin(frame[3]) / frame[2]


@kernel()
def _window(frame: Floats, height: int, width: int) -> tuple[int, int, int, int]:
    """Return the rows and columns of the box around the frame."""
    reach = REACH * frame[2] * (abs(np.cos(frame[3])) + abs(np.sin(frame[3])))
    top, bottom = _extent(frame[0], reach, height)
    left, right = _extent(frame[1], reach, width)
    return top, bottom, left, right


@kernel()
def _set_bell(left: int, right: int, frame: Floats, bell: Floats) -> None:
    """Set the Gaussian's weights of columns; those of rows and columns multiply, whatever the orientation."""
    for c in range(left, right):
        bell[c] = _bell((np.float32(c) - frame[1]) / frame[2])


@kernel(error_model="numpy")
def _line(
    frame: Floats, r: int, cosine: np.float32, sine: np.float32
) -> tuple[np.float32, np.float32, np.float32]:
    """Return x, y and the weight of a row: its column c is (x + c cos, y − c sin) bins from the corner."""
    down = np.float32(r) - frame[0]
    x = REACH + down * sine - frame[1] * cosine
    y = REACH + down * cosine + frame[1] * sine
    return x, y, _bell(down / frame[2])


@kernel()
def _span(
    left: int, right: int, x: np.float32, x_step: np.float32, y: np.float32, y_step: np.float32
) -> tuple[int, int]:
    """Narrow [left, right) to columns c with x + c · x_step and y + c · y_step in [0, 5], or one off."""
    for at, step in ((x, x_step), (y, y_step)):
        # Nearly level lines do not leave the frame; dividing by their step would overflow.
        if abs(step) > np.float32(1e-6):
            near, far = -at / step, (np.float32(N_BINS + 1) - at) / step
            near, far = min(near, far), max(near, far)
            if not (near < right and far > left):
                return 0, 0
            left, right = max(left, int(near)), min(right, int(far) + 2)
    return left, right
