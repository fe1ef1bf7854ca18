"""The bag of visual words: the representation of the first family."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from threadpoolctl import threadpool_limits

from retrieval.errors import FitError, IndexFolderError
from retrieval.picture import Picture
from retrieval.rankers.inverted import InvertedIndex
from retrieval.region import Region
from retrieval.representation import Arrays, Encoding
from retrieval.statistics.blas_threads import one_blas_thread
from retrieval.statistics.pca import Pca

from .descriptors import DESCRIPTORS
from .descriptors.colour import ColourPatch
from .detectors.detector import Detector
from .extraction import FeatureExtractor, Features
from .settings import LATER, WordSettings
from .verification.evidence import evidence_of
from .verification.word_search import WordSearch
from .vocabulary.hamming_embedding import Signatures
from .vocabulary.sample_size import PER_PICTURE, PER_WORD, allowed_words, distinct_words, spread
from .vocabulary.sampled_rows import SampledRows, gather
from .vocabulary.vocabulary import Vocabulary
from .vocabulary.weighted_vocabulary import WeightedVocabulary


@dataclass(eq=False)
class BagOfWords(WordSearch):
    """Describe an image by how often each visual word occurs in it.

    Points are found, described and replaced by the nearest word of a vocabulary; the counts are weighted
    (tf · idf) and scaled to unit length. Beside the words for shape there are words for tone (local grey
    level or colour), from a vocabulary of their own: with the two bags x and y at unit length and
    w = ``tone_weight``, the vector is (√(1 − w) x, √w y), so that scores are (1 − w) ⟨x, x'⟩ + w ⟨y, y'⟩.

    Parameters
    ----------
    name : of the detector, as the entry point says.
    detector : finds the points.
    chosen : all other settings.

    Attributes
    ----------
    shape_vocabulary_, tone_vocabulary_ : words with their weights; the latter is None if tone is left out.
    signatures_ : makes the signatures of points; None if they are left out.
    """

    name: str
    detector: Detector
    chosen: WordSettings
    shape_vocabulary_: WeightedVocabulary | None = field(init=False, default=None, repr=False)
    tone_vocabulary_: WeightedVocabulary | None = field(init=False, default=None, repr=False)
    signatures_: Signatures | None = field(init=False, default=None, repr=False)

    family = "words"
    query_settings = ("assignments", "softness", "verify", "expand")
    """The settings that change queries alone."""

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting of the detector and of the bag, as JSON holds it."""
        return {**asdict(self.detector), **asdict(self.chosen)}  # type: ignore[call-overload]

    @property
    def later_settings(self) -> dict[str, Any]:
        """Settings that some indexes were made without; see ``recipe_settings`` of ``retrieval.index``."""
        return {name: value for name, value in LATER.items() if name in self.settings}

    @property
    def parts(self) -> tuple[type, ...]:
        """The dataclasses whose fields the settings are."""
        return type(self.detector), WordSettings

    @property
    def n_fit_pictures(self) -> int:
        """Maximum number of images that ``learn`` needs: above ``fit_pictures`` if the words need more."""
        # An image gives no more than PER_PICTURE descriptors, or as many as it has points.
        wanted = (self.chosen.words or 0) * PER_WORD // max(1, min(self.detector.points, PER_PICTURE))
        return max(self.chosen.fit_pictures, wanted)

    @property
    def is_fitted(self) -> bool:
        """Whether there is a vocabulary."""
        return self.shape_vocabulary_ is not None

    @property
    def report(self) -> dict[str, Any]:
        """What the vocabularies are like on the sample they were learnt from; empty once restored."""
        both = {"shape": self.shape_vocabulary_, "tone": self.tone_vocabulary_}
        return {name: it.report.summary(it.size) for name, it in both.items() if it is not None and it.report}

    @property
    def size(self) -> int:
        """The length of the vectors: words for shape, then words for tone."""
        shape, tone = self._fitted()
        return shape.size + (0 if tone is None else tone.size)

    def sample(self, picture: Picture) -> Arrays:
        """Return descriptors of shape and of tone, float16, of at most ``PER_PICTURE`` points."""
        return self.sample_of(self.describe(picture))

    def describe(self, picture: Picture) -> Arrays:
        """Return the features of an image as arrays."""
        return self.extractor.extract(picture).arrays()

    def sample_of(self, described: Arrays) -> Arrays:
        """Return what ``sample`` returns, of the features of an image."""
        features = Features.of(described)
        kept = spread(len(features.keypoints))
        return {
            "shapes": features.shape_descriptors[kept].astype(np.float16),
            "tones": features.tone_descriptors[kept].astype(np.float16),
        }

    def learn(self, samples: Iterable[Arrays]) -> Self:
        """Learn both vocabularies and their weights. Raise FitError if there are too few points."""
        shapes, tones = gather(samples, "shapes", "tones")
        n = len(shapes.together)
        if n < 2:
            raise FitError(f"{self.name}: the images have {n} points, too few for any words; add images")
        n_words = self.chosen.words or allowed_words(shapes.together)
        shape = self._vocabulary(shapes, n_words, self._pca)
        if self.chosen.signature:
            self.signatures_ = self._signatures(shape, shapes)
        if self.chosen.tone_words:
            # Tone has few distinct values, in images of few grey levels fewer than words are asked for.
            n_words = distinct_words(self.chosen.tone_words, tones.together)
            self.tone_vocabulary_ = self._vocabulary(tones, n_words, None)
        self.shape_vocabulary_ = shape
        return self

    def fit(self, pictures: Iterable[Picture]) -> Self:
        """Learn from images."""
        return self.learn(self.sample(picture) for picture in pictures)

    def encode(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return the bag of an image or of a region of it, and as evidence its points (``EVIDENCE``)."""
        return self._encoded(self.extractor.extract(picture, region), assignments=1)

    def encode_described(self, described: Arrays) -> Encoding:
        """Return what ``encode`` returns, of the features of an image."""
        return self._encoded(Features.of(described), assignments=1)

    def encode_query(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return the bag of a query: as ``encode``, but each point shared among its ``assignments`` words."""
        with one_blas_thread():
            return self._encoded(self.extractor.extract(picture, region), self.chosen.assignments)

    def _encoded(self, features: Features, assignments: int) -> Encoding:
        shape, tone = self._fitted()
        reduced = shape.reduced(features.shape_descriptors)
        words = shape.assigner.assign(reduced)
        if assignments == 1:
            bags = [shape.bag(words, self._weighting, features.amounts)]
        else:
            descriptors, softness = features.shape_descriptors, self.chosen.softness
            bags = [shape.soft_bag(descriptors, self._weighting, assignments, softness, features.amounts)]
        # Matching in space needs one word a point, the nearest, however the bag shares the point out.
        evidence = evidence_of(words, features, self.chosen.signature)
        if self.signatures_ is not None:
            evidence["signature"] = self.signatures_.of(reduced, words)
        if tone is not None:
            evidence["tone"] = tone.words(features.tone_descriptors)
            bags.append(tone.bag(evidence["tone"], self._weighting, features.amounts))
        return Encoding(self._join(bags), evidence)

    def adjusted(self, **settings: Any) -> BagOfWords:
        """Return the same bag with other ``query_settings``. Raise SettingError if one is out of range."""
        # The vocabularies are shared, not copied: they are large, and no setting of queries changes them.
        other = BagOfWords(self.name, self.detector, replace(self.chosen, **settings))
        other.shape_vocabulary_, other.tone_vocabulary_ = self._fitted()
        other.signatures_ = self.signatures_
        return other

    def learnt(self) -> Arrays:
        """Return the words, their weights and their document frequencies."""
        shape, tone = self._fitted()
        return {
            **shape.arrays("shapes"),
            **({} if tone is None else tone.arrays("tones")),
            **({} if self.signatures_ is None else self.signatures_.arrays()),
        }

    def restore(self, arrays: Arrays) -> Self:
        """Take back what ``learnt`` returned. Raise IndexFolderError if it does not fit the settings."""
        above = self.chosen.approximate_above
        shape = WeightedVocabulary.restore(arrays, "shapes", self._pca, above)
        if self.chosen.words not in (None, shape.size) or shape.dimension != self.extractor.dimension:
            raise IndexFolderError(
                f"{self.name}: {shape.size} words for descriptors of length {shape.dimension} do not fit "
                "the settings; index again"
            )
        if self.chosen.tone_words:
            self.tone_vocabulary_ = WeightedVocabulary.restore(arrays, "tones", None, above)
        if self.chosen.signature:
            dimension = shape.centers.shape[1]
            self.signatures_ = Signatures.restore(arrays, shape.size, dimension, self.chosen.signature)
        self.shape_vocabulary_ = shape
        return self

    def make_ranker(self) -> InvertedIndex:
        """Return an empty inverted index over its words."""
        return InvertedIndex(self.size, self._factors)

    def open_ranker(self, folders: Iterable[Path]) -> InvertedIndex:
        """Open saved segments as one inverted index."""
        return InvertedIndex.open(folders, self.size, self._factors)

    @property
    def extractor(self) -> FeatureExtractor:
        """What finds and describes the points of an image, made of the settings."""
        # Made of the settings each time: frozen dataclasses cost nothing, and nothing can get out of step.
        chosen = self.chosen
        descriptor = DESCRIPTORS[chosen.descriptor](**chosen.of_descriptor())
        tone = ColourPatch(extent=chosen.tone_extent) if chosen.tone_words else None
        rest = chosen.longest_side, chosen.foreground_only, chosen.position, chosen.weigh_points
        return FeatureExtractor(self.detector, descriptor, tone, *rest)

    @property
    def _pca(self) -> Pca | None:
        """What reduces descriptors of shape, not fitted yet."""
        return Pca(self.chosen.components, self.chosen.whitening) if self.chosen.components else None

    def _vocabulary(self, sample: SampledRows, n_words: int, pca: Pca | None) -> WeightedVocabulary:
        vocabulary = Vocabulary(n_words, seed=self.chosen.seed)
        return WeightedVocabulary.learn(
            sample, vocabulary, self._weighting, pca, self.chosen.approximate_above
        )

    def _signatures(self, vocabulary: WeightedVocabulary, sample: SampledRows) -> Signatures:
        with threadpool_limits(limits=1, user_api="blas"):  # the same bits on any number of processors
            reduced = vocabulary.reduced(sample.together)
            words = vocabulary.assigner.assign(reduced)
            return Signatures.learn(reduced, words, vocabulary.size, self.chosen.signature, self.chosen.seed)
