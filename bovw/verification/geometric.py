"""Geometric verification: do the words of a query and of a candidate agree in their places too?

Tentative matches vote for similarity transforms (scale, turn, shift); the transforms with most votes are
fitted robustly to the matches that agree with them, and the one that most agree with is kept. Matches that
agree, no point twice, are the inliers (Lowe 2004; Philbin et al., Object retrieval with large vocabularies
and fast spatial matching, CVPR 2007).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .chance_inliers import FEWEST_INLIERS, a_contrario_threshold, match_probability
from .hamming import reach
from .hough_voting import N_PEAKS, QueryPose, empty_table, hypothesis, peaks, propose, vote
from .matching import MOST_MATCHES, Frames, Points, WordTable, match, points_of, room_for_matches
from .similarity_transform import Used, distances, one_to_one, refit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Verdicts(NamedTuple):
    """Results of the verification of n candidates.

    Parameters
    ----------
    transforms : float64 (n, 4), see ``bovw.verification.similarity_transform``; NaN if there is none.
    inliers : int64 (n,), the number of matches that agree with it, no point twice.
    thresholds : int64 (n,), the fewest inliers that chance does not explain.
    """

    transforms: Floats
    inliers: Ints
    thresholds: Ints

    @property
    def are_verified(self) -> NDArray[np.bool_]:
        """Which candidates have enough inliers, bool (n,)."""
        return np.asarray(self.inliers >= self.thresholds)


def verify(
    query: Frames, candidates: Frames, offsets: Ints, sizes: Ints, n_words: int, extent: float | None = None
) -> Verdicts:
    """Verify candidates.

    Parameters
    ----------
    candidates : the points of all candidates, one candidate after the other. If they and the query's have
        signatures, pairs whose signatures are far apart are no matches.
    offsets : int64 (n + 1,): candidate i has the points from ``offsets[i]`` to ``offsets[i + 1]``.
    sizes : int64 (n, 2), rows and columns of their images.
    n_words : the size of the vocabulary.
    extent : the diameter of what the query's points cover, in pixels; None: measured.
    """
    n = len(offsets) - 1
    verdicts = Verdicts(np.full((n, 4), np.nan), np.zeros(n, np.int64), np.full(n, FEWEST_INLIERS, np.int64))
    if len(query) and len(candidates):
        table = WordTable.of(query.words, n_words)
        places = query.places[:, :2]
        extent = max(float(np.ptp(places, axis=0).max()), 1.0) if extent is None else extent
        pose = QueryPose(places.mean(axis=0), float(extent), query.is_upright and candidates.is_upright)
        offsets, areas = np.asarray(offsets, np.int64), sizes.prod(axis=1).astype(np.float64)
        within = _reach(query, candidates)
        _verify_all(query.points, table, pose, candidates.points, offsets, areas, within, verdicts)
    return verdicts


def inlier_pairs(query: Frames, candidate: Frames, transform: Floats, n_words: int) -> Ints:
    """Return the matches that agree with a transform, int64 (m, 2): the query's point, the candidate's."""
    if not len(query) or not len(candidate) or np.isnan(transform).any():
        return np.empty((0, 2), np.int64)
    table = WordTable.of(query.words, n_words)
    return np.asarray(_pairs(query.points, table, candidate.points, _reach(query, candidate), transform))


def _reach(query: Frames, candidates: Frames) -> int:
    """Return how far apart signatures may be; 64, which lets all pass, if they cannot be compared."""
    return reach(query.n_bits) if query.n_bits and query.n_bits == candidates.n_bits else 64


@kernel()
def _verify_all(
    query: Points,
    table: WordTable,
    pose: QueryPose,
    candidates: Points,
    offsets: Ints,
    areas: Floats,
    within: int,
    verdicts: Verdicts,
) -> None:
    """Fill in the verdicts of n candidates, whose images have ``areas`` (n,) in pixels."""
    # All buffers are made once and handed back clean by whoever used them: with hundreds of candidates a
    # query, allocating and clearing 1.5 MB for each would cost more than verifying it.
    votes = empty_table()
    counts = np.zeros(len(table.starts) - 1, np.int64)
    used = Used(np.full(len(query.words), -1, np.int64), np.full(np.diff(offsets).max(), -1, np.int64))
    room, proposals = room_for_matches(), np.empty((MOST_MATCHES, 4))
    best, fit = np.empty(N_PEAKS, np.int64), np.empty(4)
    distance, inliers = np.empty(MOST_MATCHES), np.empty(MOST_MATCHES, np.int64)
    for i in range(len(areas)):
        here = points_of(candidates, offsets[i], offsets[i + 1])
        matches = match(query, table, here, within, counts, room)
        n = len(matches.ours)
        if n < 2:  # two matches determine a similarity transform, one does not
            continue
        probability = match_probability(here.places, matches.theirs, areas[i], pose.is_upright)
        verdicts.thresholds[i] = a_contrario_threshold(n, probability)
        propose(query.places, here.places, matches, pose.centre, proposals)
        n_taken = vote(proposals, matches.weights, pose, votes)
        # The highest peak need not hold the best transform: several are fitted, and inliers decide. Of equal
        # ones the higher peak stays.
        for peak in range(peaks(votes, n_taken, best)):
            hypothesis(best[peak], proposals, matches.weights, pose, fit)
            apart = distance[:n]
            refit(fit, query.places, here.places, matches, apart)
            found = one_to_one(apart, matches, used, inliers)
            if found > verdicts.inliers[i]:
                verdicts.inliers[i], verdicts.transforms[i] = found, fit


@kernel()
def _pairs(query: Points, table: WordTable, candidate: Points, within: int, fit: Floats) -> Ints:
    """Return the inliers of one candidate under a transform (4,), int64 (m, 2)."""
    # The transform is that of the verdict already: nothing is voted for or fitted here, and the matches are
    # those that it was found from, since ``match`` depends on the points alone.
    counts = np.zeros(len(table.starts) - 1, np.int64)
    matches = match(query, table, candidate, within, counts, room_for_matches())
    apart, inliers = np.empty(len(matches.ours)), np.empty(len(matches.ours), np.int64)
    distances(fit, query.places, candidate.places, matches, apart)
    used = Used(np.full(len(query.words), -1, np.int64), np.full(len(candidate.words), -1, np.int64))
    found = one_to_one(apart, matches, used, inliers)
    pairs = np.empty((found, 2), np.int64)
    for k in range(found):
        pairs[k, 0], pairs[k, 1] = matches.ours[inliers[k]], matches.theirs[inliers[k]]
    return pairs
