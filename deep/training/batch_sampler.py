"""Batches: P classes with K images of each, so that every batch holds pairs to compare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import SettingError

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Batches:
    """Draw batches of P classes with K images each (Hermans et al. 2017).

    An epoch reaches every image. Classes with fewer than K images repeat them within a batch; small classes
    are repeated until the largest has been seen.

    Parameters
    ----------
    labels : int (n,), the class of each image.
    classes : P; all if there are fewer.
    pictures : K.
    seed : with the number of the epoch it decides the batches.

    Raises
    ------
    SettingError : fewer than two classes, or P or K below 2.
    """

    labels: NDArray[np.int64]
    classes: int
    pictures: int
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.classes, self.pictures) < 2:
            raise SettingError(f"classes {self.classes}, pictures {self.pictures}: give 2 or more of each")
        if len(np.unique(self.labels)) < 2:
            raise SettingError("labels: there is one class only; give images of at least two")

    def epoch(self, number: int) -> Iterator[Positions]:
        """Yield the batches of an epoch: positions (P · K,) of images, those of one class in a row."""
        random = np.random.default_rng((self.seed, number))
        members = [np.flatnonzero(self.labels == label) for label in np.unique(self.labels)]
        waiting = [self._portions(positions, random) for positions in members]  # by class, portions of K
        n_unseen = [len(portions) for portions in waiting]
        while any(n_unseen):
            # The classes with most left first, ties at random: so the fewest batches reach every image.
            order = sorted(range(len(members)), key=lambda i: (-n_unseen[i], random.random()))
            chosen = order[: self.classes]
            for i in chosen:
                waiting[i] = waiting[i] or self._portions(members[i], random)
                n_unseen[i] = max(0, n_unseen[i] - 1)
            yield np.concatenate([waiting[i].pop() for i in chosen])

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        # The sizes of the classes alone decide it, so that any epoch will do.
        return sum(1 for _ in self.epoch(0))

    def _portions(self, positions: Positions, random: np.random.Generator) -> list[Positions]:
        """Cut a class at random into portions of K, the last one filled up with others of the class."""
        shuffled = random.permutation(positions)
        missing = -len(shuffled) % self.pictures
        filled = np.concatenate([shuffled, np.resize(shuffled, missing)])
        return list(filled.reshape(-1, self.pictures))


def for_batch(labels: NDArray[np.int64], batch: int, classes: int, seed: int) -> Batches:
    """Return batches of about ``batch`` images, of at most ``classes`` classes."""
    n_classes = min(classes, max(2, batch // 2), len(np.unique(labels)))
    return Batches(labels, max(2, n_classes), max(2, batch // max(1, n_classes)), seed)
