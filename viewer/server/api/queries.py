"""The queries of GraphQL: to search, to explain, and what is saved beside an index."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import strawberry
from strawberry.types import Info

from retrieval.errors import OptionError

from ..asking.archiving import link_of
from ..asking.ask import Ask
from ..asking.question import question_of
from ..asking.search import searched
from ..asking.slice_match import match_slices
from ..asking.slide_map import map_slide
from .answer_types import Answer, HeadToHead, HeadToHeadResult, SearchResult
from .answers import answer_of, head_to_head
from .browsing import Browsing
from .context import asked, desk_of, fetched, told
from .findings_types import Reference, reference_of
from .index_types import (
    ExplainResult,
    Link,
    LinkResult,
    MapResult,
    Outline,
    RegionResult,
    SavedSearch,
    SliceMatch,
    SliceMatchResult,
    Tag,
)
from .results import (
    drawn,
    explained,
    heat_type,
    outline_type,
    slice_match_type,
)
from .slide_types import Heat, HeatResult


@strawberry.type(description="What can be asked. Coordinates are x, y in pixels from the upper left corner.")
class Query(Browsing):
    """All questions; each runs in a thread."""

    @strawberry.field(description="The images that look like an image, or like a part of it.")
    async def search(self, info: Info, index: strawberry.ID, ask: Ask) -> SearchResult:
        """Answer a question."""
        desk = desk_of(info)

        def found() -> Answer:
            return answer_of(searched(desk, index, ask))

        # In the pool of queries, which has as many threads as there are processors.
        return await asked(info, found)

    @strawberry.field(description="The same question to two choices of representations.")
    async def head_to_head(
        self, info: Info, index: strawberry.ID, ask: Ask, first: list[str], second: list[str]
    ) -> HeadToHeadResult:
        """Answer a question twice."""
        desk = desk_of(info)

        def both() -> HeadToHead:
            # None would mean the defaults, whose hits would stand under the name of what is not there.
            if not first or not second:
                raise OptionError("this index has not both visual words and a network to compare", "by")
            # One after the other in one thread: others who ask get their turn at the other processors.
            ours, theirs = (searched(desk, index, replace(ask, by=by)) for by in (first, second))
            return head_to_head(ours, theirs)

        return await asked(info, both)

    @strawberry.field(
        description="Where the archive's viewer shows an image; only a server that has the key can tell."
    )
    async def viewer_link(self, info: Info, index: strawberry.ID, image: strawberry.ID) -> LinkResult:
        """Return a link."""
        desk = desk_of(info)
        return await fetched(desk, lambda: Link(address=link_of(desk, index, image)))

    @strawberry.field(description="What made an image a hit, and whether that is faithful.")
    async def explain(
        self, info: Info, index: strawberry.ID, ask: Ask, hit: strawberry.ID, by: str | None = None
    ) -> ExplainResult:
        """Explain a hit."""
        return await asked(info, partial(explained, desk_of(info), index, ask, hit, by))

    @strawberry.field(description="How much each slice of a hit's stack is like the query.")
    async def slice_match(
        self, info: Info, index: strawberry.ID, ask: Ask, hit: strawberry.ID
    ) -> SliceMatchResult:
        """Return the curve of a stack."""
        desk = desk_of(info)

        def curve() -> SliceMatch:
            question = question_of(desk, desk.collection(index), ask)
            return slice_match_type(question.opened, match_slices(question, hit))

        return await asked(info, curve)

    @strawberry.field(description="Where on a slide of the index a question is, tile by tile.")
    async def heat(self, info: Info, index: strawberry.ID, ask: Ask, slide: strawberry.ID) -> HeatResult:
        """Return a heat map."""
        desk = desk_of(info)

        def drawn_heat() -> Heat:
            collection = desk.collection(index)
            question = question_of(desk, collection, ask)
            desk.log(collection, "heat", [question.query.id], [slide])
            return heat_type(desk, map_slide(question, slide))

        return await asked(info, drawn_heat)

    @strawberry.field(description="What the mark of a question means.")
    async def region(self, info: Info, index: strawberry.ID, ask: Ask) -> RegionResult:
        """Return a region."""
        desk = desk_of(info)

        def outline() -> Outline:
            # Nothing is searched for: the page shows what a click means before it asks.
            return outline_type(question_of(desk, desk.collection(index), ask))

        return await fetched(desk, outline)

    @strawberry.field(description="Reading matter for labels; nothing of it is fetched.")
    async def references(self, info: Info, index: strawberry.ID, labels: list[str]) -> list[Reference]:
        """Return reference material."""
        desk = desk_of(info)
        collection = desk.collections.get(index)
        opened = None if collection is None else collection.now
        # Labels of no row have no reading matter, which is no problem.
        found = () if desk.references is None else desk.references.of(labels)
        return await desk.workers.fetch(lambda: [reference_of(opened, one) for one in found])

    @strawberry.field(description="The collection in the plane; a slow method is better subscribed to.")
    async def map(
        self,
        info: Info,
        index: strawberry.ID,
        by: str | None = None,
        method: str = "pca",
        where: str | None = None,
        limit: int = 2000,
    ) -> MapResult:
        """Return a map."""
        desk = desk_of(info)
        # A map of thousands takes as long as many queries; the next one who looks finds it kept.
        return await asked(info, partial(drawn, desk, index, by, method, where, limit))

    @strawberry.field(description="The searches that were kept, the newest first.")
    async def searches(self, info: Info, index: strawberry.ID) -> list[SavedSearch]:
        """Return saved searches."""
        desk = desk_of(info)
        # Read from the file each time: another server of the same index may have written it.
        found = await told(desk, lambda: desk.collection(index).saved.searches())
        return [
            SavedSearch(id=strawberry.ID(one.id), name=one.name, state=one.state, saved=one.saved)
            for one in found
        ]

    @strawberry.field(description="The labels that users gave images of this index.")
    async def tags(self, info: Info, index: strawberry.ID) -> list[Tag]:
        """Return tags."""
        desk = desk_of(info)
        found = await told(desk, lambda: desk.collection(index).saved.tags())
        return [
            Tag(image=strawberry.ID(name), label=label) for name, labels in found.items() for label in labels
        ]
