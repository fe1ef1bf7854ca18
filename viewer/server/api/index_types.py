"""Indexes as GraphQL has them, and what is made of one: maps, explanations, slices, searches, tags."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from retrieval.errors import IndexFolderError
from retrieval.evidence.explanation import explains
from retrieval.index.search.encode_query import locates

from ..asking.browse import count_labels
from ..collection import Collection
from ..desk import Desk
from ..opened import Opened
from .image_types import Count, counts_of
from .problem import Problem

# A score is no probability and is compared within one answer alone; the page says so by these.
_MEANINGS = {
    "words": "cosine of two bags of visual words, and a bonus for matches that agree in space",
    "deep": "cosine of two embeddings by a network",
    "metric": "likeness by a metric that was learnt from labels",
    "baseline": "cosine of two plain descriptions of the whole image",
    "other": "likeness as this representation measures it",
}


@strawberry.type(description="A way to look at images.")
class Representation:
    """One representation of an index."""

    name: str
    family: str = strawberry.field(description="words, deep, metric, baseline or other.")
    is_loaded: bool = strawberry.field(description="Whether it answers without delay.")
    problem: str | None = strawberry.field(description="Why it cannot be loaded.")
    is_default: bool
    locates: bool = strawberry.field(description="Whether it says where a query matched.")
    explains: bool = strawberry.field(
        description="By points or windows; others by covering parts of the hit."
    )
    meaning: str = strawberry.field(description="What its score means; it orders one answer only.")


@strawberry.type(description="An index that is served.")
class Index:
    """One index."""

    id: strawberry.ID
    name: str
    images: int
    commit: int
    window: str = strawberry.field(description="How values become grey levels.")
    representations: list[Representation]
    defaults: list[str] = strawberry.field(description="Those that answer if none is named.")
    columns: list[str]
    groups: list[str] = strawberry.field(
        description="Of slide, patient, study and series those that have values."
    )
    labels: list[Count]
    concepts: list[str] = strawberry.field(description="Names of what queries can be moved along.")
    has_references: bool
    archive: str | None = strawberry.field(description="Where `sendToArchive` stores; null for nowhere.")
    has_viewer: bool = strawberry.field(description="Whether `viewerLink` leads somewhere.")


@strawberry.type(description="All indexes.")
class State:
    """What is served."""

    indexes: list[Index]


@strawberry.type(description="An image on the map.")
class Place:
    """A place."""

    id: strawberry.ID
    key: str
    x: float = strawberry.field(description="0 to 1, to the right.")
    y: float = strawberry.field(description="0 to 1, down.")
    label: str


@strawberry.type(description="The collection in the plane.")
class Map:
    """A map."""

    by: str
    method: str
    places: list[Place]
    is_sample: bool = strawberry.field(description="Whether some images were left out, by chance.")
    caution: str


@strawberry.type(description="What corresponds: x, y in the query and in the hit, in pixels.")
class Pair:
    """A pair of places."""

    query: list[float]
    hit: list[float]
    is_verified: bool = strawberry.field(description="Whether it agrees in space with the others.")


@strawberry.type(description="What made an image a hit, and whether that is faithful.")
class Explanation:
    """An explanation."""

    by: str
    score: float
    is_faithful: bool
    sentence: str
    heat: str = strawberry.field(description="Address of a PNG of the size of the hit, red where it is hot.")
    rows: int
    cols: int
    pairs: list[Pair] = strawberry.field(description="The verified ones first.")


@strawberry.type(description="A slice of the hit's stack, and how much it is like the query.")
class SliceScore:
    """One slice."""

    image: strawberry.ID
    key: str
    position_mm: float | None
    score: float | None


@strawberry.type(description="The curve of a stack.")
class SliceMatch:
    """All slices."""

    slices: list[SliceScore]
    best: int = strawberry.field(description="The place of the slice most like the query, from 0.")


@strawberry.type(description="What a mark means.")
class Outline:
    """A region."""

    polygons: list[list[list[float]]] = strawberry.field(description="x, y in pixels.")
    pixels: int
    area_mm2: float | None


@strawberry.type(description="A search that was kept.")
class SavedSearch:
    """A saved search."""

    id: strawberry.ID
    name: str
    state: str = strawberry.field(description="JSON of the page.")
    saved: str = strawberry.field(description="When, UTC.")


@strawberry.type(description="A label that a user gave an image.")
class Tag:
    """A tag."""

    image: strawberry.ID
    label: str


@strawberry.type(description="A file that was made: GET it.")
class Export:
    """An export."""

    address: str
    name: str
    size: int = strawberry.field(description="Bytes.")


@strawberry.type(description="A search that was stored in the archive.")
class Sent:
    """What was stored."""

    archive: str
    objects: int


@strawberry.type(description="An image in the archive's own viewer.")
class Link:
    """A link."""

    address: str


MapResult = Annotated[Map | Problem, strawberry.union("MapResult")]
ExplainResult = Annotated[Explanation | Problem, strawberry.union("ExplainResult")]
SliceMatchResult = Annotated[SliceMatch | Problem, strawberry.union("SliceMatchResult")]
RegionResult = Annotated[Outline | Problem, strawberry.union("RegionResult")]
SaveResult = Annotated[SavedSearch | Problem, strawberry.union("SaveResult")]
TagResult = Annotated[Tag | Problem, strawberry.union("TagResult")]
ExportResult = Annotated[Export | Problem, strawberry.union("ExportResult")]
SentResult = Annotated[Sent | Problem, strawberry.union("SentResult")]
LinkResult = Annotated[Link | Problem, strawberry.union("LinkResult")]


def index_of(desk: Desk, collection: Collection) -> Index:
    """Return an index as GraphQL has it."""
    opened = collection.now
    # One commit for all fields: the next one may be taken up while this is written.
    groups = opened.groups
    return Index(
        id=strawberry.ID(collection.id),
        name=collection.name,
        images=len(opened.index),
        commit=opened.commit,
        window=opened.index.window.text,
        representations=[_representation(opened, name) for name in opened.in_order],
        defaults=list(opened.defaults),
        columns=opened.columns,
        groups=groups,
        labels=counts_of(count_labels(opened)),
        concepts=_concepts(opened),
        has_references=desk.references is not None,
        archive=None if desk.archive is None else desk.archive.shown,
        has_viewer=bool(desk.viewer_link),
    )


def _concepts(opened: Opened) -> list[str]:
    # A damaged file of concepts costs the page its sliders, and nothing else; a question says why.
    try:
        return list(opened.index.concepts)
    except IndexFolderError:
        return []


def _representation(opened: Opened, name: str) -> Representation:
    # One that is still loading is not asked: it would have to be waited for.
    is_loaded = name in opened.loaded
    made: Any = opened.index.representation(name) if is_loaded else None
    family = opened.kinds[name].family
    return Representation(
        name=name,
        family=family,
        is_loaded=is_loaded,
        problem=opened.failed.get(name),
        is_default=name in opened.defaults,
        locates=locates(made),
        explains=explains(made),
        meaning=_MEANINGS[family],
    )
