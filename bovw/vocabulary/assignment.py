"""The assignment of descriptors to visual words: exact, or approximate if there are many words."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from retrieval.errors import SettingError

from .nearest_center import Floats, Scoring, Words, squared_distances
from .tree import Tree


class Assigner:
    """Assign descriptors to words.

    Parameters
    ----------
    centers : (K, d), the words; see ``Vocabulary.centers_``.
    approximate_above : with more words than this the search is approximate, through a two-level tree
        (about √K Voronoi cells); 0 keeps it exact.
    probes : how many Voronoi cells of the tree are searched; more is closer to exact, and slower.
        ``agreement`` measures how close.
    """

    def __init__(self, centers: ArrayLike, approximate_above: int = 8192, probes: int = 12) -> None:
        if approximate_above < 0:
            raise SettingError(f"approximate_above: {approximate_above} is negative; 0 keeps it exact")
        if probes < 1:
            raise SettingError(f"probes: {probes} cells find nothing; give at least 1")
        # With few words one matrix product is exact and fast enough; the tree is for many.
        table = np.asarray(centers, dtype=np.float32)
        if table.ndim != 2 or 0 in table.shape or not np.isfinite(table).all():
            raise ValueError(f"centers: {table.shape} makes no words; give finite values (K, d)")
        self.is_approximate = 0 < approximate_above < len(table)
        self._scoring = Scoring(table)
        self._tree = Tree(table, probes) if self.is_approximate else None

    @property
    def n_words(self) -> int:
        """How many words there are."""
        return len(self._scoring.centers)

    def assign(self, descriptors: ArrayLike) -> Words:
        """Return the nearest word of each descriptor (n, d), intp (n,); the lowest of equally near ones."""
        return self._best(descriptors, 1)[:, 0]

    def nearest(self, descriptors: ArrayLike, n: int) -> tuple[Words, Floats]:
        """Return the n nearest words of each descriptor and their squared distances, each (n_descriptors, n).

        Nearest first, equally near ones by word; as many as there are if n is above the number of words.
        """
        if n < 1:
            raise SettingError(f"n: {n} words of each descriptor are none; give at least 1")
        words = self._best(descriptors, min(n, self.n_words))
        return words, squared_distances(descriptors, self._scoring.centers, words)

    def _best(self, descriptors: ArrayLike, n: int) -> Words:
        points = self._scoring.matrix(descriptors)
        if self._tree is None:
            return self._scoring.best(points, n)
        words = self._tree.best(points, n)
        # The cells that were searched may hold fewer than n words; these rows are searched exactly.
        short = np.flatnonzero(words[:, -1] < 0)
        if len(short):
            words[short] = self._scoring.best(points[short], n)
        return words


def exact(descriptors: ArrayLike, centers: ArrayLike) -> Words:
    """Return the nearest word of each descriptor, intp (n,); the lowest of equally near ones.

    Parameters
    ----------
    descriptors : (n, d), any real type.
    centers : (K, d).
    """
    return Assigner(centers, approximate_above=0).assign(descriptors)


def nearest(descriptors: ArrayLike, centers: ArrayLike, n: int) -> tuple[Words, Floats]:
    """Return the ``n`` nearest words of each descriptor and their squared distances, each (n_descriptors, n).

    Nearest first, equally near ones by word; as many as there are if n is above the number of words.
    """
    return Assigner(centers, approximate_above=0).nearest(descriptors, n)


def agreement(descriptors: ArrayLike, centers: ArrayLike, probes: int) -> float:
    """Return the share of descriptors, in [0, 1], whose approximate word is the exact one; 1 for none."""
    approximate = Assigner(centers, approximate_above=1, probes=probes).assign(descriptors)
    return float(np.mean(approximate == exact(descriptors, centers))) if len(approximate) else 1.0
