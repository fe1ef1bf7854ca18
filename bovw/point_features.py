"""Descriptors at interest points, as local features that anything can aggregate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, get_args

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexFolderError, SettingError
from retrieval.evidence.local_features import LocalDescriptors, LocalSettings
from retrieval.picture import Picture
from retrieval.region import Region
from retrieval.representation import Arrays

from .descriptors import DESCRIPTORS
from .detectors import DETECTORS, Superpixel
from .extraction import FeatureExtractor
from .settings import DescriptorName
from .vocabulary.sample_size import spread

_COMPACTNESS = 0.1
"""Of the superpixels that are aggregated."""


@dataclass(frozen=True, eq=False)
class PointFeatures:
    """Describe interest points; see ``LocalFeatures``.

    Parameters
    ----------
    kept : the settings.
    extractor : finds points and describes them.
    """

    kept: LocalSettings
    extractor: FeatureExtractor

    @property
    def dimension(self) -> int:
        """The length of the descriptors."""
        return self.extractor.dimension

    def sample(self, picture: Picture) -> Arrays:
        """Return the descriptors of some of the points, float16; see ``spread``."""
        found = self.extractor.extract(picture).shape_descriptors
        return {"descriptors": found[spread(len(found))].astype(np.float16)}

    def sampled(self, samples: Sequence[Arrays]) -> list[NDArray[np.floating]]:
        """Return the descriptors that were sampled."""
        return [sample["descriptors"] for sample in samples]

    def extract(self, picture: Picture, region: Region | None = None) -> LocalDescriptors:
        """Return points and descriptors of an image, or of a region of it."""
        found = self.extractor.extract(picture, region)
        at = found.keypoints
        return LocalDescriptors(at.rows, at.cols, at.scales, at.orientations, found.shape_descriptors)

    def load(self) -> Self:
        """Return itself: nothing is needed besides images."""
        return self

    def learnt(self) -> Arrays:
        """Return nothing: nothing is learnt."""
        return {}

    def restore(self, arrays: Arrays) -> Self:
        """Take back nothing. Raise IndexFolderError if there is something."""
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
    """Make the features of one detector. Raise SettingError if a setting does not concern points."""
    if settings.descriptor not in get_args(DescriptorName):
        known = ", ".join(get_args(DescriptorName))
        raise SettingError(f"descriptor: {settings.descriptor!r} is unknown; give one of {known}")
    # A setting that would change nothing is a mistake of whoever made it.
    if settings.weights:
        raise SettingError(f"weights: {name} points have no network; leave them out, or take features deep")
    detector = DETECTORS[name](points=settings.points)
    if isinstance(detector, Superpixel):
        # Aggregates keep the compactness that they were measured with, which their recipe does not name.
        detector = replace(detector, compactness=_COMPACTNESS)
    descriptor = DESCRIPTORS[settings.descriptor]()
    return PointFeatures(
        settings, FeatureExtractor(detector, descriptor, None, settings.longest_side, False, 0.0)
    )
