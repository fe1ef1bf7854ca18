"""Tentative matches: points of two images that have the same visual word."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .hamming import distance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bits = NDArray[np.uint64]

MOST_MATCHES = 2048
"""Maximum number of tentative matches of two images; those of the rarest words come first."""
MOST_PAIRS = 1024
"""A word of more pairs than this says nothing about places."""


class Points(NamedTuple):
    """The points of one image or of several, one image after the other, as kernels take them.

    Parameters
    ----------
    words : int64 (n,).
    places : float64 (n, 4): row, col, the logarithm of the scale, the orientation in radians.
    signatures : uint64 (n,); 0 if there are none.
    """

    words: Ints
    places: Floats
    signatures: Bits


class WordTable(NamedTuple):
    """Which points have each word, in compressed rows.

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


class Matches(NamedTuple):
    """Tentative matches, or room for them.

    Parameters
    ----------
    ours, theirs : int64 (n,), the point of the query and that of the candidate.
    weights : float64 (n,), what each match counts for.
    """

    ours: Ints
    theirs: Ints
    weights: Floats


@dataclass(frozen=True, eq=False)
class Frames:
    """Hold the words and frames of n points.

    Parameters
    ----------
    words, places, signatures : see ``Points``.
    n_bits : of the signatures; 0 if there are none.
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
        """Take words, frames and signatures from rows of evidence."""
        places = np.empty((len(evidence), 4))
        places[:, 0], places[:, 1] = evidence["row"], evidence["col"]
        # Scales are compared by their ratio, so that differences of logarithms are what is needed.
        places[:, 2] = np.log(np.maximum(evidence["scale"].astype(np.float64), 1e-3))
        places[:, 3] = evidence["orientation"]
        words = evidence["word"].astype(np.int64)
        if "signature" not in (evidence.dtype.names or ()):
            return cls(words, places)
        signatures = evidence["signature"]
        return cls(words, places, 8 * signatures.itemsize, signatures.astype(np.uint64))

    @property
    def points(self) -> Points:
        """The columns as kernels take them."""
        return Points(self.words, self.places, self.signatures)

    @property
    def is_upright(self) -> bool:
        """Whether no point is turned."""
        return not self.places[:, 3].any()

    def __len__(self) -> int:
        return len(self.words)


@kernel()
def points_of(points: Points, first: int, last: int) -> Points:
    """Return the points of one image, from ``first`` to before ``last``, as views."""
    return Points(points.words[first:last], points.places[first:last], points.signatures[first:last])


@kernel()
def room_for_matches() -> Matches:
    """Make room for as many matches as are looked at."""
    return Matches(np.empty(MOST_MATCHES, np.int64), np.empty(MOST_MATCHES, np.int64), np.empty(MOST_MATCHES))


@kernel()
def match(
    query: Points, table: WordTable, candidate: Points, reach: int, counts: Ints, room: Matches
) -> Matches:
    """List the pairs of points with one word and near signatures.

    A word of n points here and m there gives n · m pairs, but min(n, m) of them can be right: each counts for
    1 / max(n, m), so that together they count for no more.

    Parameters
    ----------
    query, candidate : n and m points.
    table : of the query's words.
    reach : signatures that differ in more bits are not near; 64 lets all pass.
    counts : int64 (size,), all 0; used, and left so.
    room : where the matches are written; those that are returned are views of its beginning.
    """
    words, starts, members = candidate.words, table.starts, table.members
    for i in range(len(words)):
        counts[words[i]] += 1
    limit = _all_fit(words, starts, counts, len(room.ours))
    n = 0
    # Rare words say most about places: all of theirs come first, what is common fills the room that is left.
    for is_rare in (True, False):
        for i in range(len(words)):
            first, last = starts[words[i]], starts[words[i] + 1]
            pairs = (last - first) * counts[words[i]]
            if pairs > MOST_PAIRS or (pairs <= limit) != is_rare:
                continue
            for j in range(first, last):
                if n == len(room.ours):
                    break
                # The bits are compared only if there are any: the branch is cheaper than a count of ones.
                if reach < 64 and distance(query.signatures[members[j]], candidate.signatures[i]) > reach:
                    continue
                room.ours[n], room.theirs[n] = members[j], i
                room.weights[n] = 1.0 / max(last - first, counts[words[i]])
                n += 1
    # Only the entries that were touched are reset: there are far more words than points.
    for i in range(len(words)):
        counts[words[i]] = 0
    return Matches(room.ours[:n], room.theirs[:n], room.weights[:n])


@kernel()
def _all_fit(words: Ints, starts: Ints, counts: Ints, room: int) -> int:
    """Return a power of 2 such that the pairs of all words that have no more than that fit into the room.

    Such a limit on the pairs of a word is found in a few passes over the points, without sorting the words
    by their number of pairs.
    """
    limit = MOST_PAIRS
    while limit > 0:
        n = 0
        for i in range(len(words)):
            here = starts[words[i] + 1] - starts[words[i]]
            if here * counts[words[i]] <= limit:
                n += here  # the other factor comes from the other points of the word, each in its own turn
        if n <= room:
            return limit
        limit //= 2
    return 0
