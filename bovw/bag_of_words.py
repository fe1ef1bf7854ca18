"""The bag of visual words: the representation of the first family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from retrieval.errors import FitError, IndexFolderError
from retrieval.picture import Picture
from retrieval.rankers.inverted import InvertedIndex
from retrieval.region import Region
from retrieval.representation import Arrays, Encoding
from retrieval.statistics.pca import Pca

from .descriptors import DESCRIPTORS
from .descriptors.colour import ColourPatch
from .detectors.detector import Detector
from .extraction import FeatureExtractor
from .settings import WordSettings
from .verification.evidence import evidence_of
from .verification.word_search import WordSearch
from .vocabulary.distinct import count_distinct
from .vocabulary.hamming_embedding import Signatures
from .vocabulary.vocabulary import Vocabulary
from .vocabulary.weighted_vocabulary import WeightedVocabulary

MOST_WORDS, PER_WORD = 4096, 32
"""Where the number of words is left open: this many at most, and this many descriptors for each at least."""
PER_PICTURE = 512
"""The vocabulary is learnt from at most so many descriptors of one picture."""


@dataclass(eq=False)
class BagOfWords(WordSearch):
    """Describe a picture by how often each visual word occurs in it.

    Points are found, described and replaced by the nearest word of a vocabulary; the counts are weighted
    (tf · idf) and scaled to unit length. Beside the words for shape and texture stand words for tone (local
    grey level or colour), from a vocabulary of their own: with the two bags x and y at unit length and
    w = ``tone_weight``, the vector is (√(1 − w) x, √w y), so that scores are (1 − w) ⟨x, x'⟩ + w ⟨y, y'⟩.

    Parameters
    ----------
    name : of the detector, as the entry point says.
    detector : finds the points.
    chosen : all other settings.

    Attributes
    ----------
    shapes_, tones_ : the two vocabularies with their weights; ``tones_`` is None where tone is left out.
    signatures_ : what makes the signatures of points; None where they are left out.
    """

    name: str
    detector: Detector
    chosen: WordSettings
    shapes_: WeightedVocabulary | None = field(init=False, default=None, repr=False)
    tones_: WeightedVocabulary | None = field(init=False, default=None, repr=False)
    signatures_: Signatures | None = field(init=False, default=None, repr=False)

    query_settings = ("assignments", "softness", "verify", "expand")
    """The settings that change queries alone."""
    later_settings: ClassVar[Mapping[str, Any]] = {"signature": 0, "expand": 0}
    """Settings that indexes were made without at first; see ``recipe_settings`` of ``retrieval.index``."""

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting of the detector and of the bag, as JSON holds it."""
        return {**asdict(self.detector), **asdict(self.chosen)}  # type: ignore[call-overload]

    @property
    def parts(self) -> tuple[type, ...]:
        """The dataclasses whose fields the settings are."""
        return type(self.detector), WordSettings

    @property
    def n_fit_pictures(self) -> int:
        """How many pictures ``learn`` wants at most: more than ``fit_pictures`` where the words need them."""
        wanted = (self.chosen.words or 0) * PER_WORD // max(1, min(self.detector.points, PER_PICTURE))
        return max(self.chosen.fit_pictures, wanted)

    @property
    def is_fitted(self) -> bool:
        """Tell whether there is a vocabulary."""
        return self.shapes_ is not None

    @property
    def report(self) -> dict[str, Any]:
        """What the vocabularies are like on the sample they were learnt from; empty once restored."""
        lexicons = {"shape": self.shapes_, "tone": self.tones_}
        return {name: _summary(it) for name, it in lexicons.items() if it is not None and it.report}

    @property
    def size(self) -> int:
        """The length of the vectors: words for shape, then words for tone."""
        shapes, tones = self._fitted()
        return shapes.size + (0 if tones is None else tones.size)

    def sample(self, picture: Picture) -> Arrays:
        """Return descriptors of shape and of tone, float16, of at most ``PER_PICTURE`` points."""
        features = self._observer.extract(picture)
        n = len(features.keypoints)
        kept = np.linspace(0, n - 1, min(n, PER_PICTURE)).astype(np.intp)
        return {
            "shapes": features.shapes[kept].astype(np.float16),
            "tones": features.tones[kept].astype(np.float16),
        }

    def learn(self, samples: Iterable[Arrays]) -> Self:
        """Learn both vocabularies and their weights. Raise FitError where there are too few points."""
        drawn = [(s["shapes"], s["tones"]) for s in samples]
        n = sum(len(shapes) for shapes, _ in drawn)
        if n < 2:
            raise FitError(f"{self.name}: the pictures have {n} points, too few for any words; add pictures")
        shapes, tones = [shapes for shapes, _ in drawn], [tones for _, tones in drawn]
        of_shape = self._lexicon(shapes, self.chosen.words or _affordable(shapes), self._pca)
        if self.chosen.signature:
            self.signatures_ = self._signatures(of_shape, shapes)
        if self.chosen.tone_words:
            self.tones_ = self._lexicon(tones, _at_most(self.chosen.tone_words, tones), None)
        self.shapes_ = of_shape
        return self

    def fit(self, pictures: Iterable[Picture]) -> Self:
        """Learn from pictures."""
        return self.learn(self.sample(picture) for picture in pictures)

    def encode(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return the bag of a picture or of a region of it, and as evidence its points (``EVIDENCE``)."""
        return self._encoded(picture, region, assignments=1)

    def encode_query(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return the bag of a query: as ``encode``, but each point shared among its ``assignments`` words."""
        return self._encoded(picture, region, self.chosen.assignments)

    def _encoded(self, picture: Picture, region: Region | None, assignments: int) -> Encoding:
        shapes, tones = self._fitted()
        features = self._observer.extract(picture, region)
        reduced = shapes.reduced(features.shapes)
        words = shapes.assigner.assign(reduced)
        if assignments == 1:
            bags = [shapes.bag(words, self._weighting)]
        else:
            bags = [shapes.soft_bag(features.shapes, self._weighting, assignments, self.chosen.softness)]
        evidence = evidence_of(words, features, self.chosen.signature)
        if self.signatures_ is not None:
            evidence["signature"] = self.signatures_.of(reduced, words)
        if tones is not None:
            evidence["tone"] = tones.words(features.tones)
            bags.append(tones.bag(evidence["tone"], self._weighting))
        return Encoding(self._join(bags), evidence)

    def adjusted(self, **settings: Any) -> BagOfWords:
        """Return the same bag with other ``query_settings``. Raise SettingError where one is out of range."""
        other = BagOfWords(self.name, self.detector, replace(self.chosen, **settings))
        other.shapes_, other.tones_ = self._fitted()
        other.signatures_ = self.signatures_
        return other

    def learnt(self) -> Arrays:
        """Return the words, their weights and their document frequencies."""
        shapes, tones = self._fitted()
        more = [{} if tones is None else tones.arrays("tones")]
        more += [{} if self.signatures_ is None else self.signatures_.arrays()]
        return {**shapes.arrays("shapes"), **more[0], **more[1]}

    def restore(self, arrays: Arrays) -> Self:
        """Take back what ``learnt`` returned. Raise IndexFolderError where it does not fit the settings."""
        above = self.chosen.approximate_above
        shapes = WeightedVocabulary.restore(arrays, "shapes", self._pca, above)
        if self.chosen.words not in (None, shapes.size) or shapes.dimension != self._observer.dimension:
            raise IndexFolderError(
                f"{self.name}: {shapes.size} words for descriptors of length {shapes.dimension} do not fit "
                "the settings; index again"
            )
        if self.chosen.tone_words:
            self.tones_ = WeightedVocabulary.restore(arrays, "tones", None, above)
        if self.chosen.signature:
            dimension = shapes.centers.shape[1]
            self.signatures_ = Signatures.restore(arrays, shapes.size, dimension, self.chosen.signature)
        self.shapes_ = shapes
        return self

    def make_ranker(self) -> InvertedIndex:
        """Return an empty inverted index over its words."""
        return InvertedIndex(self.size)

    def open_ranker(self, folders: Iterable[Path]) -> InvertedIndex:
        """Open saved segments as one inverted index."""
        return InvertedIndex.open(folders, self.size)

    @property
    def _observer(self) -> FeatureExtractor:
        chosen = self.chosen
        kind = DESCRIPTORS[chosen.descriptor]
        descriptor = kind(**chosen.of_descriptor())
        tone = ColourPatch(extent=chosen.tone_extent) if chosen.tone_words else None
        return FeatureExtractor(
            self.detector, descriptor, tone, chosen.longest_side, chosen.foreground_only, chosen.position
        )

    @property
    def _pca(self) -> Pca | None:
        """What reduces descriptors of shape, not fitted yet."""
        return Pca(self.chosen.components, self.chosen.whitening) if self.chosen.components else None

    def _lexicon(
        self, pictures: list[NDArray[np.float16]], words: int, pca: Pca | None
    ) -> WeightedVocabulary:
        vocabulary = Vocabulary(words, seed=self.chosen.seed)
        return WeightedVocabulary.learn(
            pictures, vocabulary, self._weighting, pca, self.chosen.approximate_above
        )

    def _signatures(self, lexicon: WeightedVocabulary, pictures: list[NDArray[np.float16]]) -> Signatures:
        with threadpool_limits(limits=1, user_api="blas"):  # the same bits on any number of processors
            reduced = lexicon.reduced(np.concatenate(pictures))
            words = lexicon.assigner.assign(reduced)
            return Signatures.learn(reduced, words, lexicon.size, self.chosen.signature, self.chosen.seed)


def _affordable(pictures: list[NDArray[np.float16]]) -> int:
    """Return how many words the descriptors (n_i, d) of some pictures can afford."""
    n = sum(len(descriptors) for descriptors in pictures)
    return _at_most(int(np.clip(n // PER_WORD, 2, MOST_WORDS)), pictures)


def _at_most(words: int, pictures: list[NDArray[np.float16]]) -> int:
    """Return a number of words, less where fewer descriptors differ; at least 2."""
    together = np.concatenate(pictures)
    return max(2, min(words, count_distinct(together, np.arange(len(together)), enough=words)))


def _summary(lexicon: WeightedVocabulary) -> dict[str, Any]:
    """Count the words, and those that are out of the ordinary, as JSON holds it."""
    report = lexicon.report
    if report is None:
        return {}
    return {
        "words": lexicon.size,
        "descriptors": report.n_used,
        "distortion": round(report.distortion, 6),
        "empty words": len(report.empty_words),
        "dominant words": len(report.dominant_words),
        "largest share": round(report.largest_share, 6),
    }
