"""The vocabulary: the visual words that k-means finds in a sample of descriptors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from retrieval.errors import FitError, SettingError

from .distinct import n_distinct
from .kmeans import kmeans, refill, tally
from .nearest_center import Floats, Scoring
from .two_level import tree_closest, two_level

_DOMINANT = 10
"""A word is dominant if it holds more than ten times its even share of the descriptors."""

_REFILLS = 3
"""How often empty words are given another place at the end."""


@dataclass(frozen=True)
class VocabularyReport:
    """What a vocabulary is like on the descriptors that it was learnt from.

    Parameters
    ----------
    n_descriptors : how many were given.
    n_used : how many were used: at most ``sample`` a word.
    distortion : mean squared distance of a descriptor from its word.
    empty_words : words that no descriptor was assigned to.
    dominant_words : words that hold more than ten times their even share, the largest first.
    largest_share : the share of the descriptors that the largest word holds, in [0, 1].
    """

    n_descriptors: int
    n_used: int
    distortion: float
    empty_words: tuple[int, ...]
    dominant_words: tuple[int, ...]
    largest_share: float

    def summary(self, n_words: int) -> dict[str, Any]:
        """Count the words, and those that are out of the ordinary, as JSON holds it."""
        return {
            "words": n_words,
            "descriptors": self.n_used,
            "distortion": round(self.distortion, 6),
            "empty words": len(self.empty_words),
            "dominant words": len(self.dominant_words),
            "largest share": round(self.largest_share, 6),
        }


@dataclass(eq=False)
class Vocabulary:
    """Learn visual words by k-means.

    Up to ``flat`` words k-means++ seeds them and Lloyd's iterations improve them; above, the descriptors are
    split into about √size Voronoi cells first and the words of each cell are found on their own, then
    improved together. The same seed and descriptors give the same words, on any number of processors.

    Parameters
    ----------
    size : how many words, at least 2.
    seed : of everything random.
    iterations : Lloyd's iterations, at least 1.
    sample : maximum number of descriptors per word, drawn at random, at least 1.
    flat : above this many words the search is in two levels.

    Attributes
    ----------
    centers_ : float32 (size, d), the words.
    report_ : what the vocabulary is like.
    """

    size: int = 4096
    seed: int = 0
    iterations: int = 10
    sample: int = 256
    flat: int = 2048
    centers_: Floats = field(init=False, repr=False)
    report_: VocabularyReport = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, least in (("size", 2), ("seed", 0), ("iterations", 1), ("sample", 1), ("flat", 2)):
            if getattr(self, name) < least:
                raise SettingError(f"{name}: {getattr(self, name)} is too small; give at least {least}")

    def fit(self, descriptors: ArrayLike) -> Self:
        """Learn the words from descriptors (n, d) of any real type; n may be large, and mapped into memory.

        Raises FitError if fewer than ``size`` of those used are distinct, or some of those are not finite.
        """
        points = np.asarray(descriptors)
        rng = np.random.default_rng(self.seed)
        rows = self._sampled(points, rng)
        # One thread a chunk, not many a product: so the sums are the same on any number of processors.
        with threadpool_limits(limits=1, user_api="blas"):
            self.centers_, self.report_ = self._learn(points, rows, rng)
        return self

    def _sampled(self, points: NDArray[Any], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the rows that are used, in random order."""
        if points.ndim != 2 or points.dtype.kind not in "fiu":
            raise FitError(
                f"descriptors: {points.dtype} {points.shape} is not (n, d) of numbers; pass a matrix"
            )
        # A permutation even if all are used: Lloyd's first iterations take the first rows as a random sample.
        rows = rng.permutation(len(points))[: self.sample * self.size]
        n = n_distinct(points, rows, enough=self.size)
        if n < self.size:
            raise FitError(
                f"{n} different descriptors cannot make {self.size} words; give more images or fewer words"
            )
        return rows

    def _learn(
        self, points: NDArray[Any], rows: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Floats, VocabularyReport]:
        is_flat = self.size <= self.flat
        search = kmeans if is_flat else two_level
        centers = search(points, rows, self.size, rng, self.iterations)
        # The last pass that changed nothing also gives the report, so that it describes these very words.
        for _ in range(1 + _REFILLS):
            closest = Scoring(centers).closest if is_flat else tree_closest(centers)
            found = tally(points, rows, closest, self.size)
            used, centers = centers, refill(centers, found, points)
            if np.array_equal(used, centers):
                break
        return used, _report(len(points), found.counts, float(found.errors.sum()))


def _report(n_descriptors: int, counts: NDArray[np.int64], error: float) -> VocabularyReport:
    """Sum up how many descriptors each word has, int64 (K,), and their summed squared distance."""
    n_used = int(counts.sum())
    order = np.argsort(-counts, kind="stable")
    n_dominant = int(np.count_nonzero(counts * len(counts) > _DOMINANT * n_used))
    return VocabularyReport(
        n_descriptors=n_descriptors,
        n_used=n_used,
        distortion=error / n_used,
        empty_words=tuple(np.flatnonzero(counts == 0).tolist()),
        dominant_words=tuple(order[:n_dominant].tolist()),
        largest_share=float(counts.max() / n_used),
    )
