"""Descriptors of colour: SIFT on opponent channels, and the local colours themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PictureError, SettingError

from ..keypoints import Keypoints
from ..pyramid import Pyramid
from .frames import frame_patches
from .rootsift import RootSift

Channels = Literal["all", "chromatic"]
Space = Literal["lab", "opponent", "rgb"]

# Rows: red against green, yellow against blue, intensity (van de Sande, Gevers and Snoek 2010, equation 4).
OPPONENT = np.array([[1, -1, 0], [1, 1, -2], [1, 1, 1]], np.float32) / np.sqrt(
    [[2], [6], [3]], dtype=np.float32
)
SAMPLES_PER_CELL = 4


def opponent(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn RGB (rows, cols, 3) in [0, 1] into opponent channels: red–green, yellow–blue, intensity."""
    return np.asarray(cv2.transform(_colour(image), OPPONENT), dtype=np.float32)


def _colour(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the image C-contiguous; raise PictureError where it is not (rows, cols, 3)."""
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise PictureError(f"a colour descriptor needs a picture of (rows, cols, 3), not {image.shape}")
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
        """Tell that it describes colour pictures."""
        return True

    def describe(self, image: NDArray[np.float32], keypoints: Keypoints) -> NDArray[np.float32]:
        """Return one descriptor a keypoint, float32 (n, dimension) in [0, 1], in the order of the keypoints.

        ``image`` is RGB, float32 (rows, cols, 3) in [0, 1]. Raise PictureError where it is not.
        """
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
    """Describe frames by the mean colour of a few cells, and by how much each channel varies in the frame.

    Words of such descriptors are a bag of colours. Cells turn with the frame.

    Parameters
    ----------
    cells : cells along each axis, in [1, 8].
    extent : width of the frame in σ, positive; 12 is the width of SIFT's cells.
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
        """Tell that it describes colour pictures."""
        return True

    def describe(self, image: NDArray[np.float32], keypoints: Keypoints) -> NDArray[np.float32]:
        """Return one descriptor a keypoint, float32 (n, dimension), in the order of the keypoints.

        For each channel in turn the means of the cells, row by row; then the three standard deviations.
        ``image`` is RGB, float32 (rows, cols, 3) in [0, 1], or grey (rows, cols): the same as RGB of three
        equal channels, at a third of the cost. Raise PictureError where it is neither.
        """
        planes = self._grey(image) if image.ndim == 2 else list(cv2.split(self._converted(image)))
        described = {id(plane): self._plane(plane, keypoints) for plane in planes}
        means, deviations = zip(*(described[id(plane)] for plane in planes), strict=True)
        return np.hstack([*means, *deviations])

    def _grey(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return the three channels of a grey picture; those that are equal are one array."""
        grey = np.ascontiguousarray(image, dtype=np.float32)
        nothing = np.zeros_like(grey)
        if self.space == "rgb":
            return [grey] * 3
        if self.space == "opponent":
            return [nothing, nothing, grey * np.float32(np.sqrt(3))]
        stacked = np.repeat(grey[..., None], 3, axis=2)
        return [cv2.split(self._converted(stacked))[0], nothing, nothing]

    def _converted(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.space == "opponent":
            return opponent(image)
        if self.space == "rgb":
            return _colour(image)
        return np.asarray(cv2.cvtColor(_colour(image), cv2.COLOR_RGB2Lab) / np.float32(100))

    def _plane(
        self, plane: NDArray[np.float32], keypoints: Keypoints
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the means of the cells (n, cells²) and the standard deviation (n, 1) of one channel."""
        side = self.cells * SAMPLES_PER_CELL
        patches = frame_patches(Pyramid(plane), keypoints, side, self.extent, 0.5 * self.extent / side)
        blocks = patches.reshape(-1, self.cells, SAMPLES_PER_CELL, self.cells, SAMPLES_PER_CELL)
        return blocks.mean(axis=(2, 4)).reshape(-1, self.cells**2), patches.std(axis=(1, 2))[:, None]
