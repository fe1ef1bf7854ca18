"""Two plain representations to measure all others against: a grey thumbnail and a colour histogram."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import IndexFolderError, SettingError
from .picture import Picture, Pixels
from .rankers.dense import ExactRanker
from .region import Region
from .representation import Arrays, Encoding


class _NothingToLearn(ABC):
    """What both have in common: they are fitted from the start, and their vectors are dense."""

    family = "baseline"
    n_fit_pictures = 0
    is_fitted = True

    @property
    def settings(self) -> dict[str, Any]:
        """Every constructor keyword with its value, as JSON holds it."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @property
    @abstractmethod
    def dimension(self) -> int:
        """The length of the vectors."""

    def sample(self, picture: Picture) -> Arrays:
        """Draw nothing."""
        return {}

    def learn(self, samples: Iterable[Arrays]) -> Self:
        """Learn nothing."""
        return self

    def fit(self, pictures: Iterable[Picture]) -> Self:
        """Learn nothing."""
        return self

    @abstractmethod
    def describe(self, pixels: Pixels, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Describe the pixels under a mask that is not empty, float32 (dimension,)."""

    def encode(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Describe a picture, or a region of it; a region without a pixel gives a vector of zeros."""
        cut = _cut(picture, region)
        if cut is None:
            return Encoding(np.zeros(self.dimension, dtype=np.float32))
        return Encoding(self.describe(*cut))

    def encode_query(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Describe a query: as ``encode``."""
        return self.encode(picture, region)

    def learnt(self) -> Arrays:
        """Return no arrays."""
        return {}

    def restore(self, arrays: Arrays) -> Self:
        """Take back no arrays. Raise IndexFolderError if there are some."""
        if arrays:
            raise IndexFolderError(f"{next(iter(arrays))}: a baseline learns nothing; index again")
        return self

    def make_ranker(self) -> ExactRanker:
        """Return an empty ranker by cosine."""
        return ExactRanker(self.dimension)

    def open_ranker(self, folders: Iterable[Path]) -> ExactRanker:
        """Open saved segments as one ranker."""
        return ExactRanker.open(folders, self.dimension)


@dataclass(frozen=True)
class Thumbnail(_NothingToLearn):
    """Describe a picture by a small grey copy of it, its mean removed, at unit length.

    Pixels of a region's box that are outside the region count as its mean. A constant picture gives zeros.

    Parameters
    ----------
    side : rows and columns of the copy, 1 to 256; the vector has side² values.
    """

    side: int = 16

    def __post_init__(self) -> None:
        if not 1 <= self.side <= 256:
            raise SettingError(f"side: {self.side} pixels make no thumbnail; give 1 to 256")

    @property
    def name(self) -> str:
        """The entry point that makes it."""
        return "thumbnail"

    @property
    def dimension(self) -> int:
        """The length of the vectors."""
        return self.side**2

    def describe(self, pixels: Pixels, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Describe the pixels under a mask that is not empty, float32 (dimension,)."""
        grey = pixels if pixels.ndim == 2 else cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
        # The mean of the region alone: what is outside becomes 0, which is neither dark nor bright.
        level = np.float32(grey[mask].mean(dtype=np.float64))
        levelled = np.where(mask, grey - level, np.float32(0))
        small = cv2.resize(levelled, (self.side, self.side), interpolation=cv2.INTER_AREA).ravel()
        small = small.astype(np.float64) - small.mean(dtype=np.float64)
        length = np.linalg.norm(small)
        # Below a thousandth of a grey level of 8 bits there is only the noise of rounding.
        if length < 4e-6 * self.side:
            return np.zeros(self.dimension, dtype=np.float32)
        return np.asarray(small / length, dtype=np.float32)


@dataclass(frozen=True)
class ColourHistogram(_NothingToLearn):
    """Describe a picture by its joint histogram of red, green and blue; the cosine is Hellinger's affinity.

    Each bin holds √(share of the pixels), so that a vector has unit length. A grey picture is one whose three
    channels are equal.

    Parameters
    ----------
    bins : bins per channel, 1 to 32; the vector has bins³ values.
    """

    bins: int = 8

    def __post_init__(self) -> None:
        if not 1 <= self.bins <= 32:
            raise SettingError(f"bins: {self.bins} per channel make no histogram; give 1 to 32")

    @property
    def name(self) -> str:
        """The entry point that makes it."""
        return "colour"

    @property
    def dimension(self) -> int:
        """The length of the vectors."""
        return self.bins**3

    def describe(self, pixels: Pixels, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Describe the pixels under a mask that is not empty, float32 (dimension,)."""
        binned = np.clip(pixels[mask] * self.bins, 0, self.bins - 1).astype(np.int64)
        if pixels.ndim == 2:
            # A grey level g is the colour (g, g, g): its bin is g·bins² + g·bins + g.
            joint = binned * (self.bins**2 + self.bins + 1)
        else:
            joint = binned @ np.array([self.bins**2, self.bins, 1])
        counts = np.bincount(joint, minlength=self.dimension)
        return np.asarray(np.sqrt(counts / counts.sum()), dtype=np.float32)


def _cut(picture: Picture, region: Region | None) -> tuple[Pixels, NDArray[np.bool_]] | None:
    """Return the pixels of the region's box and which of them are in the region; None if none does."""
    mask = np.ones(picture.shape, dtype=bool) if region is None else region.mask(picture.shape)
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    box = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
    return picture.pixels[box], mask[box]
