"""The frame of an interest point, resampled: a small patch in the point's own scale and orientation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from ..keypoints import Keypoints
from ..scale_space import Pyramid

Pixels = NDArray[np.float32]


class LevelFrames:
    """Hold those frames of an image that are read from one level of its pyramid.

    Parameters
    ----------
    level : float32 (rows, cols), the pixels they are read from.
    chosen : int64 (n,), which of the keypoints they are.
    frames : float32 (n, 4), in pixels of the level: row and column of the middle; how far row and column rise
        along one σ of the frame's first axis. The second axis is 90° further clockwise.

    Raises
    ------
    ValueError : a keypoint that is not finite.
    """

    def __init__(self, pyramid: Pyramid, level: int, chosen: NDArray[np.int64], keypoints: Keypoints) -> None:
        self.level = pyramid.level(level)
        self.chosen = chosen
        step = np.float32(pyramid.step(level))
        scales = keypoints.scales[chosen] / step
        angles = keypoints.orientations[chosen]
        self.frames = np.empty((len(chosen), 4), dtype=np.float32)
        self.frames[:, 0] = keypoints.rows[chosen] / step
        self.frames[:, 1] = keypoints.cols[chosen] / step
        self.frames[:, 2] = scales * np.sin(angles)
        self.frames[:, 3] = scales * np.cos(angles)
        if not np.isfinite(self.frames).all():
            raise ValueError("keypoints must have finite positions, scales and orientations")


def by_level(pyramid: Pyramid, keypoints: Keypoints, blur: float) -> Iterator[LevelFrames]:
    """Sort the frames by the level of the pyramid whose blur is nearest to ``blur`` times their scale."""
    levels = pyramid.nearest(keypoints.scales * np.float32(blur))
    for level in np.unique(levels):
        yield LevelFrames(pyramid, int(level), np.flatnonzero(levels == level), keypoints)


def frame_patches(
    pyramid: Pyramid, keypoints: Keypoints, side: int, extent: float, blur: float
) -> NDArray[np.float32]:
    """Return the image resampled in each frame, float32 (n, side, side), in the order of the keypoints.

    Parameters
    ----------
    side : samples along each axis of the frame.
    extent : the width of the patch in σ of the frame; a sample is the middle of one of ``side`` parts.
    blur : σ of the level that is read, in σ of the frame; half the distance of the samples avoids aliasing.

    Samples outside the image have the value of its nearest pixel.
    """
    patches = np.empty((len(keypoints), side, side), dtype=np.float32)
    for part in by_level(pyramid, keypoints, blur):
        sampled = np.empty((len(part.chosen), side, side), dtype=np.float32)
        _sample_all(part.level, part.frames, np.float32(extent / side), sampled)
        patches[part.chosen] = sampled
    return patches


@kernel()
def _sample_all(level: Pixels, frames: Pixels, spacing: np.float32, patches: Pixels) -> None:
    """Fill the patches (n, side, side) of n frames (n, 4)."""
    for i in range(len(frames)):
        sample_frame(level, frames[i], spacing, patches[i])


@kernel()
def sample_frame(level: Pixels, frame: Pixels, spacing: np.float32, patch: Pixels) -> None:
    """Fill a square patch with bilinear samples, ``spacing`` (in σ) apart, about the middle of the frame.

    Beyond the border of the image its last pixel is repeated.
    """
    # Places of a whole line first, then values: the first loop has no dependent reads and no branches, so
    # that it compiles to vector instructions. Flat 32-bit indices are what the second needs.
    width = np.int32(level.shape[1])
    below = width if level.shape[0] > 1 else np.int32(0)
    beside = np.int32(1 if level.shape[1] > 1 else 0)
    pixels = level.ravel()
    corner = np.empty(len(patch), np.int32)
    down, along = np.empty(len(patch), np.float32), np.empty(len(patch), np.float32)
    for v in range(len(patch)):
        _places(level.shape, frame, spacing, v, corner, down, along)
        for u in range(len(patch)):
            k = np.uint32(corner[u])
            # Written with differences, so that a constant image gives exactly its constant.
            upper = pixels[k] + along[u] * (pixels[k + beside] - pixels[k])
            k += below
            lower = pixels[k] + along[u] * (pixels[k + beside] - pixels[k])
            patch[v, u] = upper + down[u] * (lower - upper)


@kernel()
def _places(
    shape: tuple[int, int],
    frame: Pixels,
    spacing: np.float32,
    v: int,
    corner: NDArray[np.int32],
    down: Pixels,
    along: Pixels,
) -> None:
    """Set the places of the samples of line v: the flat index of the pixel up and left, and the rest."""
    bottom, right = np.float32(shape[0] - 1), np.float32(shape[1] - 1)
    last_row, last_col = np.int32(max(shape[0] - 2, 0)), np.int32(max(shape[1] - 2, 0))
    width = np.int32(shape[1])
    # (row, col) = frame + u · (sin, cos) + v · (cos, −sin), u and v from the middle, times the spacing.
    sine, cosine = frame[2] * spacing, frame[3] * spacing
    middle = np.float32(0.5 * (len(corner) - 1))
    first_row = frame[0] + (np.float32(v) - middle) * cosine - middle * sine
    first_col = frame[1] - (np.float32(v) - middle) * sine - middle * cosine
    for u in range(len(corner)):
        row = max(np.float32(0), min(bottom, first_row + np.float32(u) * sine))
        col = max(np.float32(0), min(right, first_col + np.float32(u) * cosine))
        r, c = min(np.int32(row), last_row), min(np.int32(col), last_col)
        corner[u] = r * width + c
        down[u], along[u] = row - np.float32(r), col - np.float32(c)
