"""The query: encode, choose the candidates, rank, rerank, fuse, group, and return the hits."""

from __future__ import annotations

from collections.abc import Sequence

from ...answers.bounded_fusion import depths
from ...errors import SettingError
from ..storage.snapshot import Snapshot
from .best_cases import Cases, best_cases
from .best_fused import Fused, best_fused
from .candidates import Mask, candidate_mask, n_candidates, own_position
from .concepts import move_queries
from .encode_query import EncodedQuery, encode_query
from .fusion import Fusion
from .group_cases import first_depth, group_cases
from .hits import Hit, make_hits
from .matches import find_matches
from .query_options import QueryImage, QueryOptions
from .refined import Refined, refine_all
from .smooth import Smoothing, check_smoothing

_DEEPER = 8
"""How many times more images are ranked if those of before collapse to fewer than are wanted."""


def answer(snapshot: Snapshot, query: QueryImage, options: QueryOptions) -> list[Hit]:
    """Rank the images of a snapshot by how much they look like a query; see ``Index.query``."""
    if options.volume_by != QueryOptions.volume_by:
        raise SettingError(
            "volume_by: only the slices of a volume are aligned; leave it out, or add --volume"
        )
    return search(snapshot, query, encode_query(snapshot, query, options), options)


def search(
    snapshot: Snapshot, query: QueryImage, encoded: Sequence[EncodedQuery], options: QueryOptions
) -> list[Hit]:
    """Rank the images of a snapshot by a query that is encoded already, and return the hits."""
    mask = candidate_mask(snapshot, query, options)
    fusion = Fusion.of(snapshot, encoded, options)
    # Blind feedback is a query before the query: what it finds is liked as if the user had said so.
    liked = [*options.like, *_first_hits(snapshot, query, encoded, mask, fusion, options)]
    moved = move_queries(snapshot, encoded, options, liked)
    refined = _refined(snapshot, query, moved, mask, options)
    grouped, reranked, fusion = _grouped(snapshot, refined, mask, fusion, options)
    rankings = [one.ranking for one in reranked]
    # Matches and votes are looked up for what is returned, never for the whole ranking.
    best = grouped.ranking.ids
    matches = find_matches(snapshot, reranked, best, everywhere=options.region is not None)
    return make_hits(snapshot, grouped, matches, fusion.votes(rankings, best))


def _grouped(
    snapshot: Snapshot,
    refined: Sequence[Refined],
    mask: Mask | None,
    fusion: Fusion,
    options: QueryOptions,
) -> Cases:
    """Return the best cases, or images if nothing makes a case."""
    best = best_cases(snapshot, refined, mask, fusion, options)
    if best is not None:
        return best
    depth = first_depth(options, len(snapshot))
    while True:
        fused, reranked, scaled = _fused(snapshot, refined, depth, mask, fusion)
        # Grouping comes after fusion: representations agree on images, and a rule makes cases of those.
        grouped = group_cases(snapshot, fused, options)
        # Slices collapse from the best down: those of the first images are the first of all.
        if len(grouped.ranking) >= options.k or len(fused) < depth or depth == len(snapshot):
            return Cases(grouped, reranked, scaled)
        depth = min(len(snapshot), _DEEPER * depth)


def _first_hits(
    snapshot: Snapshot,
    query: QueryImage,
    encoded: Sequence[EncodedQuery],
    mask: Mask | None,
    fusion: Fusion,
    options: QueryOptions,
) -> list[str]:
    """Return the names of the first hits that blind feedback counts as liked; none without it.

    They are those of the fused ranking: what the representations agree on moves each of them.
    """
    if not options.blind:
        return []
    moved = move_queries(snapshot, encoded, options, options.like)
    # One of them may be the query itself, which is no hit; those that are liked already count once.
    refined = _refined(snapshot, query, moved, mask, options)
    fused = _fused(snapshot, refined, options.blind + 1, mask, fusion)
    found, itself = fused.ranking.ids[: options.blind + 1].tolist(), own_position(snapshot, query)
    first = [snapshot.names[id] for id in found if id != itself][: options.blind]
    return [name for name in first if name not in options.like]


def _refined(
    snapshot: Snapshot,
    query: QueryImage,
    encoded: Sequence[EncodedQuery],
    mask: Mask | None,
    options: QueryOptions,
) -> list[Refined]:
    """Return the query by each representation, reranked and smoothed as the options say."""
    if options.smooth:
        check_smoothing(snapshot, [one.name for one in encoded])
    reach = first_reach(snapshot, mask, options, len(encoded))
    return refine_all(snapshot, encoded, mask, Smoothing(snapshot, query, options.smooth), reach)


def first_reach(snapshot: Snapshot, mask: Mask | None, options: QueryOptions, n_rankings: int) -> int:
    """Return how deep an answer reads its rankings at first."""
    n = n_candidates(snapshot, mask)
    if options.group_by is not None:
        return next(depths(n, options.k, n_rankings), n)
    k = first_depth(options, n)
    return k if n_rankings == 1 else next(depths(n, k), n)


def _fused(
    snapshot: Snapshot, refined: Sequence[Refined], k: int, mask: Mask | None, fusion: Fusion
) -> Fused:
    """Return the best k images by all representations, or more."""
    best = best_fused(snapshot, refined, k, mask, fusion)
    if best is not None:
        return best
    # Fusion needs whole rankings: what is 11th in one may be first of all.
    reranked = [one.to(k if len(refined) == 1 else len(snapshot)) for one in refined]
    scaled = fusion.scaled(snapshot, reranked)
    return Fused(scaled.fuse([one.ranking for one in reranked]), reranked, scaled)
