"""The query: which pictures look like one, under which conditions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import IndexFolderError, SettingError
from ..fusion import fuse
from ..picture import Picture
from ..ranker import Ranking
from ..region import Region
from ..representation import Adjustable, Representation, Vector
from ..where import Condition
from .snapshot import Snapshot

Mask = NDArray[np.bool_]
_MANY = 500


@dataclass(frozen=True)
class Hit:
    """One row of an answer: the picture, its score, its rank from 1, the matched box if known, its groups.

    ``box`` is (row, col, height, width) in pixels.
    """

    id: str
    score: float
    rank: int
    box: tuple[float, float, float, float] | None = None
    group: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Terms:
    """The conditions of a query; see ``Index.query``."""

    by: Sequence[str] = ()
    k: int = 10
    region: Region | None = None
    among: Collection[str] | None = None
    where: str | None = None
    not_same: str | None = None
    group_by: str | None = None
    include_self: bool = True
    fusion: str = "rrf"
    adjust: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise SettingError(f"k: {self.k} is below 1; ask for at least one picture")
        if len(set(self.by)) != len(self.by):
            raise SettingError(f"by: {', '.join(self.by)}; name each representation once")


def answer(snapshot: Snapshot, query: Picture | str, pixels: Picture | None, terms: Terms) -> list[Hit]:
    """Rank the pictures of a snapshot.

    ``query`` is a picture, or the name of one in the index, whose stored vector is used; ``pixels`` is the
    picture of that name, needed where there is a region or a setting is adjusted.
    """
    names = terms.by or tuple(name for name, b in snapshot.bindings.items() if b.is_fitted)
    if not names:
        raise SettingError(
            "by: this index holds no fitted representation; run `semblance index` to the end first"
        )
    _check_adjustable(snapshot, names, terms.adjust or {})
    mask = _mask(snapshot, query, terms)
    # Fusion and groups want the whole ranking: what is 11th in one may be first of all.
    k = len(snapshot) if len(names) > 1 or terms.group_by else terms.k
    ranked = [
        _ranked(snapshot, name, _vector(snapshot, name, query, pixels, terms), k, mask) for name in names
    ]
    ranking = ranked[0] if len(ranked) == 1 else fuse(ranked, terms.fusion)
    return _hits(snapshot, _best_of_groups(snapshot, ranking, terms), terms.k)


def _ranked(snapshot: Snapshot, name: str, vector: Vector, k: int, mask: Mask | None) -> Ranking:
    ranking = snapshot.ranker(name).rank(vector, k, mask)
    if not np.isfinite(ranking.scores).all():
        raise IndexFolderError(
            f"{name}: this index is damaged; restore it, or index again (`semblance verify` says where)"
        )
    return ranking


def _vector(
    snapshot: Snapshot, name: str, query: Picture | str, pixels: Picture | None, terms: Terms
) -> Vector:
    asked = query if isinstance(query, Picture) else pixels
    if asked is not None:
        return (
            _adjusted(snapshot.representation(name), terms.adjust or {})
            .encode_query(asked, terms.region)
            .vector
        )
    try:
        vector: Vector = snapshot.ranker(name).vector(snapshot.position(str(query)))
    except KeyError:
        raise SettingError(
            f"{query}: not encoded by {name} yet; run `semblance index` to the end first"
        ) from None
    return vector


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


def _mask(snapshot: Snapshot, query: Picture | str, terms: Terms) -> Mask | None:
    """Return bool by position: which pictures may be found; None for all."""
    mask = np.ones(len(snapshot), dtype=bool)
    if terms.among is not None:
        chosen = [snapshot.position(name) for name in terms.among]
        mask[:] = False
        mask[chosen] = True
    if terms.where is not None:
        mask &= _where(snapshot, terms.where)
    if terms.not_same is not None:
        mask &= ~_same(snapshot, query, terms.not_same)
    if isinstance(query, str) and (not terms.include_self or terms.not_same is not None):
        mask[snapshot.position(query)] = False
    return None if mask.all() else mask


def _where(snapshot: Snapshot, text: str) -> Mask:
    condition = Condition.parse(text)
    return condition.holds({name: snapshot.columns.values(name) for name in condition.columns})


def _same(snapshot: Snapshot, query: Picture | str, column: str) -> Mask:
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


def _best_of_groups(snapshot: Snapshot, ranking: Ranking, terms: Terms) -> Ranking:
    """Keep the best picture of each group; pictures without a value are groups of their own."""
    if terms.group_by is None:
        return ranking
    cells = snapshot.columns.values(terms.group_by)
    seen: set[object] = set()
    kept: list[int] = []
    for row, position in enumerate(ranking.ids.tolist()):
        group: object = cells[position] or position
        if group not in seen:
            seen.add(group)
            kept.append(row)
            if len(kept) == terms.k:
                break
    return Ranking(ranking.ids[kept], ranking.scores[kept])


def _hits(snapshot: Snapshot, ranking: Ranking, k: int) -> list[Hit]:
    if min(k, len(ranking)) > _MANY:
        _ = snapshot.columns  # one question for all of them
    rows = zip(ranking.ids[:k].tolist(), ranking.scores[:k].tolist(), strict=True)
    return [
        Hit(snapshot.names[position], score, rank, None, snapshot.entry(position).groups)
        for rank, (position, score) in enumerate(rows, start=1)
    ]
