"""The settings that every bag of words has, whatever its detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from retrieval.errors import SettingError

from .vocabulary.hamming_embedding import BITS
from .vocabulary.tf_idf import Norm, TermFrequency

DescriptorName = Literal["fine", "rootsift", "patch", "opponentsift"]
PatchNormalise = Literal["none", "mean", "meanstd"]
PointWeights = Literal["none", "gradient", "strength"]
LATER = {"signature": 0, "expand": 0, "median": 0, "density": "even", "weigh_points": "none"}
"""Settings of bags and detectors that some version lacked, and the values that give what it gave."""


@dataclass(frozen=True)
class WordSettings:
    """Settings of how points become words, and words a weighted bag.

    Parameters
    ----------
    longest_side : images are shrunk to at most this many pixels before anything else.
    foreground_only : keep points out of the black background.
    descriptor : ``fine`` (SIFT over the finest gradients), ``rootsift`` (gradients smoothed in proportion to
        the frame), ``patch`` (raw grey values), or ``opponentsift`` (``rootsift`` of three colour channels).
    gradient_sigma : smoothing before the gradient of ``fine``, in pixels.
    patch_side : samples along each axis of a ``patch``.
    patch_normalise : of a ``patch``: ``none`` keeps brightness and contrast, ``mean`` contrast, ``meanstd``
        neither.
    components : principal components that descriptors are reduced to; 0 keeps them whole.
    whitening : each component is divided by its standard deviation to this power, in [0, 1].
    position : weight of (row, col) appended to the descriptors; 0 leaves position out.
    weigh_points : how much a point counts in a bag: ``none``, each once; ``gradient``, by the root of the
        mean gradient in its frame; ``strength``, by the root of what its detector found it worth.
    words : how many words for shape; None: as many as the sample allows, at most 4,096.
    tone_words : how many words for tone; 0 leaves them out.
    tone_weight : their share of the score, in [0, 1].
    tone_extent : width of the frame that they see, in σ of the point's frame; SIFT's bins span 12.
    tf : ``raw``, ``sqrt`` (against burstiness), ``binary`` or ``log``.
    idf : weigh words by their rarity.
    norm : ``l2`` (cosine) or ``l1`` (Hellinger's affinity).
    stop : share of the most frequent words that is ignored, in [0, 1).
    assignments : how many nearest words each point of a query is shared among (soft assignment).
    softness : σ of soft assignment, in units of the descriptors.
    verify : how many of the best images are reranked by the number of matches that agree in space; 0 for
        none. A query with a region always reranks 200 or more.
    expand : how many of the best verified hits are added to the query, by their words within the matched
        box, before it is asked again; 0 for none. 200 or more are verified then.
    signature : 32 or 64 bits are kept of each point besides its word, and only points with like bits match;
        the best 300 are then scored by such matches. 0 keeps none.
    approximate_above : with more words than this the nearest word is found approximately; 0: never.
    fit_pictures : maximum number of images that words are learnt from (more if ``words`` needs them).
    seed : of everything random.
    """

    longest_side: int = 320
    foreground_only: bool = False
    descriptor: DescriptorName = "fine"
    gradient_sigma: float = 0.5
    patch_side: int = 9
    patch_normalise: PatchNormalise = "none"
    components: int = 48
    whitening: float = 0.5
    position: float = 0.0
    weigh_points: PointWeights = "none"
    words: int | None = None
    tone_words: int = 512
    tone_weight: float = 0.2
    tone_extent: float = 5.0
    tf: TermFrequency = "sqrt"
    idf: bool = True
    norm: Norm = "l2"
    stop: float = 0.0
    assignments: int = 1
    softness: float = 0.3
    verify: int = 0
    expand: int = 0
    signature: int = 0
    approximate_above: int = 8192
    fit_pictures: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        self._require(
            "descriptor", self.descriptor in get_args(DescriptorName), ", ".join(get_args(DescriptorName))
        )
        self._require("gradient_sigma", 0 <= self.gradient_sigma <= 16, "0 to 16 pixels")
        self._require("patch_side", 2 <= self.patch_side <= 64, "2 to 64 samples")
        known = self.patch_normalise in get_args(PatchNormalise)
        self._require("patch_normalise", known, "none, mean or meanstd")
        self._require("tf", self.tf in get_args(TermFrequency), "raw, sqrt, binary or log")
        self._require("norm", self.norm in get_args(Norm), "l2 or l1")
        known = self.weigh_points in get_args(PointWeights)
        self._require("weigh_points", known, "none, gradient or strength")
        self._require("stop", 0 <= self.stop < 1, "0 to below 1")
        self._require("longest_side", 16 <= self.longest_side <= 65536, "16 to 65536 pixels")
        self._require("components", self.components >= 0, "0 or more")
        self._require("whitening", 0 <= self.whitening <= 1, "0 to 1")
        self._require("tone_extent", 0 < self.tone_extent < np.inf, "a positive number")
        self._require("position", 0 <= self.position < np.inf, "0 or more")
        self._require("words", self.words is None or 2 <= self.words <= 65536, "2 to 65536 words")
        self._require("tone_words", self.tone_words == 0 or 2 <= self.tone_words <= 65536, "0, or 2 to 65536")
        self._require("tone_weight", 0 <= self.tone_weight <= 1, "0 to 1")
        self._require("assignments", 1 <= self.assignments <= 16, "1 to 16")
        self._require("softness", 0 < self.softness < np.inf, "a positive number")
        self._require("verify", self.verify >= 0, "0 or more")
        self._require("expand", self.expand >= 0, "0 or more")
        self._require("signature", self.signature in (0, *BITS), "0, 32 or 64 bits")
        self._require("approximate_above", self.approximate_above >= 0, "0 or more")
        self._require("fit_pictures", self.fit_pictures >= 1, "1 or more")
        self._require("seed", self.seed >= 0, "0 or more")

    def of_descriptor(self) -> dict[str, Any]:
        """Return the keywords of the chosen descriptor."""
        # Only the settings that this descriptor has; the other ones say nothing about it.
        if self.descriptor == "fine":
            return {"gradient_sigma": self.gradient_sigma}
        if self.descriptor == "patch":
            return {"side": self.patch_side, "normalise": self.patch_normalise}
        return {}

    def _require(self, name: str, sound: bool, remedy: str) -> None:
        if not sound:
            raise SettingError(f"{name}: {getattr(self, name)!r} makes no sense; give {remedy}")
