"""The questions of GraphQL about what there is: indexes, images, groups, columns and stacks."""

from __future__ import annotations

import strawberry
from strawberry.types import Info

from viewer.queries.stack import stack_of

from ..asking.browse import list_columns, list_groups, list_images
from ..asking.series import find_series
from ..slides import open_slide
from .context import desk_of, fetched
from .image_types import (
    Column,
    ColumnList,
    ColumnsResult,
    GroupPage,
    GroupsResult,
    Image,
    ImagePage,
    ImageResult,
    ImagesResult,
    Located,
    LocatedResult,
    Stack,
    StackResult,
    counts_of,
    named_image,
)
from .index_types import Index, index_of
from .results import group_page, image_page, slide_stack, stack_type


@strawberry.type
class Browsing:
    """Questions that read what the index holds; each runs in a thread."""

    @strawberry.field(description="The indexes that are served.")
    async def indexes(self, info: Info) -> list[Index]:
        """Return all indexes."""
        desk = desk_of(info)
        return await desk.workers.fetch(lambda: [index_of(desk, one) for one in desk.collections])

    @strawberry.field(description="The images that meet a condition, in the order of their names.")
    async def images(
        self,
        info: Info,
        index: strawberry.ID,
        where: str | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> ImagesResult:
        """List images."""
        desk = desk_of(info)

        # The index is looked up in the thread as well: one that is not there is a problem, no error.
        def page() -> ImagePage:
            collection = desk.collection(index)
            opened = collection.now
            found = list_images(opened, where, first, after)
            desk.log(collection, "list", shown=[entry.name for entry in found.entries])
            return image_page(opened, found)

        return await fetched(desk, page)

    @strawberry.field(description="The groups of a column, such as patient, study or series.")
    async def groups(
        self,
        info: Info,
        index: strawberry.ID,
        by: str,
        where: str | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> GroupsResult:
        """List groups."""
        desk = desk_of(info)

        def page() -> GroupPage:
            collection = desk.collection(index)
            opened = collection.now
            found = list_groups(opened, by, where, first, after)
            desk.log(collection, "list", shown=[group.cover.name for group in found.groups])
            return group_page(opened, found)

        return await fetched(desk, page)

    @strawberry.field(description="The columns, with their commonest values and counts.")
    async def columns(self, info: Info, index: strawberry.ID, where: str | None = None) -> ColumnsResult:
        """List columns."""
        desk = desk_of(info)

        def listed() -> ColumnList:
            found = list_columns(desk.collection(index).now, where)
            return ColumnList(
                columns=[
                    Column(name=one.name, values=counts_of(one.values), distinct=one.distinct)
                    for one in found
                ]
            )

        return await fetched(desk, listed)

    @strawberry.field(description="An image by its name.")
    async def image(self, info: Info, index: strawberry.ID, image: strawberry.ID) -> ImageResult:
        """Return one image."""
        desk = desk_of(info)

        def one() -> Image:
            collection = desk.collection(index)
            desk.log(collection, "list", shown=[image])
            return named_image(collection.now, image)

        return await fetched(desk, one)

    @strawberry.field(
        description="The stack that an image belongs to; itself alone if it has none, as a whole slide has."
    )
    async def stack(self, info: Info, index: strawberry.ID, image: strawberry.ID) -> StackResult:
        """Return a stack."""
        desk = desk_of(info)

        def slices() -> Stack:
            collection = desk.collection(index)
            opened = collection.now
            if (slide := open_slide(opened, image)) is not None:
                desk.log(collection, "list", shown=[image])
                return slide_stack(opened, slide)
            found = stack_of(opened.index, image)
            desk.log(collection, "list", shown=[one.name for one in found.slices])
            return stack_type(opened, found)

        return await fetched(desk, slices)

    @strawberry.field(
        description="Where a study or a series is, by its DICOM UID; only a server that has the key can tell."
    )
    async def locate(
        self,
        info: Info,
        study: str | None = None,
        series: str | None = None,
        z_mm: float | None = None,
    ) -> LocatedResult:
        """Find a series."""
        desk = desk_of(info)

        def located() -> Located:
            collection, image = find_series(desk, study, series, z_mm)
            desk.log(collection, "list", shown=[image])
            return Located(index=strawberry.ID(collection.id), image=strawberry.ID(image))

        return await fetched(desk, located)
