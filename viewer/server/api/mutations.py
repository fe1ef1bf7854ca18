"""The changes of GraphQL: to what users leave beside an index, never to the index itself."""

from __future__ import annotations

import strawberry
from strawberry.types import Info

from retrieval.errors import OptionError

from ..asking.archiving import send_search
from ..asking.ask import Ask
from ..asking.exports import FORMS, export
from ..asking.search import searched
from .context import asked, desk_of, fetched
from .index_types import Export, ExportResult, SavedSearch, SaveResult, Sent, SentResult, Tag, TagResult
from .problem import Problem


@strawberry.type(description="What can be changed.")
class Mutation:
    """All changes."""

    @strawberry.mutation(description="Keep a search; `state` is JSON of the page.")
    async def save_search(self, info: Info, index: strawberry.ID, name: str, state: str) -> SaveResult:
        """Keep a search."""
        desk = desk_of(info)

        def save() -> SavedSearch:
            one = desk.collection(index).saved.save(name, state)
            return SavedSearch(id=strawberry.ID(one.id), name=one.name, state=one.state, saved=one.saved)

        return await fetched(desk, save)

    @strawberry.mutation(description="Forget a search; false if there was none.")
    async def delete_search(self, info: Info, index: strawberry.ID, id: strawberry.ID) -> bool:
        """Forget a search."""
        desk = desk_of(info)
        done = await fetched(desk, lambda: desk.collection(index).saved.delete(id))
        # Nothing to forget is no error: two tabs may press the same button.
        return not isinstance(done, Problem) and done

    @strawberry.mutation(description="Give an image a label, in a table beside the index.")
    async def tag(self, info: Info, index: strawberry.ID, image: strawberry.ID, label: str) -> TagResult:
        """Give a label."""
        desk = desk_of(info)

        def give() -> Tag:
            collection = desk.collection(index)
            opened = collection.now
            # Refuses an image that is not there, before anything is written.
            known = opened.index.ask(lambda s: s.columns.label_row(s.position(image)))
            collection.saved.tag(image, label, known)
            return Tag(image=image, label=" ".join(label.split()))

        return await fetched(desk, give)

    @strawberry.mutation(description="Take a label from an image; false if the table has none.")
    async def untag(self, info: Info, index: strawberry.ID, image: strawberry.ID, label: str) -> bool:
        """Take a label."""
        desk = desk_of(info)
        done = await fetched(desk, lambda: desk.collection(index).saved.untag(image, label))
        return not isinstance(done, Problem) and done

    @strawberry.mutation(description="Let go of a file that was brought.")
    async def forget_upload(self, info: Info, upload: strawberry.ID) -> bool:
        """Forget an upload."""
        return desk_of(info).uploads.drop(upload)

    @strawberry.mutation(description="The answer to a question as a file: report, sheet, json or csv.")
    async def export(self, info: Info, index: strawberry.ID, ask: Ask, form: str) -> ExportResult:
        """Make a file."""
        desk = desk_of(info)

        def make() -> Export:
            # Before the search, which takes longer than to see that it is in vain.
            if form not in FORMS:
                raise OptionError(f"{form!r} is none of {', '.join(FORMS)}", "form")
            made = export(searched(desk, index, ask), form)
            return Export(
                address=desk.put(made.name, made.media_type, made.content),
                name=made.name,
                size=len(made.content),
            )

        return await asked(info, make)

    @strawberry.mutation(description="Store a report of a search in the archive that the server was given.")
    async def send_to_archive(self, info: Info, index: strawberry.ID, ask: Ask) -> SentResult:
        """Store a search."""
        desk = desk_of(info)
        return await asked(info, lambda: Sent(**send_search(desk, index, ask)))
