"""The matches: where in its hits a query matched, if any representation that answered can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...answers.partial_ranking import places_in
from ...ranker import Ids
from ..storage.snapshot import Snapshot
from .rerank import Match, Reranked, locate_matches


def find_matches(
    snapshot: Snapshot, reranked: Sequence[Reranked], positions: Ids, everywhere: bool
) -> dict[int, Match]:
    """Return where the query matched in some images, by the representation that ranked each of them best.

    With ``everywhere``, images that no representation has reranked are searched now: a region that was
    marked is to be seen in every hit.
    """
    found = _best(reranked, positions)
    # The first representation that can tell decides; the next ones search what is still missing.
    for one in reranked if everywhere else ():
        missing = np.array([p for p in positions.tolist() if p not in found], dtype=np.int64)
        found |= locate_matches(snapshot, one.query, missing)
    return found


def _best(reranked: Sequence[Reranked], positions: Ids) -> dict[int, Match]:
    """Return of each image the match of the representation in whose ranking it is first.

    Of those that rank it alike, the one with more inliers.
    """
    # Scores of representations are not comparable, ranks are. Ranks are often equal, and a box that inliers
    # prove is better than one that is the most alike, whichever representation is named first.
    keys: dict[int, tuple[int, int]] = {}
    found: dict[int, Match] = {}
    for one in reranked:
        for position, rank in _ranks(one, positions).items():
            match = one.matches[position]
            key = (rank, -match.n_inliers)
            if position not in keys or key < keys[position]:
                keys[position], found[position] = key, match
    return found


def _ranks(reranked: Reranked, positions: Ids) -> Mapping[int, int]:
    """Return the ranks of the images that have a match, by position."""
    wanted = {p for p in positions.tolist() if p in reranked.matches}
    places = zip(reranked.ranking.ids.tolist(), places_in(reranked.ranking).tolist(), strict=True)
    return {p: place for p, place in places if p in wanted}
