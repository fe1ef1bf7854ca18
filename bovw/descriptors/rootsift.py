"""SIFT and RootSIFT at any frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import SettingError

from ..keypoints import Keypoints
from ..scale_space import Pyramid
from .frames import by_level
from .histograms import N_BINS, N_DIRECTIONS, REACH, bin_shares, describe_frames, gaussian_window

BIN_WIDTH = 3.0
"""Width of a bin in σ of the frame, as in Lowe's SIFT, OpenCV and VLFeat."""


@dataclass(frozen=True)
class RootSift:
    """Describe frames by histograms of gradient direction: 4 × 4 bins × 8 directions (Lowe 2004, section 6).

    Each frame is resampled in its own scale and orientation from the level of the pyramid whose blur is
    nearest to its scale, so that the cost does not depend on the scale. Gradients are weighted by a Gaussian
    with σ of 2 bins and shared out trilinearly; the histogram is normalised (L2), clipped at 0.2 and
    normalised again. A frame of orientation 0 is upright. The order of bins and directions is OpenCV's.

    Parameters
    ----------
    root : take the square root of the L1-normalised histogram (Arandjelović and Zisserman 2012), so that
        Euclidean distances are Hellinger distances; else plain SIFT. Both have unit L2 norm.
    samples : samples along each axis of a frame, in [10, 64]. OpenCV reads every pixel instead: more samples
        come nearer to it and cost more.
    """

    root: bool = True
    samples: int = 20

    def __post_init__(self) -> None:
        if not 10 <= self.samples <= 64:
            raise SettingError(f"samples must be a number from 10 to 64, not {self.samples}")

    @property
    def dimension(self) -> int:
        """Return 128."""
        return N_BINS * N_BINS * N_DIRECTIONS

    @property
    def in_colour(self) -> bool:
        """Whether it needs colour: no, grey images."""
        return False

    def describe(self, image: NDArray[np.float32] | Pyramid, keypoints: Keypoints) -> NDArray[np.float32]:
        """Return one descriptor a keypoint, float32 (n, 128) in [0, 1], in the order of the keypoints.

        ``image`` is grey, float32 (rows, cols) in [0, 1], or the pyramid made of it. What is outside the
        image contributes nothing; a frame without any gradient has a row of zeros. Raise PictureError if the
        image is not 2-D.
        """
        pyramid = Pyramid.of(image)
        descriptors = np.zeros((len(keypoints), self.dimension), dtype=np.float32)
        shares, window = bin_shares(self.samples), gaussian_window(self.samples)
        spacing = np.float32(REACH * BIN_WIDTH / self.samples)
        # Level by level: frames that share one need no pyramid in the kernel, and stay in the cache together.
        for part in by_level(pyramid, keypoints, blur=1.0):
            described = np.zeros((len(part.chosen), self.dimension), dtype=np.float32)
            describe_frames(part.level, part.frames, spacing, shares, window, self.root, described)
            descriptors[part.chosen] = described
        return descriptors
