"""Descriptors of colour: SIFT on opponent channels, and the local colours themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PictureError, SettingError
from retrieval.kernel import kernel

from ..keypoints import Keypoints
from ..scale_space import Pyramid
from .frames import frame_patches
from .rootsift import RootSift

Channels = Literal["all", "chromatic"]
Space = Literal["lab", "opponent", "rgb"]

# Rows: red against green, yellow against blue, intensity (van de Sande, Gevers and Snoek 2010, equation 4).
OPPONENT = np.array([[1, -1, 0], [1, 1, -2], [1, 1, 1]], np.float32) / np.sqrt(
    [[2], [6], [3]], dtype=np.float32
)
GREY = {"lab": (1.0, 0.0, 0.0), "opponent": (0.0, 0.0, float(np.sqrt(3))), "rgb": (1.0, 1.0, 1.0)}
"""The channels of grey: multiples of its lightness in L*a*b*, else of the grey itself."""
SAMPLES_PER_BIN = 4
TABLE = 4096
"""Steps from black to white at which the lightness of grey is tabulated."""


def opponent(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn RGB (rows, cols, 3) in [0, 1] into opponent channels: red–green, yellow–blue, intensity."""
    return np.asarray(cv2.transform(_colour(image), OPPONENT), dtype=np.float32)


def _colour(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the image C-contiguous; raise PictureError if it is not (rows, cols, 3)."""
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise PictureError(f"a colour descriptor needs an image of (rows, cols, 3), not {image.shape}")
    return np.ascontiguousarray(image, dtype=np.float32)


@dataclass(frozen=True)
class OpponentSift:
    """Describe frames by SIFT on each opponent channel (van de Sande, Gevers and Snoek 2010).

    Each channel is normalised on its own, so that faint colour counts as much as intensity; a channel
    without any gradient is zero. The whole has a norm of 1 at most.

    Parameters
    ----------
    channels : ``all`` three, or the two ``chromatic`` ones, for use beside a grey descriptor.
    root, samples : as of RootSift.
    """

    channels: Channels = "all"
    root: bool = True
    samples: int = 20

    def __post_init__(self) -> None:
        if self.channels not in get_args(Channels):
            raise SettingError(f"channels must be one of {get_args(Channels)}, not {self.channels!r}")
        RootSift(samples=self.samples)  # refuses a bad number

    @property
    def dimension(self) -> int:
        """Return 384, or 256 without intensity."""
        return self._sift.dimension * self._n_channels

    @property
    def in_colour(self) -> bool:
        """Whether it needs colour: yes."""
        return True

    def describe(self, image: NDArray[np.float32], keypoints: Keypoints) -> NDArray[np.float32]:
        """Return one descriptor a keypoint, float32 (n, dimension) in [0, 1], in the order of the keypoints.

        ``image`` is RGB, float32 (rows, cols, 3) in [0, 1]. Raise PictureError if it is not.
        """
        # Channel by channel, each with a unit descriptor; together they have length √n, which is divided by.
        planes = cv2.split(opponent(image))[: self._n_channels]
        described = [self._sift.describe(plane, keypoints) for plane in planes]
        return np.hstack(described) / np.float32(np.sqrt(self._n_channels))

    @property
    def _n_channels(self) -> int:
        return 3 if self.channels == "all" else 2

    @property
    def _sift(self) -> RootSift:
        return RootSift(root=self.root, samples=self.samples)


@dataclass(frozen=True)
class ColourPatch:
    """Describe frames by the mean colour of a few spatial bins, and by how much each channel varies.

    Words of such descriptors are a bag of colours. Bins turn with the frame.

    Parameters
    ----------
    cells : spatial bins along each axis, in [1, 8].
    extent : width of the frame in σ, positive; 12 is the width of SIFT's bins.
    space : ``lab`` (CIE L*a*b* / 100, D65), ``opponent`` or ``rgb``.
    """

    cells: int = 2
    extent: float = 12.0
    space: Space = "lab"

    def __post_init__(self) -> None:
        if not 1 <= self.cells <= 8:
            raise SettingError(f"cells must be a number from 1 to 8, not {self.cells}")
        if not 0 < self.extent < np.inf:
            raise SettingError(f"extent must be positive, not {self.extent}")
        if self.space not in get_args(Space):
            raise SettingError(f"space must be one of {get_args(Space)}, not {self.space!r}")

    @property
    def dimension(self) -> int:
        """Return 3 · (cells² + 1)."""
        return 3 * (self.cells**2 + 1)

    @property
    def in_colour(self) -> bool:
        """Whether it needs colour: yes."""
        return True

    def describe(self, image: NDArray[np.float32], keypoints: Keypoints) -> NDArray[np.float32]:
        """Return one descriptor a keypoint, float32 (n, dimension), in the order of the keypoints.

        For each channel in turn the means of the bins, row by row; then the three standard deviations.
        ``image`` is RGB, float32 (rows, cols, 3) in [0, 1], or grey (rows, cols): as RGB of three equal
        channels (to 3e-3, for OpenCV rounds L*a*b*), at a quarter of the cost. Raise PictureError if it
        is neither.
        """
        if image.ndim == 2:
            return self._of_grey(image, keypoints)
        planes = cv2.split(self._converted(image))
        means, deviations = zip(*(self._plane(plane, keypoints) for plane in planes), strict=True)
        return np.hstack([*means, *deviations])

    def _of_grey(self, image: NDArray[np.float32], keypoints: Keypoints) -> NDArray[np.float32]:
        """Describe a grey image: its three channels are one plane, times a factor each."""
        # Means and deviations are linear in such a factor: one plane is resampled instead of three.
        factors = GREY[self.space]
        plane = _lightness(image) if self.space == "lab" else image
        mean, deviation = self._plane(plane, keypoints)
        return np.hstack([np.float32(f) * values for values in (mean, deviation) for f in factors])

    def _converted(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.space == "opponent":
            return opponent(image)
        if self.space == "rgb":
            return _colour(image)
        return np.asarray(cv2.cvtColor(_colour(image), cv2.COLOR_RGB2Lab) / np.float32(100))

    def _plane(
        self, plane: NDArray[np.float32], keypoints: Keypoints
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the means of the bins (n, cells²) and the standard deviation (n, 1) of one channel."""
        # The level whose blur is half the distance of the samples, so that they miss nothing between them.
        side = self.cells * SAMPLES_PER_BIN
        patches = frame_patches(Pyramid(plane), keypoints, side, self.extent, 0.5 * self.extent / side)
        blocks = patches.reshape(-1, self.cells, SAMPLES_PER_BIN, self.cells, SAMPLES_PER_BIN)
        return blocks.mean(axis=(2, 4)).reshape(-1, self.cells**2), patches.std(axis=(1, 2))[:, None]


def _lightness(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return L* / 100 of grey pixels of sRGB in [0, 1] (IEC 61966-2-1, CIE 15:2004), from a table."""
    values = np.linspace(0, 1, TABLE + 1)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    lightness = np.where(linear > (6 / 29) ** 3, 1.16 * np.cbrt(linear) - 0.16, linear * (29 / 3) ** 3 / 100)
    found = np.empty(grey.shape, dtype=np.float32)
    _look_up(np.ascontiguousarray(grey, dtype=np.float32), lightness.astype(np.float32), found)
    return found


@kernel()
def _look_up(image: NDArray[np.float32], table: NDArray[np.float32], found: NDArray[np.float32]) -> None:
    """Interpolate in a table of a function's values at equal steps from 0 to 1."""
    # A cube root a pixel would cost more than all the rest of the descriptor.
    last = np.int32(len(table) - 2)  # the last step: white itself is its end
    for r in range(image.shape[0]):
        for c in range(image.shape[1]):
            place = image[r, c] * np.float32(len(table) - 1)
            below = min(max(np.int32(place), np.int32(0)), last)
            share = place - np.float32(below)
            found[r, c] = table[below] + share * (table[below + 1] - table[below])
