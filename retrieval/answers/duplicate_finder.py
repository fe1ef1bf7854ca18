"""The finder of near-duplicates among many images: signatures propose pairs, and a correlation decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .duplicate_groups import joined
from .duplicate_proposals import LEAST, NEAREST, Signature, propose, signature
from .near_duplicates import Spectrum, correlation, fine_structure, threshold_of

_KEPT = 2000
"""Spectra of 27 kB that are kept in memory; a signature of 1 kB is kept of each image."""
_ROUNDS = 8
"""How often groups of many copies are compared with each other; each round but the last joins some."""


def _silent(done: int, total: int) -> None:
    """Report nothing."""


class Pair(NamedTuple):
    """Two near-duplicates, the smaller number first, and how much they correlate."""

    one: int
    other: int
    likeness: float


class Structure(NamedTuple):
    """The fine structure of an image, its signature, and how much a near-duplicate must correlate."""

    spectrum: Spectrum
    signature: Signature
    threshold: float


def structure(grey: NDArray[np.float32], shape: tuple[int, ...] | None = None) -> Structure:
    """Return the structure of an image, float32 (rows, cols) in [0, 1].

    ``shape`` is that of the image before it was enlarged, if it was.
    """
    spectrum = fine_structure(grey)
    return Structure(spectrum, signature(spectrum), threshold_of(shape or grey.shape))


class DuplicateFinder:
    """Find near-duplicates among n images, called by their numbers; see ``near_duplicates``.

    What was computed is remembered, so that a second question about the same images costs little.

    Parameters
    ----------
    structure_of : returns the structure of an image.
    n : the number of images.
    """

    def __init__(self, structure_of: Callable[[int], Structure], n: int) -> None:
        self._n, self._structure = n, lru_cache(_KEPT)(structure_of)
        self._signatures: dict[int, Signature] = {}
        self._likeness: dict[tuple[int, int], float] = {}

    @cached_property
    def all_pairs(self) -> list[Pair]:
        """All pairs of near-duplicates, rising."""
        return self.pairs(range(self._n))

    def pairs(self, images: Iterable[int], report: Callable[[int, int], object] = _silent) -> list[Pair]:
        """Return the pairs of near-duplicates among some images, rising.

        Of many copies not all pairs are there, but pairs that link them all. ``report(done, total)`` is
        called with the number of images compared.
        """
        chosen = sorted(set(images))
        for i, image in enumerate(chosen):
            self._signature(image)
            report(i + 1, len(chosen))
        found = self._proposed(chosen)
        # The nearest of an image with many copies are its copies alone: two versions of one image that are
        # there many times each would never be proposed. So the first of each such group is compared again.
        for _ in range(_ROUNDS):
            more = self._proposed(_first_of_many(chosen, found)) - found
            if not more:
                break
            found |= more
        return sorted(found)

    def _proposed(self, images: Sequence[int]) -> set[Pair]:
        """Return the near-duplicates among the pairs that signatures propose."""
        pairs = propose([self._signature(image) for image in images]).tolist()
        found = ((images[i], images[j]) for i, j in pairs)
        return {Pair(*pair, value) for pair in found if (value := self.likeness(*pair))}

    def likeness(self, one: int, other: int) -> float:
        """Return how much two images correlate if they are near-duplicates, else 0."""
        pair = min(one, other), max(one, other)
        if pair not in self._likeness:
            self._likeness[pair] = _likeness(self._structure(pair[0]), self._structure(pair[1]))
        return self._likeness[pair]

    def copies(self, query: int | Structure, images: Sequence[int]) -> list[int]:
        """Return which of some images are near-duplicates of another, in their order, itself left out.

        The other is a number, or the ``structure`` of an image that is not in the index.
        """
        own = self._signature(query) if isinstance(query, int) else query.signature
        near = self._like(own, images)
        if isinstance(query, int):
            return [one for one in near if one != query and self.likeness(query, one)]
        return [one for one in near if _likeness(query, self._structure(one))]

    def distinct(
        self, ranked: Iterable[int], k: int, case_of: Callable[[int], int] | None = None
    ) -> list[list[int]]:
        """Return the first k images that are no near-duplicates of each other, each with its near-duplicates.

        Parameters
        ----------
        ranked : best first; those behind the k-th image that are near-duplicates of one before
            follow it until there is a (k + 1)-th.
        case_of : the case of an image, if of each case one image counts; others are left out.
        """
        groups: list[list[int]] = []
        group_of: dict[int, int] = {}
        seen: set[int] = set()
        for image in ranked:
            copies, case = self.copies(image, list(group_of)), None if case_of is None else case_of(image)
            if not copies and case in seen:
                continue
            if not copies and len(groups) == k:
                break
            if not copies:
                groups.append([])
            number = group_of[copies[0]] if copies else len(groups) - 1
            groups[number].append(image)
            group_of[image] = number
            if case is not None:
                seen.add(case)
        return groups

    def _like(self, own: Signature, images: Sequence[int]) -> list[int]:
        """Return the images whose signature lets them be near-duplicates."""
        if not len(images):
            return []
        cosines = np.array([self._signature(one) for one in images]) @ own
        return [images[i] for i in np.flatnonzero(cosines >= LEAST).tolist()]

    def _signature(self, image: int) -> Signature:
        if image not in self._signatures:
            self._signatures[image] = self._structure(image).signature
        return self._signatures[image]


def _likeness(one: Structure, other: Structure) -> float:
    value = correlation(one.spectrum, other.spectrum)
    return value if value >= max(one.threshold, other.threshold) else 0.0


def _first_of_many(images: Sequence[int], pairs: Iterable[Pair]) -> list[int]:
    """Return the first image of each group of more than ``NEAREST`` that pairs join."""
    place = {image: i for i, image in enumerate(images)}
    numbers = joined(range(len(images)), [(place[pair.one], place[pair.other]) for pair in pairs])
    _, first, counts = np.unique(numbers, return_index=True, return_counts=True)
    return [images[i] for i in first[counts > NEAREST].tolist()]
