"""The extrema of the difference of Gaussians: blobs in position and scale (Lowe 2004, sections 3 and 4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .octaves import BORDER, LAYERS, Octave, Stack

Table = NDArray[np.float32]

STEPS = 5
"""How often an extremum may move to a neighbouring pixel while it is refined."""
STRIP = 48
"""Rows that are searched at a time: few enough for the processor's cache."""


def extrema(octave: Octave, contrast: float) -> Table:
    """Find and refine the extrema of one octave.

    Parameters
    ----------
    contrast : three times the least |difference of Gaussians| at a refined extremum, as OpenCV counts it.

    Returns
    -------
    float32 (n, 5), in pixels of the octave: row, col, layer (all with fractions), |difference|, and the
    ratio of the principal curvatures, infinite if they differ in sign.
    """
    least = contrast / LAYERS
    candidates = _strip_by_strip(octave.gaussians, np.float32(0.5 * least))
    refined = np.asarray(_refined(octave.gaussians, candidates), dtype=np.float32)
    return np.asarray(refined[refined[:, 3] >= least])


def _strip_by_strip(gaussians: Stack, least: np.float32) -> NDArray[np.int32]:
    """List the candidates of an octave, int32 (n, 3); its differences are never held all at once."""
    found = [np.empty((0, 3), dtype=np.int32)]
    for top in range(0, gaussians.shape[1] - 2 * BORDER, STRIP):
        strip = gaussians[:, top : top + STRIP + 2 * BORDER]
        found.append(local_extrema(strip[1:] - strip[:-1], least) + np.array([0, top, 0], dtype=np.int32))
    return np.concatenate(found)


@kernel()
def local_extrema(stack: Stack, least: np.float32) -> NDArray[np.int32]:
    """List (layer, row, col) of the pixels above ``least`` that no neighbour of the 26 surpasses."""
    # Three sieves, each for what the one before leaves: four neighbours in the row and beside it, the two in
    # scale, then all 26. The first two are vector instructions and leave few pixels.
    found = np.empty((1024, 3), dtype=np.int32)
    n = 0
    rows, cols = stack.shape[1:]
    flags = np.zeros((cols + 7) // 8 * 8, dtype=np.uint8)
    places = np.empty(cols, dtype=np.int32)
    for layer in range(1, stack.shape[0] - 1):
        for r in range(BORDER, rows - BORDER):
            here = stack[layer, r]
            _flag(stack[layer, r - 1], here, stack[layer, r + 1], least, flags[:cols])
            _strike(stack[layer - 1, r], here, stack[layer + 1, r], flags[:cols])
            n_here = _scan(stack, layer, r, flags, places)
            while n + n_here > len(found):
                found = np.concatenate((found, np.empty_like(found)))
            for i in range(n_here):
                found[n + i, 0], found[n + i, 1], found[n + i, 2] = layer, r, places[i]
            n += n_here
    return found[:n]


@kernel()
def _scan(stack: Stack, layer: int, r: int, flags: NDArray[np.uint8], places: NDArray[np.int32]) -> int:
    """Write the columns of the extrema among the flagged pixels of a row to ``places``; return how many."""
    n = 0
    eights = flags.view(np.uint64)  # most are 0, and are passed over eight pixels at a time
    for i in range(len(eights)):
        if eights[i] != 0:
            for c in range(max(8 * i, BORDER), min(8 * i + 8, stack.shape[2] - BORDER)):
                if flags[c] and _is_extremum(stack, layer, r, c):
                    places[n] = c
                    n += 1
    return n


@kernel()
def _flag(
    above: NDArray[np.float32],
    here: NDArray[np.float32],
    below: NDArray[np.float32],
    least: np.float32,
    flags: NDArray[np.uint8],
) -> None:
    """Mark the inner pixels of a row that their four neighbours do not surpass."""
    # Slices and no branches, so that it compiles to vector instructions.
    left, middle, right = here[:-2], here[1:-1], here[2:]
    above, below, inner = above[1:-1], below[1:-1], flags[1:-1]
    for c in range(middle.size):
        v = middle[c]
        is_high = (v > least) & (v >= above[c]) & (v >= below[c]) & (v >= left[c]) & (v >= right[c])
        is_low = (v < -least) & (v <= above[c]) & (v <= below[c]) & (v <= left[c]) & (v <= right[c])
        inner[c] = is_high | is_low


@kernel()
def _strike(
    finer: NDArray[np.float32],
    here: NDArray[np.float32],
    coarser: NDArray[np.float32],
    flags: NDArray[np.uint8],
) -> None:
    """Take the marks off the pixels of a row that the next scale or the one before surpasses."""
    for c in range(here.size):
        v, a, b = here[c], finer[c], coarser[c]
        is_high = (v > 0) & (v >= a) & (v >= b)
        is_low = (v < 0) & (v <= a) & (v <= b)
        flags[c] = flags[c] & (is_high | is_low)


@kernel()
def _is_extremum(stack: Stack, layer: int, r: int, c: int) -> bool:
    """Compare a pixel with its 26 neighbours in position and scale."""
    value = stack[layer, r, c]
    sign = np.float32(1) if value > 0 else np.float32(-1)
    size = abs(value)
    for i in range(layer - 1, layer + 2):
        for j in range(r - 1, r + 2):
            for k in range(c - 1, c + 2):
                if sign * stack[i, j, k] > size:
                    return False
    return True


@kernel()
def _refined(gaussians: Stack, candidates: NDArray[np.int32]) -> Table:
    """Fit a quadratic to each candidate; (n, 5) as ``extrema`` says, those that fail left out."""
    found = np.empty((len(candidates), 5), dtype=np.float32)
    cube = np.empty((3, 3, 3), dtype=np.float32)
    n = 0
    for i in range(len(candidates)):
        layer, r, c = candidates[i, 0], candidates[i, 1], candidates[i, 2]
        for _ in range(STEPS):
            # The cube of differences is made anew: those of the search are not kept, and few are needed here.
            _subtract(gaussians, layer, r, c, cube)
            ds, dr, dc = _offset(cube)
            if max(abs(ds), abs(dr), abs(dc)) < 0.5:
                value, ratio = _shape(cube, ds, dr, dc)
                found[n] = (r + dr, c + dc, layer + ds, abs(value), ratio)
                n += 1
                break
            if not max(abs(ds), abs(dr), abs(dc)) < 1e6:  # infinite, or not a number
                break
            layer, r, c = layer + round(ds), r + round(dr), c + round(dc)
            if not (
                1 <= layer <= gaussians.shape[0] - 3
                and BORDER <= r < gaussians.shape[1] - BORDER
                and BORDER <= c < gaussians.shape[2] - BORDER
            ):
                break
    return found[:n]


@kernel()
def _subtract(gaussians: Stack, layer: int, r: int, c: int, cube: Stack) -> None:
    """Set the differences of Gaussians, (3, 3, 3), about a pixel of a layer of them."""
    for i in range(3):
        for j in range(3):
            for k in range(3):
                finer, coarser = gaussians[layer + i - 1], gaussians[layer + i]
                cube[i, j, k] = coarser[r + j - 1, c + k - 1] - finer[r + j - 1, c + k - 1]


@kernel()
def _offset(cube: Stack) -> tuple[float, float, float]:
    """Solve H x = −g for the top of the quadratic (Lowe 2004, eq. 3): offsets in layer, row and column."""
    up, here, down = cube[0], cube[1], cube[2]
    v = 2.0 * here[1, 1]
    gs, gr, gc = _gradient(cube)
    ss, rr, cc = (
        up[1, 1] + down[1, 1] - v,
        here[0, 1] + here[2, 1] - v,
        here[1, 0] + here[1, 2] - v,
    )
    sr = 0.25 * (down[2, 1] - down[0, 1] - up[2, 1] + up[0, 1])
    sc = 0.25 * (down[1, 2] - down[1, 0] - up[1, 2] + up[1, 0])
    rc = 0.25 * (here[2, 2] - here[2, 0] - here[0, 2] + here[0, 0])
    a, b, d = rr * cc - rc * rc, sc * rc - sr * cc, sr * rc - sc * rr  # the first row of the adjugate
    determinant = ss * a + sr * b + sc * d
    if abs(determinant) < 1e-30:
        return np.inf, np.inf, np.inf
    e, f, g = ss * cc - sc * sc, sr * sc - ss * rc, ss * rr - sr * sr
    return (
        -(a * gs + b * gr + d * gc) / determinant,
        -(b * gs + e * gr + f * gc) / determinant,
        -(d * gs + f * gr + g * gc) / determinant,
    )


@kernel()
def _gradient(cube: Stack) -> tuple[float, float, float]:
    """Return central differences in layer, row and column."""
    return (
        0.5 * (cube[2, 1, 1] - cube[0, 1, 1]),
        0.5 * (cube[1, 2, 1] - cube[1, 0, 1]),
        0.5 * (cube[1, 1, 2] - cube[1, 1, 0]),
    )


@kernel()
def _shape(cube: Stack, ds: float, dr: float, dc: float) -> tuple[float, float]:
    """Return the value at the top (eq. 3) and the ratio of curvatures there (section 4.1)."""
    gs, gr, gc = _gradient(cube)
    here = cube[1]
    value = here[1, 1] + 0.5 * (gs * ds + gr * dr + gc * dc)
    v = 2.0 * here[1, 1]
    rr, cc = here[0, 1] + here[2, 1] - v, here[1, 0] + here[1, 2] - v
    rc = 0.25 * (here[2, 2] - here[2, 0] - here[0, 2] + here[0, 0])
    trace, determinant = rr + cc, rr * cc - rc * rc
    if determinant <= 0:
        return value, np.inf
    # Tr² / Det = (q + 1)² / q for curvatures in the ratio q ≥ 1.
    half = trace * trace / determinant / 2 - 1
    return value, half + np.sqrt(max(half * half - 1, 0.0))
