"""Reranking: the best images of a ranking are ordered anew by where, and how well, the query matches them.

A first ranking compares whole vectors, which tell nothing of places. Representations that keep local
evidence compare it with the query's, image by image, and so only for the best few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...evidence.localization import Candidates, Located, Locator
from ...ranker import Ids, Ranking, order
from ..storage.snapshot import Snapshot
from .encode_query import EncodedQuery

_BLOCK = 512
"""Maximum number of images whose evidence is in memory at a time."""

Box = tuple[float, float, float, float]
Transform = tuple[float, float, float, float]


@dataclass(frozen=True)
class Match:
    """Where in an image a query matched.

    Parameters
    ----------
    box : (row, col, height, width) in pixels.
    n_inliers : how many matches agree in space.
    transform : that takes the query there, as in ``Located.transforms``; None if no matches agree.
    """

    box: Box
    n_inliers: int
    transform: Transform | None = None


@dataclass(frozen=True, eq=False)
class Reranked:
    """What one representation answers.

    Parameters
    ----------
    query : that ranked; an expanded one if the representation expands queries.
    ranking : after reranking.
    matches : where the query matched, by position, of the images that were reranked.
    """

    query: EncodedQuery
    ranking: Ranking
    matches: Mapping[int, Match] = field(default_factory=dict)


def n_reranked(encoded: EncodedQuery) -> int | None:
    """Return how many of the best images are reranked; 0 for none, None for all."""
    if not isinstance(encoded.representation, Locator) or encoded.encoding.evidence is None:
        return 0
    return encoded.representation.n_candidates(encoded.region is not None)


def rerank(snapshot: Snapshot, encoded: EncodedQuery, ranking: Ranking) -> Reranked:
    """Score the best of a ranking by local evidence, and order them by their new scores.

    All others stay behind them in their order, none with a score above theirs.
    """
    n = n_reranked(encoded)
    n = len(ranking) if n is None else min(n, len(ranking))
    if n == 0:
        return Reranked(encoded, ranking)
    scores = np.empty(n, dtype=np.float32)  # (n,), in the order of the first ranking
    found: dict[int, Match] = {}
    # Block by block: a region may rerank the whole index, whose evidence does not fit into memory.
    for first in range(0, n, _BLOCK):
        rows = slice(first, min(n, first + _BLOCK))
        located = _locate(snapshot, encoded, ranking.ids[rows], ranking.scores[rows])
        scores[rows] = located.scores
        found.update(_matches(ranking.ids[rows], located))
    best = order(ranking.ids[:n], scores, n)
    # The two kinds of scores are not comparable: the rest is capped, so that scores never rise.
    rest = np.minimum(ranking.scores[n:], best.scores[-1])
    joined = Ranking(np.concatenate([best.ids, ranking.ids[n:]]), np.concatenate([best.scores, rest]))
    return Reranked(encoded, joined, found)


def locate_matches(snapshot: Snapshot, encoded: EncodedQuery, positions: Ids) -> Mapping[int, Match]:
    """Return where the query matched in some images, by position; nothing if it has no local evidence."""
    if not isinstance(encoded.representation, Locator) or encoded.encoding.evidence is None:
        return {}
    if not len(positions):
        return {}
    # Only the boxes are wanted: the images keep the scores that they were ranked by.
    zeros = np.zeros(len(positions), dtype=np.float32)
    return dict(_matches(positions, _locate(snapshot, encoded, positions, zeros)))


def gather_evidence(
    snapshot: Snapshot, name: str, positions: Ids, scores: NDArray[np.float32]
) -> Candidates | None:
    """Return the stored evidence of images, with their first scores; None if none of them has any."""
    # One array for all, as the kernels that match want it: image i has the rows offsets[i]:offsets[i + 1].
    found = snapshot.evidences(name, positions)
    dtype = next((rows.dtype for rows in found if rows is not None), None)
    if dtype is None:
        return None
    offsets = np.cumsum([0, *(0 if rows is None else len(rows) for rows in found)], dtype=np.int64)
    # Filled part by part: to join hundreds of structured arrays, numpy compares their fields each time.
    joined = np.empty(int(offsets[-1]), dtype=dtype)
    for rows, first in zip(found, offsets.tolist(), strict=False):
        if rows is not None:
            joined[first : first + len(rows)] = rows
    return Candidates(joined, offsets, snapshot.shapes(positions), scores)


def _locate(
    snapshot: Snapshot, encoded: EncodedQuery, positions: Ids, scores: NDArray[np.float32]
) -> Located:
    assert isinstance(encoded.representation, Locator)
    candidates = gather_evidence(snapshot, encoded.name, positions, scores)
    # Images without any local feature, such as black ones, keep their scores and have no box.
    if candidates is None:
        n = len(positions)
        return Located(scores, np.full((n, 4), np.nan, np.float32), np.zeros(n, np.int32))
    return encoded.representation.locate(encoded.encoding, encoded.shape, encoded.region, candidates)


def _matches(positions: Ids, located: Located) -> Iterator[tuple[int, Match]]:
    rows = zip(positions.tolist(), located.boxes.tolist(), located.n_inliers.tolist(), strict=True)
    for i, (position, (row, col, height, width), n_inliers) in enumerate(rows):
        if not np.isnan(row):
            yield position, Match((row, col, height, width), n_inliers, _transform(located, i))


def _transform(located: Located, i: int) -> Transform | None:
    if located.transforms is None or np.isnan(located.transforms[i]).any():
        return None
    a, b, c, d = located.transforms[i].tolist()
    return a, b, c, d
