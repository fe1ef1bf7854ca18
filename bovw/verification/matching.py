"""Tentative matches: points of two pictures that have the same visual word."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .hamming import distance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bits = NDArray[np.uint64]

MOST_MATCHES = 2048
"""So many tentative matches of two pictures are looked at, those of the rarest words first."""
MOST_PAIRS = 1024
"""A word of more pairs than this says nothing of places."""


@dataclass(frozen=True, eq=False)
class Frames:
    """Hold the words and frames of n points, as the kernels want them.

    Parameters
    ----------
    words : int64 (n,).
    places : float64 (n, 4): row, col, the logarithm of the scale, the orientation in radians.
    n_bits : of the signatures; 0 where there are none.
    signatures : uint64 (n,); 0 where there are none.
    """

    words: Ints
    places: Floats
    n_bits: int = 0
    signatures: Bits = field(default_factory=lambda: np.empty(0, np.uint64))

    def __post_init__(self) -> None:
        if not self.n_bits:
            object.__setattr__(self, "signatures", np.zeros(len(self.words), np.uint64))

    @classmethod
    def of(cls, evidence: NDArray[np.void]) -> Frames:
        """Take what is needed from rows of evidence."""
        places = np.empty((len(evidence), 4))
        places[:, 0], places[:, 1] = evidence["row"], evidence["col"]
        places[:, 2] = np.log(np.maximum(evidence["scale"].astype(np.float64), 1e-3))
        places[:, 3] = evidence["orientation"]
        words = evidence["word"].astype(np.int64)
        if "signature" not in (evidence.dtype.names or ()):
            return cls(words, places)
        signatures = evidence["signature"]
        return cls(words, places, 8 * signatures.itemsize, signatures.astype(np.uint64))

    @property
    def is_upright(self) -> bool:
        """Tell whether no point is turned."""
        return not self.places[:, 3].any()

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True, eq=False)
class WordTable:
    """Hold which points have each word, in compressed rows.

    Parameters
    ----------
    starts : int64 (size + 1,), word w has the points ``members[starts[w] : starts[w + 1]]``.
    members : int64 (n,), rising within a word.
    """

    starts: Ints
    members: Ints

    @classmethod
    def of(cls, words: Ints, size: int) -> WordTable:
        """Sort the points by their words, each below ``size``."""
        counts = np.bincount(words, minlength=size)
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(starts, np.argsort(words, kind="stable").astype(np.int64))


@kernel()
def match(
    words: Ints,
    signatures: Bits,
    our_signatures: Bits,
    reach: int,
    starts: Ints,
    members: Ints,
    counts: Ints,
    ours: Ints,
    theirs: Ints,
    weights: Floats,
) -> int:
    """List the pairs of points with one word and near signatures, and return how many there are.

    A word of n points here and m there gives n · m pairs, but min(n, m) of them can be right: each counts for
    1 / max(n, m), so that together they count for no more.

    Parameters
    ----------
    words, signatures : int64 and uint64 (m,), of the candidate's points.
    our_signatures : uint64 (n,), of the query's.
    reach : signatures that differ in more bits are not near; 64 lets all pass.
    starts, members : the ``WordTable`` of the query's.
    counts : int64 (size,), all 0; used, and left so.
    ours, theirs, weights : (MOST_MATCHES,), filled with the query's point, the candidate's, and the weight.
    """
    for i in range(len(words)):
        counts[words[i]] += 1
    limit = _all_fit(words, starts, counts, len(ours))
    n = 0
    for is_rare in (True, False):  # what is common fills the room that is left
        for i in range(len(words)):
            first, last = starts[words[i]], starts[words[i] + 1]
            pairs = (last - first) * counts[words[i]]
            if pairs > MOST_PAIRS or (pairs <= limit) != is_rare:
                continue
            for j in range(first, last):
                if n == len(ours):
                    break
                if reach < 64 and distance(our_signatures[members[j]], signatures[i]) > reach:
                    continue
                ours[n], theirs[n] = members[j], i
                weights[n] = 1.0 / max(last - first, counts[words[i]])
                n += 1
    for i in range(len(words)):
        counts[words[i]] = 0
    return n


@kernel()
def _all_fit(words: Ints, starts: Ints, counts: Ints, room: int) -> int:
    """Return a power of 2 such that the pairs of all words that have no more than that fit into the room."""
    limit = MOST_PAIRS
    while limit > 0:
        n = 0
        for i in range(len(words)):
            here = starts[words[i] + 1] - starts[words[i]]
            if here * counts[words[i]] <= limit:
                n += here
        if n <= room:
            return limit
        limit //= 2
    return 0
