"""ASMK*: a binary code for each word of an image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexFolderError
from retrieval.rankers.selective_match import SelectiveIndex, signs
from retrieval.representation import Arrays, SparseVector

from ..vocabulary.weighted_vocabulary import WeightedVocabulary
from .aggregation_settings import AsmkSettings
from .residuals import residuals


@dataclass(eq=False)
class Asmk:
    """Make a code of the summed residuals of each word: their signs.

    Tolias, Avrithis and Jégou, "Image search with selective match kernels", IJCV 2016, section 4.2. The
    length of a code is that of the words; ``SelectiveIndex`` compares them.

    Parameters
    ----------
    chosen : the settings.
    vocabulary : the words, fitted.
    """

    chosen: AsmkSettings
    vocabulary: WeightedVocabulary

    def learn(self, pictures: Iterable[NDArray[np.floating]]) -> None:
        """Learn nothing besides the words."""

    def vector(self, descriptors: NDArray[np.floating]) -> SparseVector:
        """Return the codes of descriptors (n, d), as ``SelectiveIndex`` takes them."""
        vocabulary = self.vocabulary
        if not len(descriptors):
            return signs(
                np.empty(0, np.int64), np.empty((0, vocabulary.centers.shape[1]), bool), vocabulary.size
            )
        reduced = vocabulary.reduced(descriptors)
        # One code a word, however many points have it: this aggregation is what counters bursts here.
        present, sums = residuals(vocabulary.assigner.assign(reduced), reduced, vocabulary.centers)
        return signs(present, sums > 0, vocabulary.size)

    def arrays(self) -> Arrays:
        """Return nothing: the words are all that is learnt."""
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Take back nothing. Raise IndexFolderError if there is something."""
        if arrays:
            raise IndexFolderError(f"asmk: {', '.join(arrays)} are none of its own; index again")

    def ranker(self, folders: Iterable[Path] = ()) -> SelectiveIndex:
        """Return a ranker of saved segments."""
        vocabulary, chosen = self.vocabulary, self.chosen
        n_bits = vocabulary.centers.shape[1]
        return SelectiveIndex.open(folders, vocabulary.size, n_bits, chosen.alpha, chosen.threshold)
