"""VLAD: the residuals of all words, side by side, as one dense vector."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from retrieval.errors import IndexFolderError
from retrieval.rankers.dense import ExactRanker
from retrieval.representation import Arrays
from retrieval.statistics.pca import Pca

from ..vocabulary.weighted_vocabulary import WeightedVocabulary
from .aggregation_settings import VladSettings
from .residuals import Floats, residuals, scaled

FEWEST = 32
"""A PCA of fewer images says too little; the vectors then stay as they are."""

_WHITENING = "whitening_{}_"
_UNFIT = "vlad: what was learnt does not fit the settings; index again"


@dataclass(eq=False)
class Vlad:
    """Make a dense vector of the words of an image.

    The residuals of each word are summed (Jégou et al., CVPR 2010), their components raised to ``power`` with
    their signs (Jégou et al., PAMI 2012, section 3.3), each word scaled to unit length (Arandjelović and
    Zisserman, CVPR 2013, section 3.2), the whole too; then PCA-whitening (Jégou and Chum, ECCV 2012) and unit
    length again.

    Parameters
    ----------
    chosen : the settings.
    vocabulary : the words, fitted.

    Attributes
    ----------
    pca_ : the whitening, or None.
    """

    chosen: VladSettings
    vocabulary: WeightedVocabulary
    pca_: Pca | None = field(init=False, default=None, repr=False)

    @property
    def dimension(self) -> int:
        """The length of the vectors."""
        if self.pca_ is not None:
            return len(self.pca_.components_)
        return int(self.vocabulary.centers.size)

    def learn(self, pictures: Iterable[NDArray[np.floating]]) -> None:
        """Learn the whitening from the descriptors (n_i, d) of each image; of few images, none."""
        if not self.chosen.components:
            return
        rows = [row for descriptors in pictures if (row := self._whole(descriptors)).any()]
        if len(rows) >= FEWEST:
            with threadpool_limits(limits=1, user_api="blas"):
                # Fewer images than dimensions is the usual case: their products are the smaller matrix.
                pca, together = Pca(self.chosen.components, self.chosen.whitening), np.stack(rows)
                learn = pca.fit_few if len(together) < together.shape[1] else pca.fit
                self.pca_ = learn(together)

    def vector(self, descriptors: NDArray[np.floating]) -> Floats:
        """Return the vector float32 (dimension,) of descriptors (n, d); zeros if there are none."""
        whole = self._whole(descriptors)
        # Nothing minus the mean would be a direction like any other: an image without points stays zero.
        if self.pca_ is None or not whole.any():
            return whole if self.pca_ is None else np.zeros(self.dimension, dtype=np.float32)
        return scaled(self.pca_.transform(whole[None])[0])

    def arrays(self) -> Arrays:
        """Return the whitening, to be saved."""
        return {} if self.pca_ is None else self.pca_.arrays(_WHITENING)

    def restore(self, arrays: Arrays) -> None:
        """Take back what ``arrays`` returned. Raise IndexFolderError if it does not fit the words."""
        if not arrays:
            return
        if not self.chosen.components or set(arrays) != Pca.names(_WHITENING):
            raise IndexFolderError(_UNFIT)
        pca = Pca(self.chosen.components, self.chosen.whitening).restore(arrays, _WHITENING)
        if pca.components_.shape[1:] != (self.vocabulary.centers.size,):
            raise IndexFolderError(_UNFIT)
        self.pca_ = pca

    def ranker(self, folders: Iterable[Path] = ()) -> ExactRanker:
        """Return a ranker of saved segments, by cosine."""
        return ExactRanker.open(folders, self.dimension)

    def _whole(self, descriptors: NDArray[np.floating]) -> Floats:
        """Return the vector before the whitening, float32 (K · d,)."""
        vocabulary = self.vocabulary
        blocks = np.zeros(vocabulary.centers.shape, dtype=np.float32)
        if len(descriptors):
            reduced = vocabulary.reduced(descriptors)
            present, sums = residuals(vocabulary.assigner.assign(reduced), reduced, vocabulary.centers)
            # Word by word to unit length: a word with many points would otherwise outweigh all others.
            blocks[present] = scaled(np.sign(sums) * np.abs(sums) ** np.float32(self.chosen.power))
        return scaled(blocks.reshape(-1))
