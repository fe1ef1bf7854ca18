"""Concepts in a query: learnt from fields that show something and others, and blended with what is asked."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...answers.concept import FEWEST, Direction, learn_direction, steer
from ...errors import SettingError, did_you_mean
from ...picture import Picture
from ...rankers.selective_match import SelectiveIndex
from ...region import Region
from ...representation import Encoding, Vector
from ..storage.concept_file import Concept, change_concepts, read_concepts
from ..storage.snapshot import Snapshot
from .encode_query import EncodedQuery, apply_feedback, default_representations, stored_vector
from .query_options import QueryOptions

_OTHERS = 200
"""Images of the index that stand for what a concept is not, if no example of that is given."""
_LARGEST = 10.0


@dataclass(frozen=True, eq=False)
class Example:
    """An image that shows a concept, or does not: the name of an indexed one, or one that was read.

    Parameters
    ----------
    region : the part of it that is meant; of an image that was read.
    group : what is held out with it when the concept is tried, such as its slide.
    """

    image: Picture | str
    region: Region | None = None
    group: str = ""


def learn_concept(
    snapshot: Snapshot, name: str, like: Sequence[Example], unlike: Sequence[Example], by: Sequence[str]
) -> Concept:
    """Learn a concept and keep it with the index, in place of one of its name.

    Without examples of what it is not, other images of the index stand for that, drawn at random but always
    the same ones.

    Parameters
    ----------
    by : representations; none stands for those that answer a query that names none.

    Raises
    ------
    SettingError : a name that cannot be written in a query, too few examples, or a representation without
        directions. PictureError : a file is needed, and cannot be read.
    """
    if not name or any(sign in name for sign in "=,\n") or name != name.strip():
        raise SettingError(f"concept: {name!r} is no name; leave out = and commas")
    unlike = unlike or _others(snapshot, like)
    groups = [one.group or str(i) for i, one in enumerate([*like, *unlike])]
    names = [n for n in by or default_representations(snapshot) if by or _has_directions(snapshot, n)]
    for one in names:
        _check(snapshot, one)
    directions: dict[str, Direction] = {}
    for one in names:
        vectors = [[_vector(snapshot, one, example) for example in side] for side in (like, unlike)]
        directions[one] = learn_direction(vectors[0], vectors[1], groups)
    if not directions:
        raise SettingError(f"by: nothing here can learn a concept{_BINARY}")
    recipes = {one: str(snapshot.stored_representation(one).recipe) for one in directions}
    made = Concept(name, len(like), len(unlike), directions, recipes)
    change_concepts(snapshot.catalogue.folder, lambda kept: {**kept, name: made})
    return made


def drop_concept(snapshot: Snapshot, name: str) -> None:
    """Forget a concept. Raise SettingError if there is none of that name."""

    def without(kept: dict[str, Concept]) -> dict[str, Concept]:
        _named(kept, name)
        return {key: one for key, one in kept.items() if key != name}

    change_concepts(snapshot.catalogue.folder, without)


def move_queries(
    snapshot: Snapshot, encoded: Sequence[EncodedQuery], options: QueryOptions, liked: Sequence[str]
) -> list[EncodedQuery]:
    """Return encoded queries moved by feedback, and along concepts; without any of these, the same ones.

    Only vectors move: the local evidence stays that of the query, so that matches are its own.

    Parameters
    ----------
    liked : names of images that were liked; those not liked, and the concepts, are options.

    Raises
    ------
    SettingError : no such concept, a weight that makes no sense, or one learnt of other vectors.
    """
    moved = apply_feedback(snapshot, encoded, liked, options.unlike)
    kept = read_concepts(snapshot.catalogue.folder) if options.concept else {}
    for name, weight in map(parse_concept, options.concept):
        concept = _named(kept, name)
        moved = [_steered(snapshot, one, concept, weight) for one in moved]
    return moved


def parse_concept(text: str) -> tuple[str, float]:
    """Read ``NAME`` or ``NAME=WEIGHT``; the weight is 1 by default. SettingError for what is no number."""
    name, _, number = text.rpartition("=") if "=" in text else (text, "", "1")
    try:
        weight = float(number)
    except ValueError:
        weight = float("nan")
    if not abs(weight) <= _LARGEST:
        raise SettingError(
            f"concept: {text!r} has no weight; give NAME=WEIGHT, -{_LARGEST:g} to {_LARGEST:g}"
        )
    return name, weight


_BINARY = ": binary codes have no directions; name another representation"


def _steered(snapshot: Snapshot, encoded: EncodedQuery, concept: Concept, weight: float) -> EncodedQuery:
    by, again = encoded.name, "learn it again with `semblance learn-concept`"
    if by not in concept.directions:
        raise SettingError(f"concept: {concept.name} was not learnt on {by}; {again} and --by {by}")
    if concept.recipes[by] != str(snapshot.stored_representation(by).recipe):
        raise SettingError(f"concept: {concept.name} was learnt before {by} was fitted anew; {again}")
    moved = steer(encoded.encoding.vector, concept.directions[by].vector, weight)
    return replace(encoded, encoding=Encoding(moved, encoded.encoding.evidence))


def _named(kept: dict[str, Concept], name: str) -> Concept:
    if name not in kept:
        raise SettingError(f"concept: there is no {name!r}{did_you_mean(name, kept) or '; learn it first'}")
    return kept[name]


def _vector(snapshot: Snapshot, by: str, example: Example) -> Vector:
    if isinstance(example.image, str):
        return stored_vector(snapshot, by, example.image)
    return snapshot.representation(by).encode_query(example.image, example.region).vector


def _has_directions(snapshot: Snapshot, name: str) -> bool:
    return not isinstance(snapshot.representation(name).make_ranker(), SelectiveIndex)


def _check(snapshot: Snapshot, name: str) -> None:
    if not _has_directions(snapshot, name):
        raise SettingError(f"by: {name}{_BINARY}")


def _others(snapshot: Snapshot, like: Sequence[Example]) -> list[Example]:
    """Return images of the index that are no examples, drawn with a seed. SettingError if few."""
    taken = {one.image for one in like if isinstance(one.image, str)}
    free = [name for name in snapshot.names if name not in taken]
    if len(free) < FEWEST:
        raise SettingError("unlike: the index holds too few other images; give examples of what it is not")
    chosen = sorted(random.Random(0).sample(range(len(free)), min(_OTHERS, len(free))))
    return [Example(free[i], group=group_of(snapshot, free[i])) for i in chosen]


def group_of(snapshot: Snapshot, name: str) -> str:
    """Return what is held out with an image of the index: its patient, else its slide, else itself."""
    groups = snapshot.entry(snapshot.position(name)).groups
    return groups.get("patient") or groups.get("slide") or name
