"""Aggregated local features as a representation: VLAD and ASMK*, over points or over a network's cells."""

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
from ..vocabulary.distinct import count_distinct
from ..vocabulary.tf_idf import Weighting
from ..vocabulary.vocabulary import Vocabulary
from ..vocabulary.weighted_vocabulary import WeightedVocabulary
from .aggregation_settings import AggregationSettings, AsmkSettings, VladSettings
from .asmk import Asmk
from .vlad import Vlad

MOST_WORDS, PER_WORD = 4096, 32
"""Where the number of words is left open: this many at most, and this many descriptors for each at least."""

_FEATURES, _OWN = "features_", "own_"


@dataclass(eq=False)
class Aggregated:
    """Describe a picture by what the descriptors of each word have in common: the sum of their residuals.

    Parameters
    ----------
    name : the entry point, ``vlad`` or ``asmk``.
    common : the settings that every aggregation has.
    chosen : those of this one.
    seen : the local features.

    Attributes
    ----------
    made_ : what makes vectors, with the words; None before they are learnt.
    """

    name: str
    common: AggregationSettings
    chosen: VladSettings | AsmkSettings
    seen: LocalFeatures
    made_: Vlad | Asmk | None = field(init=False, default=None, repr=False)

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
        """How many pictures ``learn`` wants at most."""
        return self.common.fit_pictures

    @property
    def is_fitted(self) -> bool:
        """Tell whether there are words."""
        return self.made_ is not None

    def sample(self, picture: Picture) -> Arrays:
        """Draw from a picture what descriptors can be made of."""
        return self.seen.sample(picture)

    def load(self) -> Self:
        """Get what the local features need. Raise SettingError where that is not possible."""
        self.seen.load()
        return self

    def learn(self, samples: Iterable[Arrays]) -> Self:
        """Learn the words and what is made of them. Raise FitError where there are too few descriptors."""
        self.load()
        pictures = [_halved(descriptors) for descriptors in self.seen.sampled(list(samples))]
        n = sum(map(len, pictures))
        if n < 2:
            raise FitError(f"{self.name}: the pictures have {n} points, too few for any words; add pictures")
        wanted = self.chosen.words or int(np.clip(n // PER_WORD, 2, MOST_WORDS))
        together = np.concatenate(pictures)
        words = max(2, min(wanted, count_distinct(together, np.arange(n), enough=wanted)))
        vocabulary = Vocabulary(words, seed=self.common.seed)
        made = self._maker(WeightedVocabulary.learn(pictures, vocabulary, Weighting(), self._pca, 8192))
        made.learn(pictures)
        self.made_ = made
        return self

    def fit(self, pictures: Iterable[Picture]) -> Self:
        """Learn from pictures."""
        return self.learn(self.sample(picture) for picture in pictures)

    def encode(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return the vector of a picture or of a region of it, and as evidence its points (``EVIDENCE``)."""
        made = self._made()
        found = self.seen.extract(picture, region)
        return Encoding(made.vector(found.descriptors), _evidence(made.lexicon, found))

    def encode_query(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return what ``encode`` does."""
        return self.encode(picture, region)

    def learnt(self) -> Arrays:
        """Return the words, what is made of them, and what the local features must keep."""
        made = self._made()
        return {
            **made.lexicon.arrays("words"),
            **{_OWN + name: array for name, array in made.arrays().items()},
            **{_FEATURES + name: array for name, array in self.seen.learnt().items()},
        }

    def restore(self, arrays: Arrays) -> Self:
        """Take back what ``learnt`` returned. Raise IndexFolderError where it does not fit the settings."""
        self.seen.restore(_of(arrays, _FEATURES))
        lexicon = WeightedVocabulary.restore(arrays, "words", self._pca, 8192)
        if lexicon.dimension != self.seen.dimension or lexicon.size > (self.chosen.words or MOST_WORDS):
            raise IndexFolderError(
                f"{self.name}: {lexicon.size} words for descriptors of length {lexicon.dimension} do not fit "
                "the settings; index again"
            )
        made = self._maker(lexicon)
        made.restore(_of(arrays, _OWN))
        self.made_ = made
        return self

    def make_ranker(self) -> ExactRanker | SelectiveIndex:
        """Return an empty ranker."""
        return self._made().ranker()

    def open_ranker(self, folders: Iterable[Path]) -> ExactRanker | SelectiveIndex:
        """Open saved segments as one ranker."""
        return self._made().ranker(folders)

    @property
    def _pca(self) -> Pca | None:
        """What reduces descriptors, not fitted yet; a code has one bit for each of its components."""
        most = self.common.local_components
        if isinstance(self.chosen, AsmkSettings):
            most = min(most or MOST_BITS, MOST_BITS)
        return Pca(most, 0.5) if most else None

    def _maker(self, lexicon: WeightedVocabulary) -> Vlad | Asmk:
        if isinstance(self.chosen, VladSettings):
            return Vlad(self.chosen, lexicon)
        return Asmk(self.chosen, lexicon)

    def _made(self) -> Vlad | Asmk:
        if self.made_ is None:
            raise FitError(f"{self.name} has no words yet; call fit first")
        return self.made_


@dataclass(eq=False)
class AggregatedCells(Aggregated):
    """Aggregate what a network sees: pictures go through it in batches, in one process.

    There is no evidence: cells lie where they lie, and the next query computes them again.
    """

    batch_size = 32
    """How many pictures are best encoded together."""

    def prepare(self, picture: Picture) -> NDArray[Any]:
        """Return what the network is given of a picture."""
        self._made()
        return self._network.prepare(picture)

    def encode_prepared(self, prepared: Sequence[NDArray[Any]]) -> list[Encoding]:
        """Return the encodings of prepared pictures, computed as one batch."""
        made = self._made()
        return [Encoding(made.vector(found)) for found in self._network.extract_prepared(prepared)]

    def encode(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return the vector of a picture or of a region of it."""
        return replace(super().encode(picture, region), evidence=None)

    @property
    def _network(self) -> NetworkFeatures:
        assert isinstance(self.seen, NetworkFeatures)
        return self.seen


def make(name: str, kind: type[VladSettings] | type[AsmkSettings], settings: dict[str, Any]) -> Aggregated:
    """Make a representation that has learnt nothing yet; its settings are those of ``kind`` and the common.

    Raise SettingError where one is refused.
    """
    own = {f.name for f in fields(kind)}
    common = AggregationSettings(**{n: v for n, v in settings.items() if n not in own})
    chosen = kind(**{n: v for n, v in settings.items() if n in own})
    seen = make_local_features(common.features, common.local)
    made = AggregatedCells if isinstance(seen, NetworkFeatures) else Aggregated
    return made(name, replace(common, **asdict(seen.kept)), chosen, seen)


def _halved(descriptors: NDArray[np.floating]) -> NDArray[np.float16]:
    """Return descriptors as float16: half the memory, and no worse words."""
    return descriptors.astype(np.float16, copy=False)


def _of(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}


def _evidence(lexicon: WeightedVocabulary, found: LocalDescriptors) -> NDArray[np.void]:
    evidence = np.zeros(len(found), dtype=EVIDENCE)
    evidence["word"] = lexicon.words(found.descriptors) if len(found) else 0
    evidence["row"], evidence["col"] = found.rows, found.cols
    evidence["scale"], evidence["orientation"] = found.scales, found.orientations
    return evidence
