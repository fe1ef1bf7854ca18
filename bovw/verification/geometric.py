"""Geometric verification: do the words of a query and of a candidate agree in their places too?

Tentative matches vote for similarity transforms (scale, turn, shift); the transforms with most votes are
fitted robustly to the matches that agree with them, and the one that most agree with is kept. Matches that
agree, no point twice, are the proof (Lowe 2004; Philbin et al., Object retrieval with large vocabularies and
fast spatial matching, CVPR 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .chance_agreement import FEWEST, likelihood, needed
from .hamming import reach
from .hough_voting import N_PEAKS, SLOTS, hypothesis, peaks, propose, vote
from .matching import MOST_MATCHES, Frames, WordTable, match
from .similarity_transform import distances, one_to_one, refine

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bits = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What verification says of n candidates.

    Parameters
    ----------
    transforms : float64 (n, 4), see ``bovw.verification.similarity_transform``; NaN where there is none.
    inliers : int64 (n,), the matches that agree with it, no point twice.
    needed : int64 (n,), so many must agree that chance is no explanation.
    """

    transforms: Floats
    inliers: Ints
    needed: Ints

    @property
    def are_verified(self) -> NDArray[np.bool_]:
        """Tell which are verified, bool (n,)."""
        return np.asarray(self.inliers >= self.needed)


def verify(
    query: Frames, candidates: Frames, offsets: Ints, shapes: Ints, size: int, extent: float | None = None
) -> Verdicts:
    """Verify candidates.

    Parameters
    ----------
    candidates : the points of all candidates, one candidate after the other. Where they and the query's have
        signatures, pairs whose signatures are far apart are no matches.
    offsets : int64 (n + 1,): candidate i has the points from ``offsets[i]`` to ``offsets[i + 1]``.
    shapes : int64 (n, 2), rows and columns of their pictures.
    size : how many words there are.
    extent : the diameter of what the query's points cover, in pixels; None: measured.
    """
    n = len(offsets) - 1
    transforms = np.full((n, 4), np.nan)
    inliers, least = np.zeros(n, np.int64), np.full(n, FEWEST, np.int64)
    if len(query) and len(candidates):
        table = WordTable.of(query.words, size)
        is_upright = query.is_upright and candidates.is_upright
        centre = query.places[:, :2].mean(axis=0)
        extent = max(float(np.ptp(query.places[:, :2], axis=0).max()), 1.0) if extent is None else extent
        areas = shapes.prod(axis=1).astype(np.float64)
        _verify_all(
            query.places, query.signatures, table.starts, table.members,
            candidates.words, candidates.places, candidates.signatures, _reach(query, candidates),
            np.asarray(offsets, np.int64), areas, centre, extent, is_upright, transforms, inliers, least,
        )  # fmt: skip
    return Verdicts(transforms, inliers, least)


def inlier_pairs(query: Frames, candidate: Frames, transform: Floats, size: int) -> Ints:
    """Return the matches that agree with a transform, int64 (m, 2): the query's point, the candidate's."""
    if not len(query) or not len(candidate) or np.isnan(transform).any():
        return np.empty((0, 2), np.int64)
    table = WordTable.of(query.words, size)
    pairs = _pairs(
        query.places, query.signatures, table.starts, table.members,
        candidate.words, candidate.places, candidate.signatures, _reach(query, candidate), transform,
    )  # fmt: skip
    return np.asarray(pairs)


def _reach(query: Frames, candidates: Frames) -> int:
    """Return how far apart signatures may be; 64, which lets all pass, where they cannot be compared."""
    return reach(query.n_bits) if query.n_bits and query.n_bits == candidates.n_bits else 64


@kernel()
def _verify_all(
    query: Floats,
    our_signatures: Bits,
    starts: Ints,
    members: Ints,
    words: Ints,
    places: Floats,
    signatures: Bits,
    within: int,
    offsets: Ints,
    areas: Floats,
    centre: Floats,
    extent: float,
    is_upright: bool,
    transforms: Floats,
    inliers: Ints,
    least: Ints,
) -> None:
    keys, votes, taken = np.full(SLOTS, -1, np.int64), np.zeros(SLOTS), np.empty(SLOTS, np.int64)
    counts, our_used = np.zeros(len(starts) - 1, np.int64), np.full(len(query), -1, np.int64)
    their_used = np.full(np.diff(offsets).max(), -1, np.int64)
    ours, theirs = np.empty(MOST_MATCHES, np.int64), np.empty(MOST_MATCHES, np.int64)
    weights, proposals = np.empty(MOST_MATCHES), np.empty((MOST_MATCHES, 4))
    best, fit = np.empty(N_PEAKS, np.int64), np.empty(4)
    apart, agree = np.empty(MOST_MATCHES), np.empty(MOST_MATCHES, np.int64)
    for i in range(len(areas)):
        first, last = offsets[i], offsets[i + 1]
        here = places[first:last]
        n = match(
            words[first:last], signatures[first:last], our_signatures, within,
            starts, members, counts, ours, theirs, weights,
        )  # fmt: skip
        if n < 2:
            continue
        least[i] = needed(n, likelihood(here, theirs, n, areas[i], is_upright))
        propose(query, here, ours, theirs, n, centre, proposals)
        n_taken = vote(proposals, weights, n, extent, is_upright, keys, votes, taken)
        for peak in range(peaks(keys, votes, taken, n_taken, best)):
            hypothesis(best[peak], proposals, weights, n, extent, is_upright, centre, fit)
            refine(fit, query, here, ours, theirs, weights, n, apart)
            found = one_to_one(apart, ours, theirs, n, our_used, their_used, agree)
            if found > inliers[i]:
                inliers[i], transforms[i] = found, fit


@kernel()
def _pairs(
    query: Floats,
    our_signatures: Bits,
    starts: Ints,
    members: Ints,
    words: Ints,
    places: Floats,
    signatures: Bits,
    within: int,
    fit: Floats,
) -> Ints:
    counts = np.zeros(len(starts) - 1, np.int64)
    ours, theirs = np.empty(MOST_MATCHES, np.int64), np.empty(MOST_MATCHES, np.int64)
    apart, agree = np.empty(MOST_MATCHES), np.empty(MOST_MATCHES, np.int64)
    n = match(words, signatures, our_signatures, within, starts, members, counts, ours, theirs, apart)
    distances(fit, query, places, ours, theirs, n, apart)
    our_used, their_used = np.full(len(query), -1, np.int64), np.full(len(words), -1, np.int64)
    found = one_to_one(apart, ours, theirs, n, our_used, their_used, agree)
    pairs = np.empty((found, 2), np.int64)
    for k in range(found):
        pairs[k, 0], pairs[k, 1] = ours[agree[k]], theirs[agree[k]]
    return pairs
