"""The histograms of gradient directions that SIFT consists of: kernels over resampled frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .frames import Pixels, sample_frame

N_BINS = 4
N_DIRECTIONS = 8
REACH = 5.0
"""Width, in bins, of what a histogram covers: all within a bin's width of the middle of a bin."""
CLIP = np.float32(0.2)
FLAT = np.float32(1e-5)
"""Norm of the histogram, per line of samples, below which a frame is flat (grey levels in [0, 1])."""

Shares = tuple[NDArray[np.int64], NDArray[np.float32]]


def bin_shares(samples: int) -> Shares:
    """Return for each sample along an axis the two bins it is between: the first, and the second's share.

    Bins are counted from the one before the first: 0 and N_BINS + 1 are there so that no sample needs a test,
    and are thrown away. int64 (samples,) and float32 (samples,).
    """
    place = _offsets(samples) + N_BINS / 2 + 0.5
    first = np.floor(place).astype(np.int64)
    return first, (place - first).astype(np.float32)


def gaussian_window(samples: int) -> Pixels:
    """Return the weight of each sample, float32 (samples, samples): a Gaussian of σ = 2 bins."""
    bell = np.exp(-(_offsets(samples) ** 2) / (0.5 * N_BINS**2))
    return np.outer(bell, bell).astype(np.float32)


def _offsets(samples: int) -> NDArray[np.float64]:
    """Return how far the samples are from the middle of the frame, in bins."""
    return np.asarray(REACH * ((np.arange(samples) + 0.5) / samples - 0.5))


@kernel()
def describe_frames(
    level: Pixels,
    frames: Pixels,
    spacing: np.float32,
    shares: Shares,
    window: Pixels,
    root: bool,
    descriptors: Pixels,
) -> None:
    """Write the descriptor of each frame (n, 4) to its row of ``descriptors`` (n, 128), all zero so far."""
    # Buffers are made once for all frames; a patch has a border of one sample, for central differences.
    n = len(window)
    patch = np.empty((n + 2, n + 2), np.float32)
    strength = np.empty((n, n), np.float32)
    turn = np.empty((n, n), np.float32)
    histogram = np.empty((N_BINS + 2, N_BINS + 2, N_DIRECTIONS), np.float32)
    for i in range(len(frames)):
        sample_frame(level, frames[i], spacing, patch)
        _gradients(patch, window, strength, turn)
        _drop_outside(level.shape, frames[i], spacing, strength)
        _share_out(strength, turn, shares, histogram)
        _normalise(histogram, FLAT * np.float32(n), root, descriptors[i])


@kernel(error_model="numpy")
def _gradients(patch: Pixels, window: Pixels, strength: Pixels, turn: Pixels) -> None:
    """Set the weighted strength of each gradient, and its direction, anticlockwise on the screen, in bins."""
    for v in range(len(window)):
        for u in range(len(window)):
            dx = patch[v + 1, u + 2] - patch[v + 1, u]
            dy = patch[v, u + 1] - patch[v + 2, u + 1]
            strength[v, u] = np.sqrt(dx * dx + dy * dy) * window[v, u]
            turn[v, u] = _direction(dx, dy)


@kernel(error_model="numpy", inline="always")
def _direction(dx: np.float32, dy: np.float32) -> np.float32:
    """Return atan2(dy, dx) in eighths of a turn, in [0, 8], to within 3e-4."""
    wide, high = abs(dx), abs(dy)
    a = min(wide, high) / max(max(wide, high), np.float32(1e-30))
    s = a * a
    # The odd polynomial in a that is nearest to atan(a) on [0, 1], its coefficients times 4 / π.
    angle = s * np.float32(-0.05920117) + np.float32(0.2028449)
    angle = a * (s * (s * angle + np.float32(-0.4171487)) + np.float32(1.2731077))
    angle = np.float32(2) - angle if high > wide else angle
    angle = np.float32(4) - angle if dx < 0 else angle
    return np.float32(8) - angle if dy < 0 else angle


@kernel()
def _drop_outside(shape: tuple[int, int], frame: Pixels, spacing: np.float32, strength: Pixels) -> None:
    """Set to zero what is on or beyond the outermost pixels, where there is no gradient."""
    middle = np.float32(0.5 * (len(strength) - 1))
    sine, cosine = frame[2] * spacing, frame[3] * spacing
    bottom, right = np.float32(shape[0] - 1.5), np.float32(shape[1] - 1.5)
    half = np.float32(0.5)
    # The box around the turned frame: most frames are inside, and nothing need be looked at.
    reach = (abs(sine) + abs(cosine)) * middle
    if min(frame[0], frame[1]) - reach >= half and frame[0] + reach <= bottom and frame[1] + reach <= right:
        return
    for v in range(len(strength)):
        for u in range(len(strength)):
            down, along = np.float32(v) - middle, np.float32(u) - middle
            row = frame[0] + along * sine + down * cosine
            col = frame[1] + along * cosine - down * sine
            if not (half <= row <= bottom and half <= col <= right):
                strength[v, u] = 0


@kernel()
def _share_out(strength: Pixels, turn: Pixels, shares: Shares, histogram: Pixels) -> None:
    """Share each gradient out over the two nearest bins along either axis and the two nearest directions."""
    # Trilinear (Lowe 2004, section 6.1): a small shift of the frame moves values between bins only a little.
    # Columns first, then whole lines over rows: 4 additions a sample instead of 8.
    first, share = shares
    histogram[:] = 0
    line = np.empty((N_BINS + 2, N_DIRECTIONS), np.float32)  # of samples, not yet shared out over rows
    for v in range(len(first)):
        line[:] = 0
        for u in range(len(first)):
            lower = int(turn[v, u])
            after = strength[v, u] * (turn[v, u] - np.float32(lower))
            before = strength[v, u] - after
            o1, o2 = lower & (N_DIRECTIONS - 1), (lower + 1) & (N_DIRECTIONS - 1)
            c = first[u]
            line[c, o1] += before * (np.float32(1) - share[u])
            line[c, o2] += after * (np.float32(1) - share[u])
            line[c + 1, o1] += before * share[u]
            line[c + 1, o2] += after * share[u]
        r = first[v]
        for c in range(1, N_BINS + 1):
            for o in range(N_DIRECTIONS):
                histogram[r, c, o] += line[c, o] * (np.float32(1) - share[v])
                histogram[r + 1, c, o] += line[c, o] * share[v]


@kernel(error_model="numpy")
def _normalise(histogram: Pixels, flat: np.float32, root: bool, descriptor: Pixels) -> None:
    """Write the histogram to a descriptor of unit length; leave that zero if the frame is flat."""
    # Unit length against contrast, clipping at 0.2 against single strong edges (Lowe 2004, section 6.1).
    squares = np.float32(0)
    for k in range(len(descriptor)):
        r, c, o = 1 + k // (N_BINS * N_DIRECTIONS), 1 + k // N_DIRECTIONS % N_BINS, k % N_DIRECTIONS
        squares += histogram[r, c, o] * histogram[r, c, o]
        descriptor[k] = histogram[r, c, o]
    norm = np.sqrt(squares)
    total, squares = np.float32(0), np.float32(0)
    for k in range(len(descriptor)):
        descriptor[k] = min(descriptor[k] / norm, CLIP) if norm > flat else np.float32(0)
        total += descriptor[k]
        squares += descriptor[k] * descriptor[k]
    # Whatever is not flat has a total and a norm of at least CLIP: one clipped value, or none was clipped.
    for k in range(len(descriptor)):
        if root:
            descriptor[k] = np.sqrt(descriptor[k] / max(total, CLIP))
        else:
            descriptor[k] /= max(np.sqrt(squares), CLIP)
