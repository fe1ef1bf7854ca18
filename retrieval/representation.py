"""The one interface of both families: a representation turns pictures into vectors, after it is fitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .picture import Picture
from .ranker import Ranker
from .region import Region

Arrays = Mapping[str, NDArray[Any]]
"""Named arrays without Python objects: what is saved with ``np.save`` and loaded without pickle."""


@dataclass(frozen=True, eq=False)
class SparseVector:
    """Hold the non-zero values of a vector.

    Parameters
    ----------
    indices : uint32 (n,), strictly increasing, each below ``size``.
    values : float32 (n,), finite and non-zero.
    size : the length of the vector.
    """

    indices: NDArray[np.uint32]
    values: NDArray[np.float32]
    size: int

    def dense(self) -> NDArray[np.float32]:
        """Return the whole vector, float32 (size,)."""
        vector = np.zeros(self.size, dtype=np.float32)
        vector[self.indices] = self.values
        return vector


Vector = SparseVector | NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Encoding:
    """What a representation makes of one picture.

    Parameters
    ----------
    vector : what is ranked: sparse, or dense float32 (d,). An empty bag has no values, or is all zero.
    evidence : a structured array (n,), one row a local piece of evidence, positions in pixels of the original
        picture; None if the representation has none. Its dtype is the representation's own, free of
        Python objects, and the same for every picture.
    """

    vector: Vector
    evidence: NDArray[np.void] | None = None


@runtime_checkable
class Representation(Protocol):
    """What every representation can do. Settings are constructor keywords, learnt arrays end in ``_``.

    ``sample`` and ``learn`` are the two halves of ``fit``: the first is pure and runs in many processes, the
    second sees the samples one by one, in a fixed order, and learns. ``fit(pictures)`` is
    ``learn(map(sample, pictures))``. Fitting twice equals fitting once.
    """

    @property
    def name(self) -> str:
        """The entry point that makes it, e.g. ``superpixel``."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """Every constructor keyword with its value, as JSON holds it."""
        ...

    @property
    def n_fit_pictures(self) -> int:
        """How many pictures ``learn`` wants at most; 0 if there is nothing to learn."""
        ...

    def sample(self, picture: Picture) -> Arrays:
        """Draw from one picture what ``learn`` needs of it, with a bound on its size."""
        ...

    def learn(self, samples: Iterable[Arrays]) -> Self:
        """Learn from the samples of many pictures. Raise FitError if they are too few."""
        ...

    def fit(self, pictures: Iterable[Picture]) -> Self:
        """Learn from pictures."""
        ...

    @property
    def is_fitted(self) -> bool:
        """Tell whether ``encode`` can be called."""
        ...

    def encode(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Describe a picture, or a region of it (in pixels of the picture). Never stores anything.

        It depends on pixels and spacing alone: an image that has these still is not encoded again.
        """
        ...

    def encode_query(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Describe a query: like ``encode``, but with what only queries do (soft assignment)."""
        ...

    def learnt(self) -> Arrays:
        """Return what was learnt, to be saved."""
        ...

    def restore(self, arrays: Arrays) -> Self:
        """Take back what ``learnt`` returned. Raise IndexFolderError if it does not fit the settings."""
        ...

    def make_ranker(self) -> Ranker:
        """Return an empty ranker for its vectors."""
        ...

    def open_ranker(self, folders: Iterable[Path]) -> Ranker:
        """Open the segments that such rankers saved as one ranker."""
        ...


FAMILIES = ("words", "deep", "metric", "baseline", "other")
"""What kind of likeness a score of a representation measures."""


def family_of(representation: Representation) -> str:
    """Return the ``family`` of a representation, one of ``FAMILIES``; ``other`` if it does not say.

    ``words``: cosine of bags of visual words, with local matches that agree in space; ``deep``: of embeddings
    by a network; ``metric``: by a metric that was learnt; ``baseline``: of plain descriptions.
    """
    family = str(getattr(representation, "family", "other"))
    return family if family in FAMILIES else "other"


def needs_network(representation: Representation) -> bool:
    """Tell whether a representation takes seconds to load, for a network's library: its ``needs_network``."""
    return bool(getattr(representation, "needs_network", False))


@runtime_checkable
class BatchEncoder(Protocol):
    """A representation that may be best run in one process, on many pictures at once.

    An attribute ``in_batches`` may say that it is not, where it is asked: without a GPU.
    ``prepare`` runs in the processes that read files; ``encode_prepared`` in the one that writes the index.
    ``encode(picture)`` is ``encode_prepared([prepare(picture)])[0]``, but for rounding.
    """

    batch_size: int

    def prepare(self, picture: Picture) -> NDArray[Any]:
        """Return what is needed of a picture to encode it: small, pure, of the same shape for all."""
        ...

    def encode_prepared(self, prepared: Sequence[NDArray[Any]]) -> list[Encoding]:
        """Return the encodings of prepared pictures."""
        ...


@runtime_checkable
class Reusing(Protocol):
    """A representation that describes an image, at some length, before what it has learnt is asked for.

    What it learns from ``sample_of(describe(picture))`` is what it learns from ``sample(picture)``, and
    ``encode_described(describe(picture))`` is ``encode(picture)``, to the last bit: so an image that it
    learns from need not be described again to be encoded.
    """

    def describe(self, picture: Picture) -> Arrays:
        """Return what of an image does not depend on anything learnt; it need not be fitted."""
        ...

    def sample_of(self, described: Arrays) -> Arrays:
        """Draw from a description what ``learn`` needs of it."""
        ...

    def encode_described(self, described: Arrays) -> Encoding:
        """Return the encoding of the image of a description."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A representation that encodes images in order to learn from them, and need not do so again."""

    def remembered(self) -> Arrays:
        """Return what ``learn`` found of images; nothing if that is of no use to ``encode``."""
        ...

    def recall(self, arrays: Arrays) -> Self:
        """Take back what ``remembered`` returned: ``encode`` returns the same, and sooner."""
        ...


@runtime_checkable
class Loadable(Protocol):
    """A representation that needs something besides pictures, such as a weight file, before it learns."""

    def load(self) -> Self:
        """Get and check it; nothing if it is there. Raise SettingError if that is not possible."""
        ...


@runtime_checkable
class Derived(Protocol):
    """A representation that projects the vectors of another one, and may rank with it."""

    def derive(self, vector: Vector) -> NDArray[np.float32]:
        """Return what is stored of an image, given the vector of its base."""
        ...

    def ranker_of(self, own: Ranker, base: Ranker) -> Ranker:
        """Return the ranker of queries, given those of its own vectors and of its base's."""
        ...


@runtime_checkable
class Adjustable(Protocol):
    """A representation with settings that change queries alone, never what is indexed."""

    query_settings: tuple[str, ...]

    def adjusted(self, **settings: Any) -> Representation:
        """Return the same with other ``query_settings``. Raise SettingError as its maker does."""
        ...
