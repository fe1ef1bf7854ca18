"""The second look: the best pictures of a ranking are looked at again, for where the query matched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...localization import Candidates, Located, Locator
from ...ranker import Ids, Ranking, order
from ...region import Region
from ...representation import Encoding, Representation
from ..storage.snapshot import Snapshot

_BLOCK = 512
"""So many pictures' evidence is in memory at a time."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Match:
    """Where in a picture a query matched, (row, col, height, width) in pixels, and how many matches agree."""

    box: Box
    proof: int


@dataclass(frozen=True, eq=False)
class EncodedQuery:
    """What is looked for: a query as one representation encodes it, and what it is a part of."""

    name: str
    representation: Representation
    encoding: Encoding
    shape: tuple[int, int]
    region: Region | None


@dataclass(frozen=True, eq=False)
class Reranked:
    """A ranking after the second look, and where the query matched, by position."""

    ranking: Ranking
    matches: Mapping[int, Match] = field(default_factory=dict)


def n_wanted(sought: EncodedQuery) -> int | None:
    """Return how many pictures are looked at again; 0 for none, None for all."""
    if not isinstance(sought.representation, Locator) or sought.encoding.evidence is None:
        return 0
    return sought.representation.n_candidates(sought.region is not None)


def rerank(snapshot: Snapshot, sought: EncodedQuery, ranking: Ranking) -> Reranked:
    """Look at the best of a ranking again, and put them in the order of their new scores."""
    n = n_wanted(sought)
    n = len(ranking) if n is None else min(n, len(ranking))
    if n == 0:
        return Reranked(ranking)
    scores = np.empty(n, dtype=np.float32)
    found: dict[int, Match] = {}
    for first in range(0, n, _BLOCK):
        rows = slice(first, min(n, first + _BLOCK))
        located = _located(snapshot, sought, ranking.ids[rows], ranking.scores[rows])
        scores[rows] = located.scores
        found.update(_matches(ranking.ids[rows], located))
    best = order(ranking.ids[:n], scores, n)
    rest = np.minimum(ranking.scores[n:], best.scores[-1])
    return Reranked(
        Ranking(np.concatenate([best.ids, ranking.ids[n:]]), np.concatenate([best.scores, rest])), found
    )


def matches(
    snapshot: Snapshot, looks: Sequence[tuple[EncodedQuery, Reranked]], positions: Ids, everywhere: bool
) -> dict[int, Match]:
    """Return where the query matched in some pictures, by the representation that ranked each of them best.

    With ``everywhere``, pictures that none of them looked at again are looked at now.
    """
    found: dict[int, tuple[int, Match]] = {}
    for _, look in looks:
        rank = {position: i for i, position in enumerate(look.ranking.ids.tolist())} if look.matches else {}
        known = {p: look.matches[p] for p in positions.tolist() if p in look.matches}
        for position, match in known.items():
            if position not in found or rank[position] < found[position][0]:
                found[position] = (rank[position], match)
    for sought, _ in looks if everywhere else ():
        lacking = np.array([p for p in positions.tolist() if p not in found], dtype=np.int64)
        found |= {p: (len(positions), match) for p, match in _look_for(snapshot, sought, lacking).items()}
    return {position: match for position, (_, match) in found.items()}


def _look_for(snapshot: Snapshot, sought: EncodedQuery, positions: Ids) -> Mapping[int, Match]:
    """Return where the query matched in pictures that were not looked at again."""
    if not isinstance(sought.representation, Locator) or not len(positions):
        return {}
    if sought.encoding.evidence is None:
        return {}
    zeros = np.zeros(len(positions), dtype=np.float32)
    return dict(_matches(positions, _located(snapshot, sought, positions, zeros)))


def _located(
    snapshot: Snapshot, sought: EncodedQuery, positions: Ids, scores: NDArray[np.float32]
) -> Located:
    assert isinstance(sought.representation, Locator)
    candidates = candidates_of(snapshot, sought.name, positions, scores)
    if candidates is None:
        n = len(positions)
        return Located(scores, np.full((n, 4), np.nan, np.float32), np.zeros(n, np.int32))
    return sought.representation.locate(sought.encoding, sought.shape, sought.region, candidates)


def candidates_of(
    snapshot: Snapshot, name: str, positions: Ids, scores: NDArray[np.float32]
) -> Candidates | None:
    """Gather the evidence of pictures; None where none of them has any."""
    found = [snapshot.evidence(name, position) for position in positions.tolist()]
    dtype = next((rows.dtype for rows in found if rows is not None), None)
    if dtype is None:
        return None
    none = np.empty(0, dtype=dtype)
    parts = [none if rows is None else rows for rows in found]
    offsets = np.cumsum([0, *(len(rows) for rows in parts)], dtype=np.int64)
    return Candidates(np.concatenate(parts), offsets, snapshot.shapes(positions), scores)


def _matches(positions: Ids, located: Located) -> Iterator[tuple[int, Match]]:
    boxes, n_inliers = located.boxes.tolist(), located.n_inliers.tolist()
    for position, (row, col, height, width), proof in zip(positions.tolist(), boxes, n_inliers, strict=True):
        if row == row:  # a number
            yield position, Match((row, col, height, width), proof)
