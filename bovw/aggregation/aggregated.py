"""Aggregated local features as a representation: VLAD and ASMK*, over points or a network's feature map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import FitError, IndexFolderError
from retrieval.evidence.local_features import (
    LocalDescriptors,
    LocalFeatures,
    NetworkFeatures,
    make_local_features,
)
from retrieval.picture import Picture
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.selective_match import MOST_BITS, SelectiveIndex
from retrieval.region import Region
from retrieval.representation import Arrays, Encoding
from retrieval.statistics.pca import Pca

from ..verification.evidence import EVIDENCE
from ..vocabulary.sample_size import MOST_WORDS, allowed_words, distinct_words
from ..vocabulary.sampled_rows import gather
from ..vocabulary.tf_idf import Weighting
from ..vocabulary.vocabulary import Vocabulary
from ..vocabulary.weighted_vocabulary import WeightedVocabulary
from .aggregation_settings import AggregationSettings, AsmkSettings, VladSettings
from .asmk import Asmk
from .vlad import Vlad

_FEATURES, _OWN = "features_", "own_"


@dataclass(eq=False)
class Aggregated:
    """Describe an image by what the descriptors of each word have in common: the sum of their residuals.

    Parameters
    ----------
    name : the entry point, ``vlad`` or ``asmk``.
    common : the settings that every aggregation has.
    chosen : those of this one.
    local_features : find and describe what is aggregated.

    Attributes
    ----------
    aggregator_ : makes vectors of descriptors, with the words; None before they are learnt.
    """

    name: str
    common: AggregationSettings
    chosen: VladSettings | AsmkSettings
    local_features: LocalFeatures
    aggregator_: Vlad | Asmk | None = field(init=False, default=None, repr=False)

    family = "words"

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting, as JSON holds it."""
        return {**asdict(self.common), **asdict(self.chosen)}

    @property
    def parts(self) -> tuple[type, ...]:
        """The dataclasses whose fields the settings are."""
        return AggregationSettings, type(self.chosen)

    @property
    def n_fit_pictures(self) -> int:
        """Maximum number of images that ``learn`` needs."""
        return self.common.fit_pictures

    @property
    def is_fitted(self) -> bool:
        """Whether there are words."""
        return self.aggregator_ is not None

    def sample(self, picture: Picture) -> Arrays:
        """Sample from an image what descriptors can be made of."""
        return self.local_features.sample(picture)

    def load(self) -> Self:
        """Get what the local features need. Raise SettingError if that is not possible."""
        self.local_features.load()
        return self

    def learn(self, samples: Iterable[Arrays]) -> Self:
        """Learn the words and what is made of them. Raise FitError if there are too few descriptors."""
        self.load()
        pictures = [_halved(descriptors) for descriptors in self.local_features.sampled(list(samples))]
        sample, wanted = gather(({"all": rows} for rows in pictures), "all")[0], self.chosen.words
        n, together = len(sample.together), sample.together
        if n < 2:
            raise FitError(f"{self.name}: the images have {n} points, too few for any words; add images")
        words = distinct_words(wanted, together) if wanted else allowed_words(together)
        vocabulary = Vocabulary(words, seed=self.common.seed)
        # The words are learnt from all descriptors, what is made of them image by image.
        made = self._aggregator(WeightedVocabulary.learn(sample, vocabulary, Weighting(), self._pca, 8192))
        made.learn(pictures)
        self.aggregator_ = made
        return self

    def fit(self, pictures: Iterable[Picture]) -> Self:
        """Learn from images."""
        return self.learn(self.sample(picture) for picture in pictures)

    def encode(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return the vector of an image or of a region of it, and as evidence its points (``EVIDENCE``)."""
        made = self._fitted()
        found = self.local_features.extract(picture, region)
        return Encoding(made.vector(found.descriptors), _evidence(made.vocabulary, found))

    def encode_query(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return what ``encode`` does."""
        return self.encode(picture, region)

    def learnt(self) -> Arrays:
        """Return the words, what is made of them, and what the local features must keep."""
        made = self._fitted()
        return {
            **made.vocabulary.arrays("words"),
            **{_OWN + name: array for name, array in made.arrays().items()},
            **{_FEATURES + name: array for name, array in self.local_features.learnt().items()},
        }

    def restore(self, arrays: Arrays) -> Self:
        """Take back what ``learnt`` returned. Raise IndexFolderError if it does not fit the settings."""
        self.local_features.restore(_of(arrays, _FEATURES))
        vocabulary = WeightedVocabulary.restore(arrays, "words", self._pca, 8192)
        most = self.chosen.words or MOST_WORDS
        if vocabulary.dimension != self.local_features.dimension or vocabulary.size > most:
            raise IndexFolderError(
                f"{self.name}: {vocabulary.size} words for descriptors of length "
                f"{vocabulary.dimension} do not fit the settings; index again"
            )
        made = self._aggregator(vocabulary)
        made.restore(_of(arrays, _OWN))
        self.aggregator_ = made
        return self

    def make_ranker(self) -> ExactRanker | SelectiveIndex:
        """Return an empty ranker."""
        return self._fitted().ranker()

    def open_ranker(self, folders: Iterable[Path]) -> ExactRanker | SelectiveIndex:
        """Open saved segments as one ranker."""
        return self._fitted().ranker(folders)

    @property
    def _pca(self) -> Pca | None:
        """What reduces descriptors, not fitted yet; a code has one bit for each of its components."""
        # 128 bits are two machine words: more components are left out rather than bits shared between them.
        most = self.common.local_components
        if isinstance(self.chosen, AsmkSettings):
            most = min(most or MOST_BITS, MOST_BITS)
        return Pca(most, 0.5) if most else None

    def _aggregator(self, vocabulary: WeightedVocabulary) -> Vlad | Asmk:
        if isinstance(self.chosen, VladSettings):
            return Vlad(self.chosen, vocabulary)
        return Asmk(self.chosen, vocabulary)

    def _fitted(self) -> Vlad | Asmk:
        if self.aggregator_ is None:
            raise FitError(f"{self.name} has no words yet; call fit first")
        return self.aggregator_


@dataclass(eq=False)
class AggregatedMaps(Aggregated):
    """Aggregate the feature maps of a network: images go through it in batches, in one process.

    There is no evidence: places of a feature map are the same in every image, and cheap to compute again.
    """

    batch_size = 32
    """How many images are best encoded together."""

    @property
    def in_batches(self) -> bool:
        """Whether the network is run so."""
        return self._network.in_batches

    def prepare(self, picture: Picture) -> NDArray[Any]:
        """Return the network's input for an image."""
        self._fitted()
        return self._network.prepare(picture)

    def encode_prepared(self, prepared: Sequence[NDArray[Any]]) -> list[Encoding]:
        """Return the encodings of prepared images, computed as one batch."""
        made = self._fitted()
        return [Encoding(made.vector(found)) for found in self._network.extract_prepared(prepared)]

    def encode(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return the vector of an image or of a region of it."""
        return replace(super().encode(picture, region), evidence=None)

    @property
    def _network(self) -> NetworkFeatures:
        assert isinstance(self.local_features, NetworkFeatures)
        return self.local_features


def make_aggregated(
    name: str, kind: type[VladSettings] | type[AsmkSettings], settings: dict[str, Any]
) -> Aggregated:
    """Make a representation that has learnt nothing yet; its settings are those of ``kind`` and the common.

    Raise SettingError if one is refused.
    """
    own = {f.name for f in fields(kind)}
    common = AggregationSettings(**{n: v for n, v in settings.items() if n not in own})
    chosen = kind(**{n: v for n, v in settings.items() if n in own})
    local_features = make_local_features(common.features, common.local)
    made = AggregatedMaps if isinstance(local_features, NetworkFeatures) else Aggregated
    # The settings as the features keep them: the path of a weight file, for one, has become its hash.
    return made(name, replace(common, **asdict(local_features.kept)), chosen, local_features)


def _halved(descriptors: NDArray[np.floating]) -> NDArray[np.float16]:
    """Return descriptors as float16: half the memory, and no worse words."""
    return descriptors.astype(np.float16, copy=False)


def _of(arrays: Arrays, prefix: str) -> Arrays:
    """Return the arrays whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}


def _evidence(vocabulary: WeightedVocabulary, found: LocalDescriptors) -> NDArray[np.void]:
    # Verification needs a word and a frame for each point; what tone would have stays 0.
    evidence = np.zeros(len(found), dtype=EVIDENCE)
    evidence["word"] = vocabulary.words(found.descriptors) if len(found) else 0
    evidence["row"], evidence["col"] = found.rows, found.cols
    evidence["scale"], evidence["orientation"] = found.scales, found.orientations
    return evidence
