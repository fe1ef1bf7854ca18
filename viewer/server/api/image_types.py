"""Images, groups and stacks as GraphQL has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from retrieval.index import Entry

from ..opened import Opened
from .problem import Problem


@strawberry.type(description="A value of a column.")
class Field:
    """One cell."""

    name: str
    value: str


@strawberry.type(description="A value, and how many images have it.")
class Count:
    """One value of a column."""

    value: str
    count: int


def _fields(root: Parent[Any], only: list[str] | None = None) -> list[Field]:
    # A page of hits shows few of some dozen, and each one that is sent costs time.
    return _some(root.entry.metadata, only)


def _groups(root: Parent[Any], only: list[str] | None = None) -> list[Field]:
    return _some(root.entry.groups, only)


def _some(values: Mapping[str, Any], only: list[str] | None) -> list[Field]:
    return fields_of({name: value for name, value in values.items() if only is None or name in only})


@strawberry.type(description="An image of the index.")
class Image:
    """What the index knows of an image."""

    id: strawberry.ID = strawberry.field(description="Its name in the index.")
    key: str = strawberry.field(description="Stands in the addresses of its pixels.")
    rows: int = strawberry.field(description="Pixels.")
    cols: int = strawberry.field(description="Pixels.")
    spacing_mm: list[float] | None = strawberry.field(description="Between rows and columns, mm; or unknown.")
    labels: list[str]
    groups: list[Field] = strawberry.field(
        resolver=_groups, description="Series, study, patient: hashes; or `only` some of them."
    )
    table: list[Field] = strawberry.field(description="Those of `fields` that a label table gave.")
    entry: strawberry.Private[Entry]
    fields: list[Field] = strawberry.field(
        resolver=_fields, description="The other columns; of `only`, if it is given, those that have values."
    )


@strawberry.type(description="Some images, in the order of their names.")
class ImagePage:
    """A page of a list."""

    items: list[Image]
    total: int
    next: str | None = strawberry.field(description="Give it as `after` for the next page; null: the last.")


@strawberry.type(description="The images that share a value: a patient, a study, a series.")
class Group:
    """One group."""

    value: str
    count: int
    cover: Image = strawberry.field(description="Its middle image.")
    labels: list[Count]


@strawberry.type(description="Some groups, in the order of their values.")
class GroupPage:
    """A page of a list."""

    items: list[Group]
    total: int
    next: str | None


@strawberry.type(description="A column of the index and its commonest values.")
class Column:
    """One column."""

    name: str
    values: list[Count]
    distinct: int = strawberry.field(description="How many values there are.")


@strawberry.type(description="The columns that have values.")
class ColumnList:
    """All columns."""

    columns: list[Column]


@strawberry.type(description="A slice of a stack.")
class Slice:
    """One slice."""

    image: Image
    position_mm: float | None = strawberry.field(description="Along the normal, rising to the head; mm.")


@strawberry.type(description="The slices above each other, in the order of their positions.")
class Stack:
    """A stack."""

    slices: list[Slice]
    at: int = strawberry.field(description="The place of the image that was asked, from 0.")
    slide_levels: int = strawberry.field(
        default=0,
        description="Of a whole slide, which is one image: levels of squares of 256 pixels, each half of the "
        "one below, at /slides/INDEX/KEY/LEVEL/COLUMN/ROW. 0 of other stacks.",
    )


@strawberry.type(description="The slice of a series that was asked for, and which index has it.")
class Located:
    """An image of an index."""

    index: strawberry.ID
    image: strawberry.ID


LocatedResult = Annotated[Located | Problem, strawberry.union("LocatedResult")]
ImageResult = Annotated[Image | Problem, strawberry.union("ImageResult")]
ImagesResult = Annotated[ImagePage | Problem, strawberry.union("ImagesResult")]
GroupsResult = Annotated[GroupPage | Problem, strawberry.union("GroupsResult")]
ColumnsResult = Annotated[ColumnList | Problem, strawberry.union("ColumnsResult")]
StackResult = Annotated[Stack | Problem, strawberry.union("StackResult")]


def image_of(opened: Opened, entry: Entry) -> Image:
    """Return an image of an index."""
    # Lists, for GraphQL knows no tuples.
    spacing = None if entry.spacing is None else [float(mm) for mm in entry.spacing]
    return Image(
        id=strawberry.ID(entry.name),
        key=opened.key_of(entry.name),
        rows=entry.shape[0],
        cols=entry.shape[1],
        spacing_mm=spacing,
        labels=list(entry.labels),
        table=fields_of({name: value for name, value in entry.metadata.items() if name in entry.given}),
        entry=entry,
    )


def named_image(opened: Opened, name: str) -> Image:
    """Return an image of an index by its name. Raise SettingError if there is none."""
    return image_of(opened, opened.index.picture(name))


def fields_of(values: Mapping[str, Any]) -> list[Field]:
    """Return values by name as GraphQL has them."""
    # Texts and numbers in one column: GraphQL wants one type, and the page shows text.
    return [Field(name=name, value=str(value)) for name, value in values.items()]


def counts_of(values: Sequence[tuple[str, int]]) -> list[Count]:
    """Return counted values as GraphQL has them."""
    return [Count(value=value, count=count) for value, count in values]
