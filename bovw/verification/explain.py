"""Explaining a hit of visual words: the places of the words with most weight, and the pairs that match."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.evidence.explanation import Explanation
from retrieval.evidence.heat_map import scattered
from retrieval.representation import Encoding, SparseVector

from .geometric import inlier_pairs, verify
from .matching import Frames

PAIRS = 60
"""Maximum number of pairs that share a word only: those of the words with most weight."""

Pairs = NDArray[np.int64]


def explain(
    query: Encoding,
    hit: Encoding,
    hit_shape: tuple[int, int],
    n_shape_words: int,
    of_points: NDArray[np.floating] | None = None,
) -> Explanation:
    """Explain a hit by the words that both share, and by the pairs of points that agree in space.

    ``of_points`` (n,) is what each point of the hit adds by its word for shape; None: an equal share of what
    the word adds.
    """
    ours, theirs = query.evidence, hit.evidence
    assert ours is not None and theirs is not None
    assert isinstance(query.vector, SparseVector) and isinstance(hit.vector, SparseVector)
    weights = _weights(query.vector, hit.vector)
    heat = scattered(
        theirs["row"], theirs["col"], _point_weights(theirs, weights, n_shape_words, of_points), hit_shape
    )
    # Inliers first, so that drawings can put them on top; then pairs that merely share a word.
    inliers = _inliers(ours, theirs, hit_shape, n_shape_words)
    pairs = np.concatenate([inliers, _heaviest(ours, theirs, weights[:n_shape_words])])
    agreeing = np.arange(len(pairs)) < len(inliers)
    one, other = ours[pairs[:, 0]], theirs[pairs[:, 1]]
    places = np.stack([one["row"], one["col"], other["row"], other["col"]], axis=1)
    return Explanation(heat, places.astype(np.float32), agreeing)


def _weights(query: SparseVector, hit: SparseVector) -> NDArray[np.float32]:
    """Return what each word adds to the score, float32 (size,)."""
    words, ours, theirs = np.intersect1d(query.indices, hit.indices, return_indices=True)
    # The score is a dot product: so it splits exactly into what each shared word adds.
    found = np.zeros(query.size, dtype=np.float32)
    found[words] = query.values[ours] * hit.values[theirs]
    return found


def _point_weights(
    evidence: NDArray[np.void],
    weights: NDArray[np.float32],
    n_shape_words: int,
    of_points: NDArray[np.floating] | None,
) -> NDArray[np.float32]:
    """Return what each point adds to the score: its share of its word for shape, and of that for tone."""
    found = _shared(evidence["word"].astype(np.intp), weights[:n_shape_words])
    if of_points is not None:
        found = of_points.astype(np.float32)
    if len(weights) > n_shape_words:
        found = found + _shared(evidence["tone"].astype(np.intp), weights[n_shape_words:])
    return found


def _shared(words: NDArray[np.intp], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Split the weight of each word evenly among the points that have it, float32 (n,)."""
    counts = np.bincount(words, minlength=len(weights))
    return np.asarray(weights[words] / counts[words], dtype=np.float32)


def _inliers(ours: NDArray[np.void], theirs: NDArray[np.void], shape: tuple[int, int], n_words: int) -> Pairs:
    frames, others = Frames.of(ours), Frames.of(theirs)
    verdicts = verify(frames, others, np.array([0, len(theirs)]), np.array([shape]), n_words)
    if not verdicts.are_verified[0]:
        return np.empty((0, 2), np.int64)
    return inlier_pairs(frames, others, verdicts.transforms[0], n_words)


def _heaviest(ours: NDArray[np.void], theirs: NDArray[np.void], weights: NDArray[np.float32]) -> Pairs:
    """Return a pair of points for each of the heaviest words that both have."""
    # One pair a word, of the first point on either side: which ones belong together is unknown.
    our_words, first = np.unique(ours["word"], return_index=True)
    their_words, second = np.unique(theirs["word"], return_index=True)
    words, at, there = np.intersect1d(our_words, their_words, return_indices=True)
    best = np.argsort(-weights[words], kind="stable")[:PAIRS]
    best = best[weights[words][best] > 0]
    return np.stack([first[at[best]], second[there[best]]], axis=1).astype(np.int64)
