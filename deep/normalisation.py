"""Normalisation: what is made of embeddings after the network, so that cosines compare them well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import FitError, SemblanceError
from retrieval.representation import Arrays
from retrieval.statistics.pca import Pca

from .settings import DeepSettings

FEWEST = 32
"""The mean of fewer images says too little of what all have in common."""

Vectors = NDArray[np.float32]

_WHITENING = "whitening_{}_"


@dataclass(eq=False)
class Normalisation:
    """Centre or whiten embeddings as an index asks for, and scale them to unit length.

    Parameters
    ----------
    centred : subtract the mean embedding.
    components : of a PCA in place of the mean; 0 for none.
    whitening : the power of the standard deviations that components are divided by.
    prefix : of the names of the arrays that are stored.

    Attributes
    ----------
    centre_ : float32 (d,), the mean embedding; None before ``fit``, and if it is not asked for.
    whitening_ : a fitted PCA; None before ``fit``, and if it is not asked for.
    """

    centred: bool
    components: int
    whitening: float
    prefix: str = ""
    centre_: Vectors | None = field(init=False, default=None, repr=False)
    whitening_: Pca | None = field(init=False, default=None, repr=False)

    @property
    def learns(self) -> bool:
        """Whether anything is learnt from embeddings."""
        return self.centred or self.components > 0

    @property
    def is_fitted(self) -> bool:
        """Whether all that is asked for has been learnt."""
        if self.components:
            return self.whitening_ is not None
        return self.centre_ is not None or not self.centred

    def fit(self, embeddings: Vectors) -> Self:
        """Learn from embeddings (n, d). Raise FitError if a whitening is asked for and n is below 2."""
        self.centre_, self.whitening_ = None, None
        if self.components:
            if len(embeddings) < 2:
                raise FitError(f"deep: {len(embeddings)} images are too few for a whitening; add images")
            self.whitening_ = Pca(self.components, self.whitening).fit(embeddings)
        elif self.centred:
            self.centre_ = centre(embeddings)
        return self

    def __call__(self, embeddings: Vectors) -> Vectors:
        """Return embeddings (n, d) normalised: float32 (n, d), or (n, components), of unit length.

        Raise SemblanceError if a value is not finite: weights in 16 bits may overflow.
        """
        # A PCA centres, too.
        if self.whitening_ is not None:
            vectors = self.whitening_.transform(embeddings)
        else:
            vectors = embeddings if self.centre_ is None else embeddings - self.centre_
        if not np.isfinite(vectors).all():
            raise SemblanceError("deep: the network returned values that are not finite; give other weights")
        return unit(vectors)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what was learnt, by the names under which an index stores it."""
        if self.whitening_ is not None:
            return self.whitening_.arrays(_WHITENING)
        return {} if self.centre_ is None else {f"{self.prefix}centre": self.centre_}

    @property
    def array_names(self) -> set[str]:
        """The names of the arrays that these settings learn."""
        if self.components:
            return Pca.names(_WHITENING)
        return {f"{self.prefix}centre"} if self.centred else set()

    def restore(self, arrays: Arrays) -> Self:
        """Take back what ``arrays`` returned, found under ``array_names``."""
        if self.components:
            self.whitening_ = Pca(self.components, self.whitening).restore(arrays, _WHITENING)
        elif self.centred:
            self.centre_ = np.array(arrays[f"{self.prefix}centre"])
        return self


@dataclass(eq=False)
class Normalisations:
    """Hold the normalisation of whole images and that of their parts.

    Parameters
    ----------
    whole : of the vectors that rank.
    parts : of window embeddings; the same object if whole images are projected as parts are.
    """

    whole: Normalisation
    parts: Normalisation

    @classmethod
    def of(cls, chosen: DeepSettings) -> Self:
        """Return what the settings ask for, not learnt yet."""
        whole = Normalisation(chosen.centred, chosen.components, chosen.whitening)
        if chosen.surround:
            # A difference from what is around has already lost what all images have in common.
            return cls(whole, Normalisation(False, 0, 0.0))
        if chosen.projected:
            return cls(whole, whole)
        return cls(whole, Normalisation(chosen.centred and chosen.cells > 0, 0, 0.0, "window_"))

    @property
    def has_own_parts(self) -> bool:
        """Whether parts learn something that whole images do not."""
        return self.parts is not self.whole and self.parts.learns

    @property
    def learns(self) -> bool:
        """Whether anything is learnt from embeddings."""
        return self.whole.learns or self.parts.learns

    @property
    def is_fitted(self) -> bool:
        """Whether all that is asked for has been learnt."""
        return self.whole.is_fitted and self.parts.is_fitted

    def fit(self, whole: Vectors, parts: Vectors) -> Self:
        """Learn from embeddings (n, d) of whole images, and (n, part d) of the same images as parts.

        Raises as ``Normalisation.fit`` does. Parts are not read unless ``has_own_parts``.
        """
        self.whole.fit(whole)
        if self.has_own_parts:
            self.parts.fit(parts)
        return self

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what was learnt, by the names under which an index stores it."""
        return {**self.whole.arrays(), **self.parts.arrays()}

    @property
    def array_names(self) -> set[str]:
        """The names of the arrays that these settings learn."""
        return self.whole.array_names | self.parts.array_names

    def restore(self, arrays: Arrays) -> Self:
        """Take back what ``arrays`` returned, found under ``array_names``."""
        self.whole.restore(arrays)
        self.parts.restore(arrays)
        return self


def centre(embeddings: Vectors) -> Vectors:
    """Return the mean (d,) of embeddings (n, d); zero if they are too few."""
    if len(embeddings) < FEWEST:
        return np.zeros(embeddings.shape[1], dtype=np.float32)
    # float64, so that the sum of many does not depend on how they are added.
    return np.asarray(embeddings.mean(axis=0, dtype=np.float64), dtype=np.float32)


def unit(vectors: Vectors) -> Vectors:
    """Return vectors (n, d) of unit length; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # (n, 1)
    return np.asarray(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0))
