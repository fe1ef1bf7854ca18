"""A vocabulary that is ready for use, with the weight of each of its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from retrieval.errors import IndexFolderError
from retrieval.representation import Arrays, SparseVector
from retrieval.statistics.pca import Pca

from .assignment import Assigner
from .sampled_rows import SampledRows
from .tf_idf import Weighting, soft_amounts
from .vocabulary import Vocabulary, VocabularyReport

Descriptors = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class WeightedVocabulary:
    """Turn descriptors into words, and words into a weighted bag.

    Parameters
    ----------
    centers : float32 (K, d), the words.
    word_weights : float32 (K,), what each counts for.
    frequency : int64 (K,), how many of the sampled images hold each word.
    pca : reduces descriptors to the d dimensions of the words; None if they have them already.
    assigner : finds the nearest word of a descriptor.
    report : statistics of the vocabulary on its sample; None after ``restore``.
    """

    centers: NDArray[np.float32]
    word_weights: NDArray[np.float32]
    frequency: NDArray[np.int64]
    pca: Pca | None
    assigner: Assigner
    report: VocabularyReport | None = None

    @classmethod
    def learn(
        cls,
        sample: SampledRows,
        vocabulary: Vocabulary,
        weighting: Weighting,
        pca: Pca | None,
        approximate_above: int,
    ) -> Self:
        """Learn from the descriptors of images, reduced by ``pca``, which is fitted too.

        Raise FitError if they are too few.
        """
        together = sample.together
        if pca is not None:
            # One thread, so that the components are the same on any number of processors.
            with threadpool_limits(limits=1, user_api="blas"):
                together = pca.fit(together).transform(together)
        centers = vocabulary.fit(together).centers_  # float32 (K, d), in the reduced space
        assigner = Assigner(centers, approximate_above)
        words = assigner.assign(together)
        # A document frequency counts an image once for a word, however often it has it: distinct pairs.
        owners = np.repeat(np.arange(len(sample.lengths)), sample.lengths)
        pairs = np.unique(owners * np.int64(len(centers)) + words)
        frequency = np.bincount(pairs % len(centers), minlength=len(centers)).astype(np.int64)
        word_weights = weighting.word_weights(frequency, len(sample.lengths))
        return cls(centers, word_weights, frequency, pca, assigner, vocabulary.report_)

    @property
    def size(self) -> int:
        """The number of words."""
        return len(self.centers)

    @property
    def dimension(self) -> int:
        """The length of the descriptors, before they are reduced."""
        return self.centers.shape[1] if self.pca is None else len(self.pca.mean_)

    def words(self, descriptors: Descriptors) -> NDArray[np.intp]:
        """Return the nearest word of each descriptor (n, d), intp (n,)."""
        return self.assigner.assign(self.reduced(descriptors))

    def bag(
        self, words: NDArray[np.intp], weighting: Weighting, amounts: NDArray[np.floating] | None = None
    ) -> SparseVector:
        """Return the weighted bag of words (n,), each of which counts for its amount (n,), or 1."""
        return weighting.weigh(words, self.word_weights, amounts)

    def soft_bag(
        self,
        descriptors: Descriptors,
        weighting: Weighting,
        assignments: int,
        softness: float,
        amounts: NDArray[np.floating] | None = None,
    ) -> SparseVector:
        """Return the bag in which each descriptor, or its amount (n,), is shared among its nearest words."""
        words, distances = self.assigner.nearest(self.reduced(descriptors), assignments)
        shares = soft_amounts(distances, softness)  # (n, assignments)
        return weighting.weigh(
            words, self.word_weights, shares if amounts is None else shares * amounts[:, None]
        )

    def arrays(self, prefix: str) -> Arrays:
        """Return what was learnt, each name beginning with ``prefix``."""
        learnt: dict[str, NDArray[Any]] = {
            "centers": self.centers,
            "weights": self.word_weights,
            "frequency": self.frequency,
        }
        if self.pca is not None:
            learnt |= self.pca.arrays("{}")
        return {f"{prefix}_{name}": array for name, array in learnt.items()}

    @classmethod
    def restore(cls, arrays: Arrays, prefix: str, pca: Pca | None, approximate_above: int) -> Self:
        """Take back what ``arrays`` returned. Raise IndexFolderError if something does not fit."""
        learnt = {
            name.removeprefix(f"{prefix}_"): a for name, a in arrays.items() if name.startswith(f"{prefix}_")
        }
        # Looked at before it is used: arrays of another index would give wrong answers, not errors.
        needed = {"centers", "weights", "frequency"}
        if pca is not None:
            needed |= Pca.names("{}")
        if needed - learnt.keys() or not _is_whole(learnt):
            raise IndexFolderError(f"the {prefix} vocabulary is damaged or of another recipe; index again")
        if pca is not None:
            pca.restore(learnt, "{}")
        centers = np.asarray(learnt["centers"], dtype=np.float32)
        weights = np.asarray(learnt["weights"], dtype=np.float32)
        assigner = Assigner(centers, approximate_above)
        return cls(centers, weights, np.asarray(learnt["frequency"], np.int64), pca, assigner)

    def reduced(self, descriptors: Descriptors) -> Descriptors:
        """Return descriptors (n, d) in the space of the words."""
        return descriptors if self.pca is None else self.pca.transform(descriptors)


def _is_whole(learnt: Mapping[str, NDArray[Any]]) -> bool:
    """Whether the shapes of the arrays fit each other."""
    centers = learnt["centers"]
    if centers.ndim != 2 or 0 in centers.shape:
        return False
    fits = learnt["weights"].shape == learnt["frequency"].shape == centers.shape[:1]
    if "components" in learnt:
        fits &= learnt["components"].shape == centers.shape[1:] + learnt["mean"].shape
    return fits
