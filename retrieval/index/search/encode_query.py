"""Encoding a query: an image, or the name of an indexed one, becomes one encoded query per representation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from ...answers.relevance_feedback import Rocchio
from ...errors import SettingError
from ...evidence.localization import Locator, PartEncoder
from ...picture import Picture
from ...ranker import Ranker
from ...rankers.selective_match import SelectiveIndex
from ...region import Region
from ...representation import Adjustable, Encoding, Representation, Vector
from ..storage.snapshot import Snapshot
from .query_options import QueryImage, QueryOptions

_Kept = dict[str | int, tuple[QueryImage, dict[str, "EncodedQuery"]]]


@dataclass(frozen=True, eq=False)
class EncodedQuery:
    """A query as one representation encodes it.

    Parameters
    ----------
    name : of the representation in the index.
    representation : with the settings that this query adjusts.
    encoding : the vector that ranks, and the local evidence that reranks.
    shape : rows and columns of the query's image, in pixels.
    region : the part of it that is searched for; None for all.
    ranker : of all images, if not that of the index is asked: a metric that was learnt without the query.
    weight : in a learnt fusion, if not that of the index counts: one that was learnt without the query.
    """

    name: str
    representation: Representation
    encoding: Encoding
    shape: tuple[int, int]
    region: Region | None
    ranker: Ranker | None = None
    weight: float | None = None


def encode_query(snapshot: Snapshot, query: QueryImage, options: QueryOptions) -> list[EncodedQuery]:
    """Encode a query by each representation that answers, before any feedback.

    The stored encoding of an indexed image is used, and of a region of it what was stored of its points; its
    file is read only if a region or an adjusted setting takes more than that. Whoever asks again with the
    same region object, as findings do after hits, gets the same encodings.

    Raises
    ------
    SettingError : no such representation or image, or a setting that no representation has.
    PictureError : the file is needed, and cannot be read.
    """
    names = representations(snapshot, options)
    if options.region is None or options.adjust:
        # Read once for all representations.
        picture = snapshot.read(query) if isinstance(query, str) and options.adjust else query
        return [_encode(snapshot, name, picture, options) for name in names]
    kept = _kept(snapshot, options.region, query)
    parts = {name: _part(snapshot, name, query, options) for name in names if name not in kept}
    kept.update({name: one for name, one in parts.items() if one is not None})
    if not kept.keys() >= set(names):
        picture = snapshot.read(query) if isinstance(query, str) else query
        kept.update({name: _encode(snapshot, name, picture, options) for name in names if name not in kept})
    return [kept[name] for name in names]


def representations(snapshot: Snapshot, options: QueryOptions) -> Sequence[str]:
    """Return the names of the representations that answer. Raise SettingError if they cannot."""
    names = asked(options, default_representations(snapshot), snapshot.representation)
    if not names:
        raise not_fitted()
    _check_adjustable(snapshot, names, options.adjust or {})
    return names


def asked(
    options: QueryOptions, default: Sequence[str], representation: Callable[[str], object]
) -> Sequence[str]:
    """Return the names of the representations that a query names, else those that answer it by default.

    A region that names none is asked of those that say where it is in an image, if any do: the box of a small
    region looks like no whole image that holds it.
    """
    if options.by:
        return options.by
    return default if options.region is None else of_regions(default, representation)


def of_regions(names: Sequence[str], representation: Callable[[str], object]) -> Sequence[str]:
    """Return those of some representations that say where a region is; all if none does."""
    # Of a learnt metric the base says where.
    bases = dict.fromkeys(n if locates(representation(n)) else n.partition("+")[0] for n in names)
    return [name for name in bases if locates(representation(name))] or names


def locates(representation: object) -> bool:
    """Return whether a representation says where in an image a region is."""
    return isinstance(representation, Locator) and representation.n_candidates(True) != 0


def not_fitted() -> SettingError:
    """Return the error of an index that can answer by no representation yet."""
    return SettingError(
        "by: this index holds no fitted representation; run `semblance index` to the end first"
    )


def default_representations(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the names of the representations that answer a query that names none.

    All that are fitted, but for those on which a metric was learnt that is better: one whose trial showed a
    gain, the 95 % interval of which is above 0. That metric then answers alone, instead of with its base. One
    whose trial showed a loss answers if it is named, as a semantic profile does.
    """
    fitted = [b for b in snapshot.stored.values() if b.is_fitted and not b.report.get("by_name_only")]
    gains = {b.name: b.report.get("gain", (0.0, 0.0)) for b in fitted if b.base}
    worse = {b.base for b in fitted if b.base and gains[b.name][0] > 0}
    worse |= {name for name, (_, high) in gains.items() if high < 0}
    return tuple(b.name for b in fitted if b.name not in worse)


def apply_feedback(
    snapshot: Snapshot, encoded: Sequence[EncodedQuery], liked: Sequence[str], disliked: Sequence[str]
) -> list[EncodedQuery]:
    """Return encoded queries moved towards and away from indexed images; the same ones without feedback.

    Only vectors move: the local evidence stays that of the query, so that matches are its own.
    """
    return [_moved(snapshot, one, liked, disliked) for one in encoded]


def stored_vector(snapshot: Snapshot, name: str, id: str, ranker: Ranker | None = None) -> Vector:
    """Return the vector of an indexed image by a representation. Raise SettingError if it has none yet.

    ``ranker`` : takes the place of the index's own.
    """
    held = snapshot.ranker(name) if ranker is None else ranker
    try:
        vector: Vector = held.vector(snapshot.position(id))
    except KeyError:  # an update was interrupted before this representation encoded it
        raise not_encoded(id, name) from None
    return vector


def not_encoded(id: str, name: str) -> SettingError:
    """Return the error that an image has no vector by a representation yet."""
    return SettingError(f"{id}: not encoded by {name} yet; run `semblance index` to the end first")


def move_vector(
    snapshot: Snapshot, name: str, vector: Vector, liked: Sequence[Vector], disliked: Sequence[Vector] = ()
) -> Vector:
    """Return a query's vector moved by feedback. Raise SettingError if it has binary codes."""
    # The mean of two codes is no code: asmk compares signatures bit by bit.
    if (liked or disliked) and isinstance(snapshot.representation(name).make_ranker(), SelectiveIndex):
        raise SettingError(
            f"by: {name} ranks by binary codes, which feedback cannot move; leave like, unlike and blind "
            "out, or name other representations"
        )
    return Rocchio().refine(vector, liked, disliked)


def _kept(snapshot: Snapshot, region: Region, query: QueryImage) -> dict[str, EncodedQuery]:
    """Return what a region of an image was encoded as, by the representation, while the region lives."""
    regions: WeakKeyDictionary[Region, _Kept] = snapshot.cached(("regions",), WeakKeyDictionary)
    # An image is kept with its number, so that no other can get the number.
    key = query if isinstance(query, str) else id(query)
    return regions.setdefault(region, {}).setdefault(key, (query, {}))[1]


def _encode(snapshot: Snapshot, name: str, query: QueryImage, options: QueryOptions) -> EncodedQuery:
    representation = _adjusted(snapshot.representation(name), options.adjust or {})
    if isinstance(query, Picture):
        encoding, shape = representation.encode_query(query, options.region), query.shape
    else:
        # What is stored is what encoding the file gives, to the precision of the index.
        position = snapshot.position(query)
        encoding = Encoding(stored_vector(snapshot, name, query), snapshot.evidence(name, position))
        shape = snapshot.entry(position).shape
    return EncodedQuery(name, representation, encoding, (int(shape[0]), int(shape[1])), options.region)


def _part(snapshot: Snapshot, name: str, query: QueryImage, options: QueryOptions) -> EncodedQuery | None:
    """Return a region of an indexed image as its stored evidence tells; None if its pixels are needed."""
    representation = snapshot.representation(name)
    if options.region is None or not isinstance(query, str) or not isinstance(representation, PartEncoder):
        return None
    position = snapshot.position(query)
    evidence = snapshot.evidence(name, position)
    encoding = None if evidence is None else representation.encode_part(evidence, options.region)
    if encoding is None:
        return None
    height, width = snapshot.entry(position).shape
    return EncodedQuery(name, representation, encoding, (int(height), int(width)), options.region)


def _moved(
    snapshot: Snapshot, encoded: EncodedQuery, liked: Sequence[str], disliked: Sequence[str]
) -> EncodedQuery:
    name, held = encoded.name, encoded.ranker
    towards, away = ([stored_vector(snapshot, name, id, held) for id in ids] for ids in (liked, disliked))
    vector = move_vector(snapshot, name, encoded.encoding.vector, towards, away)
    return replace(encoded, encoding=Encoding(vector, encoded.encoding.evidence))


def _adjusted(representation: Representation, settings: Mapping[str, Any]) -> Representation:
    """Return a representation with those of the settings that it has for queries."""
    if not isinstance(representation, Adjustable):
        return representation
    # With several representations each takes its own; which settings none takes was checked before.
    own = {name: value for name, value in settings.items() if name in representation.query_settings}
    return representation.adjusted(**own) if own else representation


def _check_adjustable(snapshot: Snapshot, names: Sequence[str], settings: Mapping[str, Any]) -> None:
    """Refuse a setting that none of the representations has: it is a misspelt one."""
    found = [snapshot.representation(name) for name in names] if settings else []
    known = {name for r in found if isinstance(r, Adjustable) for name in r.query_settings}
    for setting in settings:
        if setting not in known:
            raise SettingError(
                f"{setting}: no setting for queries of {', '.join(names)}; "
                f"{'one of ' + ', '.join(sorted(known)) if known else 'leave it out'}"
            )
