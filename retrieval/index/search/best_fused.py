"""The top k images by several representations together, from prefixes of their rankings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...answers.bounded_fusion import fuse_best, may_save
from ...ranker import Ranking
from ..storage.snapshot import Snapshot
from .candidates import Mask, n_candidates
from .encode_query import EncodedQuery
from .fusion import Fusion
from .look_up import LookUp, rankings_of
from .query_options import QueryOptions
from .refined import Refined
from .rerank import Reranked


class Fused(NamedTuple):
    """A fused ranking, what each representation answered, and how they were fused."""

    ranking: Ranking
    reranked: Sequence[Reranked]
    fusion: Fusion


def best_fused(
    snapshot: Snapshot, refined: Sequence[Refined], k: int, mask: Mask | None, fusion: Fusion
) -> Fused | None:
    """Return the top k images by several representations; None if whole rankings are needed.

    They are if one reranks all images, or if the index is small.
    """
    if len(refined) == 1 or any(one.are_all_reranked for one in refined):
        return None
    n = n_candidates(snapshot, mask)
    if not may_save(n, k):  # else the scales of a small index would be found twice
        return None
    scaled = fusion.scaled(snapshot, [one.with_ranking(Ranking.of_nothing()) for one in refined])
    look_up = LookUp.of(snapshot, refined)
    found = fuse_best(
        lambda depth: rankings_of(refined, look_up, depth),
        *(n, k, scaled.rule, scaled.weights, scaled.scales, look_up),
    )
    if found is None:
        return None
    best, rankings = found
    reranked = [one.with_ranking(ranking) for one, ranking in zip(refined, rankings, strict=True)]
    return Fused(best, reranked, scaled)


def rank_by_all(
    snapshot: Snapshot, encoded: Sequence[EncodedQuery], k: int, mask: Mask | None, options: QueryOptions
) -> Ranking:
    """Return the candidates by all representations together, without reranking.

    The best k, or more.
    """
    fusion = Fusion.of(snapshot, encoded, options)
    # Reranking is left out: volumes and classification rank hundreds of queries for one answer.
    plain = [Refined.plain(snapshot, one, mask) for one in encoded]
    best = best_fused(snapshot, plain, k, mask, fusion)
    if best is not None:
        return best.ranking
    # What is 11th in one may be first of all.
    found = [one.to(k if len(encoded) == 1 else len(snapshot)) for one in plain]
    return fusion.scaled(snapshot, found).fuse([one.ranking for one in found])
