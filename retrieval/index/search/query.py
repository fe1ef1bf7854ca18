"""The query: which pictures look like one, under which conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...answers.fusion import fuse, votes
from ...answers.grouping import Case
from ...answers.relevance_feedback import Rocchio
from ...errors import IndexFolderError, SettingError
from ...metadata.filter import Condition
from ...picture import Picture
from ...ranker import Ranking
from ...rankers.selective_match import SelectiveIndex
from ...representation import Adjustable, Encoding, Representation, Vector
from ..catalogue.learned_fusions import weights_of
from ..storage.snapshot import Snapshot
from .expansion import expanded
from .group_cases import narrow, needs_all
from .query_options import Hit, QueryOptions
from .rerank import EncodedQuery, Match, Reranked, matches, n_wanted, rerank

Mask = NDArray[np.bool_]
_MANY = 500


def answer(
    snapshot: Snapshot, query: Picture | str, pixels: Picture | None, terms: QueryOptions
) -> list[Hit]:
    """Rank the pictures of a snapshot.

    ``query`` is a picture, or the name of one in the index, whose stored vector is used; ``pixels`` is the
    picture of that name, needed where there is a region or a setting is adjusted.
    """
    if terms.blind:
        terms = _with_first_liked(snapshot, query, pixels, terms)
    names = representations(snapshot, terms)
    mask = allowed(snapshot, query, terms)
    k = len(snapshot) if needs_all(terms) else terms.k
    looks = [
        _looked(snapshot, encode_query(snapshot, n, query, pixels, terms), k, mask, len(names)) for n in names
    ]
    rankings = [look.ranking for _, look in looks]
    weights = fusion_weights(snapshot, names, terms)
    together = rankings[0] if len(rankings) == 1 else fuse(rankings, terms.fusion, weights=weights)
    ranking, cases = narrow(snapshot, together, terms)
    best = ranking.ids[: terms.k]
    places = matches(snapshot, looks, best, terms.region is not None)
    found = hits(snapshot, ranking, terms.k, cases, places)
    if len(rankings) == 1:
        return found
    cast = votes(names, rankings, terms.fusion, weights, best)
    return [replace(hit, votes=each) for hit, each in zip(found, cast, strict=True)]


def _with_first_liked(
    snapshot: Snapshot, query: Picture | str, pixels: Picture | None, terms: QueryOptions
) -> QueryOptions:
    """Return terms that like the first hits, so that all representations move towards what they agree on."""
    first = replace(terms, blind=0, k=terms.blind + 1, group_by=None, case_by="best", collapse=None)
    known = {query, *terms.like}
    found = [hit.id for hit in answer(snapshot, query, pixels, first) if hit.id not in known]
    return replace(terms, blind=0, like=(*terms.like, *found[: terms.blind]))


def fusion_weights(snapshot: Snapshot, names: Sequence[str], terms: QueryOptions) -> tuple[float, ...] | None:
    """Return the weights that were learnt for some representations, where the terms ask for them."""
    if terms.fusion != "learnt" or len(names) == 1:
        return None
    return weights_of(snapshot.fusions, names, snapshot.bindings)


def _looked(
    snapshot: Snapshot, sought: EncodedQuery, k: int, mask: Mask | None, n_together: int
) -> tuple[EncodedQuery, Reranked]:
    """Rank by one representation, and look at the best again where it wants to; so for an expanded query."""
    n = n_wanted(sought)
    k = len(snapshot) if n is None or n_together > 1 else max(k, n)

    def looked(sought: EncodedQuery) -> Reranked:
        return rerank(snapshot, sought, _ranked(snapshot, sought.name, sought.encoding.vector, k, mask))

    look = looked(sought)
    more = expanded(snapshot, sought, look)
    return (sought, look) if more is None else (more, looked(more))


def representations(snapshot: Snapshot, terms: QueryOptions) -> Sequence[str]:
    """Return the names of the representations that answer. SettingError where they cannot."""
    names = terms.by or tuple(name for name, b in snapshot.bindings.items() if b.is_fitted)
    if not names:
        raise SettingError(
            "by: this index holds no fitted representation; run `semblance index` to the end first"
        )
    _check_adjustable(snapshot, names, terms.adjust or {})
    return names


def ranked(
    snapshot: Snapshot,
    names: Sequence[str],
    query: Picture | str,
    pixels: Picture | None,
    terms: QueryOptions,
    k: int,
    mask: Mask | None,
) -> Ranking:
    """Return the best k pictures by all representations together; all of them where several are fused."""
    # Fusion wants the whole ranking: what is 11th in one may be first of all.
    k = k if len(names) == 1 else len(snapshot)
    found = []
    for name in names:
        sought = encode_query(snapshot, name, query, pixels, terms)
        found.append(_ranked(snapshot, name, sought.encoding.vector, k, mask))
    weights = fusion_weights(snapshot, names, terms)
    return found[0] if len(found) == 1 else fuse(found, terms.fusion, weights=weights)


def _ranked(snapshot: Snapshot, name: str, vector: Vector, k: int, mask: Mask | None) -> Ranking:
    ranking = snapshot.ranker(name).rank(vector, k, mask)
    if not np.isfinite(ranking.scores).all():
        raise IndexFolderError(
            f"{name}: this index is damaged; restore it, or index again (`semblance verify` says where)"
        )
    return ranking


def encode_query(
    snapshot: Snapshot, name: str, query: Picture | str, pixels: Picture | None, terms: QueryOptions
) -> EncodedQuery:
    """Encode a query as one representation does, its vector moved by feedback; a stored one is not read."""
    representation = _adjusted(snapshot.representation(name), terms.adjust or {})
    asked = query if isinstance(query, Picture) else pixels
    if asked is not None:
        encoding, shape = representation.encode_query(asked, terms.region), asked.shape
    else:
        position = snapshot.position(str(query))
        encoding = Encoding(stored(snapshot, name, str(query)), snapshot.evidence(name, position))
        shape = snapshot.entry(position).shape
    vector = _refined(snapshot, name, encoding.vector, terms)
    found = Encoding(vector, encoding.evidence)
    return EncodedQuery(name, representation, found, (int(shape[0]), int(shape[1])), terms.region)


def stored(snapshot: Snapshot, name: str, id: str) -> Vector:
    """Return the vector of an indexed picture. Raise SettingError where it has none yet."""
    try:
        vector: Vector = snapshot.ranker(name).vector(snapshot.position(id))
    except KeyError:
        raise SettingError(
            f"{id}: not encoded by {name} yet; run `semblance index` to the end first"
        ) from None
    return vector


def _refined(snapshot: Snapshot, name: str, vector: Vector, terms: QueryOptions) -> Vector:
    liked, disliked = ([stored(snapshot, name, id) for id in ids] for ids in (terms.like, terms.unlike))
    return moved(snapshot, name, vector, liked, disliked)


def moved(
    snapshot: Snapshot, name: str, vector: Vector, liked: Sequence[Vector], disliked: Sequence[Vector] = ()
) -> Vector:
    """Return a query that was moved by feedback. SettingError where its representation has binary codes."""
    if (liked or disliked) and isinstance(snapshot.ranker(name), SelectiveIndex):
        raise SettingError(
            f"by: {name} ranks by binary codes, which feedback cannot move; leave like, unlike and blind "
            "out, or name other representations"
        )
    return Rocchio().refine(vector, liked, disliked)


def _adjusted(representation: Representation, settings: Mapping[str, Any]) -> Representation:
    """Return a representation with those of the settings that it has for queries."""
    if not isinstance(representation, Adjustable):
        return representation
    own = {name: value for name, value in settings.items() if name in representation.query_settings}
    return representation.adjusted(**own) if own else representation


def _check_adjustable(snapshot: Snapshot, names: Sequence[str], settings: Mapping[str, Any]) -> None:
    found = [snapshot.representation(name) for name in names] if settings else []
    known = {name for r in found if isinstance(r, Adjustable) for name in r.query_settings}
    for setting in settings:
        if setting not in known:
            raise SettingError(
                f"{setting}: no setting for queries of {', '.join(names)}; "
                f"{'one of ' + ', '.join(sorted(known)) if known else 'leave it out'}"
            )


def allowed(snapshot: Snapshot, query: Picture | str, terms: QueryOptions) -> Mask | None:
    """Return bool by position: which pictures may be found; None for all."""
    mask = np.ones(len(snapshot), dtype=bool)
    if terms.among is not None:
        chosen = [snapshot.position(name) for name in terms.among]
        mask[:] = False
        mask[chosen] = True
    if terms.where is not None:
        mask &= condition_holds(snapshot, terms.where)
    if terms.not_same is not None:
        mask &= ~same(snapshot, query, terms.not_same)
    mask[[snapshot.position(name) for name in terms.unlike]] = False
    if isinstance(query, str) and (not terms.include_self or terms.not_same is not None):
        mask[snapshot.position(query)] = False
    return None if mask.all() else mask


def condition_holds(snapshot: Snapshot, text: str) -> Mask:
    """Return which pictures meet a condition, bool by position. SettingError where it makes no sense."""
    condition = Condition.parse(text)
    return condition.holds({name: snapshot.columns.values(name) for name in condition.columns})


def same(snapshot: Snapshot, query: Picture | str, column: str) -> Mask:
    """Return which pictures share a value of a column with the query; none where it has no value."""
    cells = snapshot.columns.values(column)
    own: Iterable[object]
    if isinstance(query, str):
        own = cells[snapshot.position(query)]
    else:
        value = query.groups.get(column, query.metadata.get(column))
        own = () if value is None else (value,)
    texts = {str(value) for value in own}
    return np.array([any(str(value) in texts for value in cell) for cell in cells], dtype=np.bool_)


def hits(
    snapshot: Snapshot,
    ranking: Ranking,
    k: int,
    cases: Sequence[Case | None],
    places: Mapping[int, Match] | None = None,
) -> list[Hit]:
    """Return the best k of a ranking as hits, each with its case, and with where the query matched."""
    if min(k, len(ranking)) > _MANY:
        _ = snapshot.columns  # one question for all of them
    found = places or {}
    rows = zip(ranking.ids[:k].tolist(), ranking.scores[:k].tolist(), strict=True)
    return [
        _hit(snapshot, position, score, rank, cases[rank - 1], found.get(position))
        for rank, (position, score) in enumerate(rows, start=1)
    ]


def _hit(
    snapshot: Snapshot, position: int, score: float, rank: int, case: Case | None, match: Match | None
) -> Hit:
    box, proof = (None, None) if match is None else (match.box, match.proof)
    return Hit(snapshot.names[position], score, rank, box, snapshot.entry(position).groups, case, proof)
