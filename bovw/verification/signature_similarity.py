"""Similarity of signatures: how alike two images are by the matches of each word, weighted by their bits.

With f(h) what a match at Hamming distance h counts for, and s_w the weight of word w,

    ⟨x, y⟩ = Σ_w s_w² √(Σ_ij f(h_ij)),  i and j the points of the two images with word w,

and the similarity is ⟨x, y⟩ / √(⟨x, x⟩ ⟨y, y⟩). The root is against bursts: n · m matches of one word count
for √(n m) at most, as they do in a bag under ``tf`` sqrt, whose cosine this is if f is 1 everywhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .hamming import amounts, distance
from .matching import Frames, Points, WordTable, points_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class MatchWeights(NamedTuple):
    """What matches count for: s_w² of each word, float64 (K,), and f(h) of each distance, float64 (65,)."""

    of_words: Floats
    of_distances: Floats


class Scratch(NamedTuple):
    """Buffers of the kernels, left clean between images.

    Parameters
    ----------
    sums : float64 (K,), Σ f(h) of each word; 0 when clean.
    latest : int64 (K,), the last point seen of each word; −1 when clean.
    before : int64 (n,), the point of the same word that was seen before each point.
    """

    sums: Floats
    latest: Ints
    before: Ints


def signature_similarity(
    query: Frames, candidates: Frames, offsets: Ints, word_weights: NDArray[np.floating], n_bits: int
) -> Floats:
    """Return how alike a query and each candidate are, float64 (n,), in [0, 1]; 0 if one has no point.

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
    weights = MatchWeights(word_weights.astype(np.float64) ** 2, amounts(n_bits))
    _similarity(query.points, table, candidates.points, np.asarray(offsets, np.int64), weights, found)
    return found


def contributions(query: Frames, hit: Frames, word_weights: NDArray[np.floating], n_bits: int) -> Floats:
    """Return what each point of a hit (n,) adds to its similarity to a query, float64 (n,).

    The share of a word is split among its points by what the matches of each count for.
    """
    found = np.zeros(len(hit))
    if not len(query) or not len(hit):
        return found
    table = WordTable.of(query.words, len(word_weights))
    _matched(query.points, table, hit.points, amounts(n_bits), found)
    # s_w² √(Σ f) = Σ f · s_w² / √(Σ f): so each match has its share, and the shares add up to the word's.
    sums = np.bincount(hit.words, found, minlength=len(word_weights))
    found *= word_weights.astype(np.float64)[hit.words] ** 2 / np.sqrt(np.maximum(sums[hit.words], 1e-300))
    whole = signature_similarity(query, hit, np.array([0, len(hit)]), word_weights, n_bits)[0]
    return np.asarray(found * whole / max(found.sum(), 1e-300))


@kernel()
def _matched(query: Points, table: WordTable, hit: Points, of_distances: Floats, found: Floats) -> None:
    """Set what the matches of each of the hit's points count for together, ``found`` (n,)."""
    for j in range(len(hit.words)):
        for k in range(table.starts[hit.words[j]], table.starts[hit.words[j] + 1]):
            found[j] += of_distances[distance(query.signatures[table.members[k]], hit.signatures[j])]


@kernel()
def _similarity(
    query: Points, table: WordTable, candidates: Points, offsets: Ints, weights: MatchWeights, found: Floats
) -> None:
    """Set the similarity of each of n candidates, ``found`` (n,), all 0 before."""
    n_words = len(weights.of_words)
    room = np.empty(max(len(query.words), np.diff(offsets).max()), np.int64)
    scratch = Scratch(np.zeros(n_words), np.full(n_words, -1, np.int64), room)
    own = _with_itself(query, weights, scratch)  # ⟨x, x⟩ is the same for all candidates
    for i in range(len(found)):
        here = points_of(candidates, offsets[i], offsets[i + 1])
        # The table of the query's words makes this linear in the matches, not in the pairs of points.
        for j in range(len(here.words)):
            word = here.words[j]
            for k in range(table.starts[word], table.starts[word + 1]):
                apart = distance(query.signatures[table.members[k]], here.signatures[j])
                scratch.sums[word] += weights.of_distances[apart]
        shared = _total(here.words, weights.of_words, scratch.sums)
        square = own * _with_itself(here, weights, scratch)
        if shared > 0 and square > 0:
            found[i] = min(1.0, shared / np.sqrt(square))  # rounding may lead a little beyond 1


@kernel()
def _with_itself(points: Points, weights: MatchWeights, scratch: Scratch) -> float:
    """Return ⟨x, x⟩ of an image; the scratch is clean before and after."""
    words = points.words
    for j in range(len(words)):
        scratch.sums[words[j]] += 1.0  # a point with itself: f(0) = 1
        # Points of one word are chained, each to the one before: no table of the candidate's words is built.
        # A pair of different points counts twice, as (i, j) and as (j, i).
        scratch.before[j] = k = scratch.latest[words[j]]
        while k >= 0:
            apart = distance(points.signatures[k], points.signatures[j])
            scratch.sums[words[j]] += 2 * weights.of_distances[apart]
            k = scratch.before[k]
        scratch.latest[words[j]] = j
    for j in range(len(words)):
        scratch.latest[words[j]] = -1
    return float(_total(words, weights.of_words, scratch.sums))


@kernel()
def _total(words: Ints, of_words: Floats, sums: Floats) -> float:
    """Return Σ_w s_w² √sums_w over the words of some points, and leave the sums at 0."""
    total = 0.0
    for j in range(len(words)):
        if sums[words[j]] > 0:  # a word's second point finds it at 0, so that it counts once
            total += of_words[words[j]] * np.sqrt(sums[words[j]])
            sums[words[j]] = 0.0
    return total
