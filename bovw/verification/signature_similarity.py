"""Sharpening: how alike two pictures are by the matches of each word, weighed by their signatures.

With f(h) what a match at Hamming distance h counts for, and s_w the weight of word w,

    ⟨x, y⟩ = Σ_w s_w² √(Σ_ij f(h_ij)),  i and j the points of the two pictures with word w,

and the likeness is ⟨x, y⟩ / √(⟨x, x⟩ ⟨y, y⟩). The root is against bursts: n · m matches of one word count for
√(n m) at most, as they do in a bag under ``tf`` sqrt, whose cosine this is where f is 1 everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .hamming import amounts, distance
from .matching import Frames, WordTable

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bits = NDArray[np.uint64]


def sharpened_likeness(
    query: Frames, candidates: Frames, offsets: Ints, word_weights: NDArray[np.floating], n_bits: int
) -> Floats:
    """Return how alike a query and each candidate are, float64 (n,), in [0, 1]; 0 where one has no point.

    Parameters
    ----------
    candidates : the points of all candidates, one candidate after the other.
    offsets : int64 (n + 1,): candidate i has the points from ``offsets[i]`` to ``offsets[i + 1]``.
    word_weights : (K,), what each word counts for.
    n_bits : of the signatures; 0 looks at none.
    """
    found = np.zeros(len(offsets) - 1)
    if not len(query) or not len(candidates):
        return found
    table = WordTable.of(query.words, len(word_weights))
    squares = word_weights.astype(np.float64) ** 2
    _likeness(
        query.words, query.signatures, table.starts, table.members, candidates.words, candidates.signatures,
        np.asarray(offsets, np.int64), squares, amounts(n_bits), found,
    )  # fmt: skip
    return found


def contributions(query: Frames, hit: Frames, word_weights: NDArray[np.floating], n_bits: int) -> Floats:
    """Return what each point of a hit (n,) adds to its likeness to a query, float64 (n,).

    The share of a word is split among its points by what the matches of each count for.
    """
    found = np.zeros(len(hit))
    if not len(query) or not len(hit):
        return found
    table = WordTable.of(query.words, len(word_weights))
    _matched(query.signatures, table.starts, table.members, hit.words, hit.signatures, amounts(n_bits), found)
    sums = np.bincount(hit.words, found, minlength=len(word_weights))
    found *= word_weights.astype(np.float64)[hit.words] ** 2 / np.sqrt(np.maximum(sums[hit.words], 1e-300))
    whole = sharpened_likeness(query, hit, np.array([0, len(hit)]), word_weights, n_bits)[0]
    return np.asarray(found * whole / max(found.sum(), 1e-300))


@kernel()
def _matched(
    our_signatures: Bits,
    starts: Ints,
    members: Ints,
    words: Ints,
    signatures: Bits,
    counts_for: Floats,
    found: Floats,
) -> None:
    """Set what the matches of each point count for together."""
    for j in range(len(words)):
        for k in range(starts[words[j]], starts[words[j] + 1]):
            found[j] += counts_for[distance(our_signatures[members[k]], signatures[j])]


@kernel()
def _likeness(
    words: Ints,
    signatures: Bits,
    starts: Ints,
    members: Ints,
    their_words: Ints,
    their_signatures: Bits,
    offsets: Ints,
    squares: Floats,
    counts_for: Floats,
    found: Floats,
) -> None:
    sums, latest = np.zeros(len(squares)), np.full(len(squares), -1, np.int64)
    most = max(len(words), np.diff(offsets).max())
    before = np.empty(most, np.int64)
    own = _with_itself(words, signatures, squares, counts_for, sums, latest, before)
    for i in range(len(found)):
        theirs = their_words[offsets[i] : offsets[i + 1]]
        bits = their_signatures[offsets[i] : offsets[i + 1]]
        for j in range(len(theirs)):
            for k in range(starts[theirs[j]], starts[theirs[j] + 1]):
                sums[theirs[j]] += counts_for[distance(signatures[members[k]], bits[j])]
        shared = _total(theirs, squares, sums)
        square = own * _with_itself(theirs, bits, squares, counts_for, sums, latest, before)
        if shared > 0 and square > 0:
            found[i] = min(1.0, shared / np.sqrt(square))


@kernel()
def _with_itself(
    words: Ints,
    signatures: Bits,
    squares: Floats,
    counts_for: Floats,
    sums: Floats,
    latest: Ints,
    before: Ints,
) -> float:
    """Return ⟨x, x⟩ of a picture; ``sums`` are 0 and ``latest`` −1, by word, and left so."""
    for j in range(len(words)):
        sums[words[j]] += 1.0
        before[j] = k = latest[words[j]]
        while k >= 0:
            sums[words[j]] += 2 * counts_for[distance(signatures[k], signatures[j])]
            k = before[k]
        latest[words[j]] = j
    for j in range(len(words)):
        latest[words[j]] = -1
    return float(_total(words, squares, sums))


@kernel()
def _total(words: Ints, squares: Floats, sums: Floats) -> float:
    """Return Σ_w s_w² √sums_w over the words of some points, and leave the sums at 0."""
    total = 0.0
    for j in range(len(words)):
        if sums[words[j]] > 0:
            total += squares[words[j]] * np.sqrt(sums[words[j]])
            sums[words[j]] = 0.0
    return total
