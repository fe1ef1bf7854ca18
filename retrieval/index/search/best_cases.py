"""The top k cases without whole rankings: only images of candidate cases are ranked.

The cases of the images in a prefix of each ranking are the candidates. All images of these are scored, as
rules that average over a case, and slices that collapse, need them all. No image of another case scores above
the threshold of the prefixes (the threshold algorithm of Fagin, Lotem and Naor, JCSS 2003, with cases as
objects). If that does not prove the top k cases, longer prefixes are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...answers.bounded_fusion import Prefixes, depths, may_save
from ...ranker import Ids, Ranking
from ..storage.snapshot import Snapshot
from .candidates import Mask, n_candidates
from .fusion import Fusion
from .group_cases import GroupedRanking, collapsed_within, group_cases
from .look_up import LookUp, each_of, rankings_of
from .query_options import QueryOptions
from .refined import Refined
from .rerank import Reranked

_MOST = 4
"""All images are ranked as soon as more than one in this number is of a candidate case."""


class Cases(NamedTuple):
    """The best cases, what each representation answered, and how they were fused."""

    grouped: GroupedRanking
    reranked: Sequence[Reranked]
    fusion: Fusion


def best_cases(
    snapshot: Snapshot,
    refined: Sequence[Refined],
    mask: Mask | None,
    fusion: Fusion,
    options: QueryOptions,
) -> Cases | None:
    """Return the top k cases, as ``group_cases`` finds them in whole rankings; None if these are needed.

    They are needed if a representation reranks all images; for ``rrf``, which needs the rank of each image,
    if a ranker cannot count ranks; and if the index is small.
    """
    if options.group_by is None or any(one.are_all_reranked for one in refined):
        return None
    look_up = LookUp.of(snapshot, refined) if len(refined) > 1 else None
    is_by_rank = fusion.rule == "rrf" and len(refined) > 1
    if is_by_rank and look_up is None:
        return None
    n = n_candidates(snapshot, mask)
    if not may_save(n, options.k):
        return None
    scaled = fusion.scaled(snapshot, [one.with_ranking(Ranking.of_nothing()) for one in refined])
    for depth in depths(n, options.k, len(refined)):
        rankings = rankings_of(refined, look_up, depth)
        prefixes = Prefixes.of(rankings, depth, scaled.rule, scaled.weights, scaled.scales)
        chosen = _needed(snapshot, prefixes, mask, options.group_by, collapsed_within(options) > 0)
        if np.count_nonzero(chosen) * _MOST > n:
            return None
        of_cases = _among(refined, chosen, look_up, is_by_rank)
        grouped = group_cases(snapshot, scaled.fuse(of_cases), options)
        best = grouped.ranking
        # No rule scores a case above its best image. Not equal either: then the ids of these decide.
        if len(best) < options.k or not best.scores[-1] > prefixes.threshold:
            continue
        voting = of_cases if is_by_rank else _voting(best, prefixes, of_cases, look_up)
        if voting is not None:
            pairs = zip(refined, voting, strict=True)
            return Cases(grouped, [one.with_ranking(ranking) for one, ranking in pairs], scaled)
    return None


def _needed(snapshot: Snapshot, prefixes: Prefixes, mask: Mask | None, column: str, collapse: bool) -> Mask:
    """Return which images say what the candidate cases score, bool by position.

    A candidate case is one with an image in a prefix. What slices collapse into may be of any case.
    """
    cases = snapshot.stack_positions.cases(column)  # int64 by position
    chosen = _with_others(cases, prefixes.ids)
    if collapse:
        stacks, _ = snapshot.stack_positions.slice_positions()
        chosen = _with_others(stacks, np.flatnonzero(chosen))
    return chosen if mask is None else chosen & mask


def _with_others(numbers: NDArray[np.int64], positions: Ids) -> Mask:
    """Return which images have the number of one of some images, bool by position."""
    is_named = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=np.bool_)
    is_named[numbers[positions]] = True
    return np.asarray(is_named[numbers])


def _among(
    refined: Sequence[Refined], chosen: Mask, look_up: LookUp | None, are_counted: bool
) -> list[Ranking]:
    """Return how each representation ranks chosen images; with their places among all if these count."""

    def rank_one(number: int) -> Ranking:
        found = refined[number].among(chosen)
        return look_up.with_places(number, found) if look_up is not None and are_counted else found

    return each_of(refined, look_up, rank_one)


def _voting(
    best: Ranking, prefixes: Prefixes, of_cases: Sequence[Ranking], look_up: LookUp | None
) -> Sequence[Ranking] | None:
    """Return rankings that show the rank of each of the best images; None if the prefixes do not."""
    if prefixes.hold_ranks_of(best.ids):
        return prefixes.rankings
    if look_up is None:
        return None
    voting = []
    for number, (first, own) in enumerate(zip(prefixes.rankings, of_cases, strict=True)):
        is_behind = np.isin(own.ids, best.ids) & ~np.isin(own.ids, first.ids)
        behind = Ranking(own.ids[is_behind], own.scores[is_behind])
        voting.append(look_up.with_later(number, first, behind) if len(behind) else first)
    return voting
