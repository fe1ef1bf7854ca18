"""Signatures: bits that tell the points of one visual word apart (Hamming embedding).

Jégou, Douze and Schmid, "Hamming embedding and weak geometric consistency for large scale image search", ECCV
2008: a descriptor is projected at random, and each projection is compared with the median of its word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexFolderError
from retrieval.representation import Arrays

BITS = (32, 64)
"""Lengths that a signature may have."""
FEWEST = 16
"""A word with fewer samples than this gets the medians of all descriptors."""

Floats = NDArray[np.float32]
_PREFIX = "signatures_"


@dataclass(frozen=True, eq=False)
class Signatures:
    """Turn the descriptors of points into bits.

    Parameters
    ----------
    projection : float32 (n_bits, d), rows of a random orthogonal matrix; its first d columns if
        there are more bits than dimensions.
    medians : float32 (K, n_bits), of each word: bit b of a point of word w is 1 if its projection b is
        above ``medians[w, b]``.
    """

    projection: Floats
    medians: Floats

    @classmethod
    def learn(cls, reduced: Floats, words: NDArray[np.intp], n_words: int, n_bits: int, seed: int) -> Self:
        """Learn the medians from descriptors (n, d) in the space of the words, n ≥ 1, and their words (n,).

        The same seed and descriptors give the same bits.
        """
        projection = random_projection(n_bits, reduced.shape[1], seed)
        values = reduced.astype(np.float32) @ projection.T
        # The median splits the points of a word into halves, so that each bit says as much as it can.
        medians = np.tile(np.median(values, axis=0), (n_words, 1))
        order = np.argsort(words, kind="stable")
        ends = np.cumsum(np.bincount(words, minlength=n_words))
        for word, own in enumerate(np.split(order, ends[:-1])):
            if len(own) >= FEWEST:
                medians[word] = np.median(values[own], axis=0)
        return cls(projection, medians.astype(np.float32))

    @property
    def n_bits(self) -> int:
        """The length of a signature."""
        return len(self.projection)

    def of(self, reduced: NDArray[np.floating], words: NDArray[np.intp]) -> NDArray[np.unsignedinteger]:
        """Return the signatures of descriptors (n, d) of some words (n,): uint32 or uint64 (n,)."""
        above = reduced.astype(np.float32) @ self.projection.T > self.medians[words]
        packed = np.ascontiguousarray(np.packbits(above, axis=1, bitorder="little"))
        return packed.view(f"<u{self.n_bits // 8}").reshape(len(packed))

    def arrays(self) -> Arrays:
        """Return what was learnt."""
        return {f"{_PREFIX}projection": self.projection, f"{_PREFIX}medians": self.medians}

    @classmethod
    def restore(cls, arrays: Arrays, n_words: int, dimension: int, n_bits: int) -> Self:
        """Take back what ``arrays`` returned. Raise IndexFolderError if it does not fit the words."""
        learnt: dict[str, NDArray[Any]] = {
            name: np.asarray(arrays.get(_PREFIX + name, ()), dtype=np.float32)
            for name in ("projection", "medians")
        }
        shapes = {name: array.shape for name, array in learnt.items()}
        if shapes != {"projection": (n_bits, dimension), "medians": (n_words, n_bits)}:
            raise IndexFolderError("the signatures are damaged or of another recipe; index again")
        return cls(**learnt)


def random_projection(n_bits: int, dimension: int, seed: int) -> Floats:
    """Return the first rows and columns of a random orthogonal matrix, float32 (n_bits, dimension)."""
    side = max(n_bits, dimension)
    # Orthogonal rows measure independent directions; QR of a Gaussian matrix gives a uniformly random one.
    gaussian = np.random.default_rng(seed).standard_normal((side, side))
    orthogonal, upper = np.linalg.qr(gaussian)
    orthogonal *= np.sign(np.diag(upper))  # so that it does not depend on who decomposes it
    return np.ascontiguousarray(orthogonal[:n_bits, :dimension], dtype=np.float32)
