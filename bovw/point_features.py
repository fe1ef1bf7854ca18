"""Descriptors at interest points, as local features that anything can aggregate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, get_args

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexFolderError, SettingError
from retrieval.evidence.local_features import LocalDescriptors, LocalSettings
from retrieval.picture import Picture
from retrieval.region import Region
from retrieval.representation import Arrays

from .descriptors import DESCRIPTORS
from .detectors import DETECTORS
from .extraction import FeatureExtractor
from .settings import DescriptorName

PER_PICTURE = 512
"""At most so many descriptors of one picture are learnt from."""


@dataclass(frozen=True, eq=False)
class PointFeatures:
    """Describe interest points; see ``LocalFeatures``.

    Parameters
    ----------
    kept : the settings.
    observer : finds points and describes them.
    """

    kept: LocalSettings
    extractor: FeatureExtractor

    @property
    def dimension(self) -> int:
        """The length of the descriptors."""
        return self.extractor.dimension

    def sample(self, picture: Picture) -> Arrays:
        """Return the descriptors of at most ``PER_PICTURE`` points, float16."""
        found = self.extractor.extract(picture).shapes
        kept = np.linspace(0, len(found) - 1, min(len(found), PER_PICTURE)).astype(np.intp)
        return {"descriptors": found[kept].astype(np.float16)}

    def sampled(self, samples: Sequence[Arrays]) -> list[NDArray[np.floating]]:
        """Return the descriptors that were drawn."""
        return [sample["descriptors"] for sample in samples]

    def extract(self, picture: Picture, region: Region | None = None) -> LocalDescriptors:
        """Return points and descriptors of a picture, or of a region of it."""
        found = self.extractor.extract(picture, region)
        points = found.keypoints
        return LocalDescriptors(points.rows, points.cols, points.scales, points.orientations, found.shapes)

    def load(self) -> Self:
        """Nothing is needed besides pictures."""
        return self

    def learnt(self) -> Arrays:
        """Nothing is learnt."""
        return {}

    def restore(self, arrays: Arrays) -> Self:
        """Take back nothing. Raise IndexFolderError where there is something."""
        if arrays:
            raise IndexFolderError(f"points learn nothing, such as {', '.join(arrays)}; index again")
        return self


def superpixel(settings: LocalSettings) -> PointFeatures:
    """Describe superpixels."""
    return _of("superpixel", settings)


def dense(settings: LocalSettings) -> PointFeatures:
    """Describe dense points."""
    return _of("dense", settings)


def sift(settings: LocalSettings) -> PointFeatures:
    """Describe SIFT points."""
    return _of("sift", settings)


def _of(name: str, settings: LocalSettings) -> PointFeatures:
    if settings.descriptor not in get_args(DescriptorName):
        known = ", ".join(get_args(DescriptorName))
        raise SettingError(f"descriptor: {settings.descriptor!r} is unknown; give one of {known}")
    if settings.weights:
        raise SettingError(f"weights: {name} points have no network; leave them out, or take features deep")
    detector, descriptor = DETECTORS[name](points=settings.points), DESCRIPTORS[settings.descriptor]()
    return PointFeatures(
        settings, FeatureExtractor(detector, descriptor, None, settings.longest_side, False, 0.0)
    )
