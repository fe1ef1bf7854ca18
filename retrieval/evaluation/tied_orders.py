"""Orders of tied hits: what has no closed form is the mean over all orders, or over some drawn at random.

Orders are of labels, not of pictures: hits of the same labels are the same to every measure. So a measure is
the same whatever files are called, and a few sequences of labels stand for a great many orders of pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..statistics.tied_ranking import group_starts
from .scored_query import ScoredQuery

MOST_SEQUENCES = 2_000
"""If more sequences of labels are possible, ``DRAWS`` of them are drawn instead."""
DRAWS = 500
"""A share is then exact to 0.022 (its standard error)."""

Groups = list[list[list[int]]]
"""Positions by group of equal scores, best first, and within a group by their labels."""


@dataclass(frozen=True)
class FirstHits:
    """The positions of the first hits in one order, and how probable it is."""

    positions: tuple[int, ...]
    probability: float


def mean_over_orders(answer: ScoredQuery, k: int, score: Callable[[list[int]], list[float]]) -> list[float]:
    """Return the mean of ``score`` of the positions of the first k hits, over the orders of tied ones."""
    rows = first_hits(answer, k)
    values = [score(list(row.positions)) for row in rows]
    if len(rows) == 1:
        return values[0]
    return list(np.average(values, axis=0, weights=[row.probability for row in rows]).tolist())


def first_hits(answer: ScoredQuery, k: int) -> list[FirstHits]:
    """Return the first k hits in every order that is possible, up to hits of the same labels; or in some."""
    groups = _groups(answer, k)
    if all(len(kinds) == 1 for kinds in groups):
        return [FirstHits(tuple(answer.ranking.ids[:k].tolist()), 1.0)]
    return _all_sequences(groups, k) or _some_sequences(groups, k)


def _groups(answer: ScoredQuery, k: int) -> Groups:
    """Return the groups of equal scores that reach into the first k hits."""
    labels, ids, scores = answer.judgements.labels, answer.ranking.ids, answer.ranking.scores
    starts = group_starts(scores)
    ends = np.append(starts[1:], len(scores))
    groups: Groups = []
    for start, end in zip(starts[starts < k].tolist(), ends.tolist(), strict=False):
        kinds: dict[tuple[str, ...], list[int]] = {}
        for position in ids[start:end].tolist():
            kinds.setdefault(labels[position], []).append(position)
        groups.append([kinds[kind] for kind in sorted(kinds)])
    return groups


def _all_sequences(groups: Groups, k: int) -> list[FirstHits]:
    """Return every sequence of labels with its probability; nothing if there are too many."""
    found = [FirstHits((), 1.0)]
    for kinds in groups:
        size = sum(map(len, kinds))
        taken = len(found[0].positions)
        for step in range(min(size, k - taken)):
            found = [one for before in found for one in _next(before, kinds, taken, size - step)]
            if len(found) > MOST_SEQUENCES:
                return []
    return found


def _next(before: FirstHits, kinds: Sequence[list[int]], taken: int, n_left: int) -> list[FirstHits]:
    """Return what may follow within a group: one hit of each kind of which some are left."""
    used = set(before.positions[taken:])
    left = [[position for position in kind if position not in used] for kind in kinds]
    return [
        FirstHits((*before.positions, kind[0]), before.probability * len(kind) / n_left)
        for kind in left
        if kind
    ]


def _some_sequences(groups: Groups, k: int) -> list[FirstHits]:
    # The seed is the same for every query: equal labels in equal groups give equal draws, whatever the names.
    random = np.random.default_rng(0)
    members = [[position for kind in kinds for position in kind] for kinds in groups]
    return [FirstHits(tuple(_drawn(members, k, random)), 1 / DRAWS) for _ in range(DRAWS)]


def _drawn(members: Sequence[list[int]], k: int, random: np.random.Generator) -> list[int]:
    first: list[int] = []
    for group in members:
        chosen: NDArray[np.int64] = random.choice(len(group), min(len(group), k - len(first)), replace=False)
        first += [group[i] for i in chosen.tolist()]
    return first
