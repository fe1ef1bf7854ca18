"""The hits: what is returned of the images that a query finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from ...answers.fusion import Vote
from ...answers.grouping import Case
from ..storage.snapshot import Snapshot
from .group_cases import GroupedRanking
from .rerank import Match, Transform


@dataclass(frozen=True)
class Hit:
    """One row of an answer.

    Parameters
    ----------
    id : the name of the image.
    score : larger is more alike; in an answer of cases it is the case's.
    rank : from 1.
    box : where the query matched, (row, col, height, width) in pixels; None if that is not known.
    group : what the image belongs to: patient, study, series and such.
    case : of which case the image is the best one; None if images are not grouped.
    n_inliers : how many local matches within the box agree in space; None without a box.
    votes : how each of several fused representations voted, by name.
    transform : that takes the query to where it matched, as in ``retrieval.evidence.localization.Located``;
        None if no local matches agree in space.
    """

    id: str
    score: float
    rank: int
    box: tuple[float, float, float, float] | None = None
    group: Mapping[str, str] = field(default_factory=dict)
    case: Case | None = None
    n_inliers: int | None = None
    votes: Mapping[str, Vote] = field(default_factory=dict)
    transform: Transform | None = None


def best_hits(answers: Iterable[Sequence[Hit]], k: int) -> list[Hit]:
    """Return the best hit of each image, or case, of several answers, ranked; equal scores by name."""
    best: dict[str, Hit] = {}
    for hit in chain.from_iterable(answers):
        key = hit.id if hit.case is None else hit.case.value
        if key not in best or hit.score > best[key].score:
            best[key] = hit
    ranked = sorted(best.values(), key=lambda hit: (-hit.score, hit.id))[:k]
    return [replace(hit, rank=rank) for rank, hit in enumerate(ranked, start=1)]


def make_hits(
    snapshot: Snapshot,
    grouped: GroupedRanking,
    matches: Mapping[int, Match] | None = None,
    votes: Sequence[Mapping[str, Vote]] | None = None,
) -> list[Hit]:
    """Return the hits of a ranking.

    Parameters
    ----------
    grouped : the images that are returned, best first, with their cases.
    matches : by position, where the query matched.
    votes : of each image, in the order of the ranking.
    """
    ids = grouped.ranking.ids.tolist()
    rows = zip(ids, grouped.ranking.scores.tolist(), grouped.cases, votes or [{}] * len(ids), strict=True)
    # All entries at once, by one query of the catalogue if they are many.
    groups = [entry.groups for entry in snapshot.entries(ids)]
    hits = []
    for rank, (position, score, case, own_votes) in enumerate(rows, start=1):
        match = (matches or {}).get(position)
        name, group = snapshot.names[position], groups[rank - 1]
        if match is None:
            hits.append(Hit(name, score, rank, None, group, case, None, own_votes))
        else:
            where = (match.box, group, case, match.n_inliers, own_votes, match.transform)
            hits.append(Hit(name, score, rank, *where))
    return hits
