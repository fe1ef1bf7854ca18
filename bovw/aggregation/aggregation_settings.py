"""The settings of aggregated descriptors."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from retrieval.errors import SettingError
from retrieval.evidence.local_features import LocalSettings


@dataclass(frozen=True)
class AggregationSettings:
    """Settings of the local features, and of what is learnt from.

    Parameters
    ----------
    features : ``superpixel``, ``sift`` or ``dense`` points, or ``deep``, places of a network's feature map.
    descriptor : of points: ``fine``, ``rootsift``, ``patch`` or ``opponentsift``.
    points : how many points of an image.
    longest_side : images are shrunk to at most this many pixels before points are detected.
    level : of ``deep``: which of its network's maps, from the finest, 0.
    weights : of ``deep``: a weight file; empty for the bundled one. Kept as the hash of the file.
    side : of ``deep``: rows and columns of the square that its network sees; its own if it is None.
    local_components : principal components that descriptors are reduced to, halfway whitened; 0 keeps all.
    fit_pictures : maximum number of images that everything is learnt from.
    seed : of everything random.
    """

    features: str = "superpixel"
    descriptor: str = "fine"
    points: int = 400
    longest_side: int = 320
    level: int = 0
    weights: str = ""
    side: int | None = None
    local_components: int = 48
    fit_pictures: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        require = partial(_require, self)
        require("points", self.points >= 1, "1 or more")
        require("longest_side", 16 <= self.longest_side <= 65536, "16 to 65536 pixels")
        require("level", self.level >= 0, "0 or more")
        require("local_components", self.local_components >= 0, "0 or more")
        require("fit_pictures", self.fit_pictures >= 1, "1 or more")
        require("seed", self.seed >= 0, "0 or more")

    @property
    def local(self) -> LocalSettings:
        """Those settings that concern the local features."""
        return LocalSettings(**{f.name: getattr(self, f.name) for f in fields(LocalSettings)})


@dataclass(frozen=True)
class VladSettings:
    """Settings of VLAD's vectors.

    Parameters
    ----------
    words : how many words, 2 to 1,024; less if the images have fewer distinct descriptors.
    power : each component of a residual is raised to it, in (0, 1]; 1 leaves it.
    components : of a PCA-whitening of the vectors, learnt from 32 images or more; 0 for none.
    whitening : how much of it, 0 to 1: each component is divided by its deviation to this power.
    """

    words: int = 64
    power: float = 0.5
    components: int = 128
    whitening: float = 0.5

    def __post_init__(self) -> None:
        require = partial(_require, self)
        require("words", 2 <= self.words <= 1024, "2 to 1024 words")
        require("power", 0 < self.power <= 1, "above 0 to 1")
        require("components", self.components >= 0, "0 or more")
        require("whitening", 0 <= self.whitening <= 1, "0 to 1")


@dataclass(frozen=True)
class AsmkSettings:
    """Settings of codes and of how they are compared.

    Parameters
    ----------
    words : how many words, 2 to 65,536; None: as many as the sample allows, at most 4,096.
    alpha : the exponent of the selectivity: the higher, the less far codes count.
    threshold : only codes count whose similarity, from −1 to 1, is above it; 0 to below 1.
    """

    words: int | None = None
    alpha: float = 3.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        require = partial(_require, self)
        require("words", self.words is None or 2 <= self.words <= 65536, "2 to 65536 words")
        require("alpha", 0 < self.alpha < np.inf, "a positive number")
        require("threshold", 0 <= self.threshold < 1, "0 to below 1")


def _require(settings: Any, name: str, sound: bool, remedy: str) -> None:
    if not sound:
        raise SettingError(f"{name}: {getattr(settings, name)!r} makes no sense; give {remedy}")
