"""Detectors of interest points, by name. One small file each, and one result for all: ``Keypoints``."""

from .dense import Dense
from .detector import Detector
from .sift import Sift
from .superpixel import Superpixel

DETECTORS: dict[str, type[Sift] | type[Dense] | type[Superpixel]] = {
    "sift": Sift,
    "dense": Dense,
    "superpixel": Superpixel,
}

__all__ = ["DETECTORS", "Dense", "Detector", "Sift", "Superpixel"]
