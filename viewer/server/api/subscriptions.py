"""The subscriptions of GraphQL, over server-sent events: what takes long, and what changes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from typing import Annotated

import strawberry
from strawberry.types import Info

from ..asking.ask import Ask
from ..asking.search import searched, with_labels
from ..work import GoneAwayError
from .answer_types import Progress, SearchEvent
from .answers import answer_of, findings_of_answer
from .context import asked, desk_of
from .index_types import Explanation, Map, State, index_of
from .problem import Problem
from .results import drawn, explained

ExplainEvent = Annotated[Progress | Explanation | Problem, strawberry.union("ExplainEvent")]
MapEvent = Annotated[Progress | Map | Problem, strawberry.union("MapEvent")]

_EVERY = 0.25
"""Seconds between two looks at what may have changed."""


@strawberry.type(description="What can be watched, by POST with Accept: text/event-stream.")
class Subscription:
    """All subscriptions; each ends when its connection does."""

    @strawberry.subscription(description="What is served: at once, and after each change.")
    async def state(self, info: Info) -> AsyncGenerator[State, None]:
        """Yield the state whenever a commit was taken up or a representation has loaded."""
        desk = desk_of(info)
        # Compared, not announced: one loop for each who watches is cheap, and none can be forgotten.
        last: object = None
        while True:
            now = [(one.id, id(one.now), one.now.loaded, len(one.now.failed)) for one in desk.collections]
            if now != last:
                last = now
                indexes = await desk.workers.fetch(lambda: [index_of(desk, one) for one in desk.collections])
                yield State(indexes=indexes)
            await asyncio.sleep(_EVERY)

    @strawberry.subscription(description="An answer in steps: the hits, then their findings; or a problem.")
    async def searching(
        self, info: Info, index: strawberry.ID, ask: Ask
    ) -> AsyncGenerator[SearchEvent, None]:
        """Yield hits first and findings, which take longer, after them."""
        desk = desk_of(info)
        # At once, so that the page shows that it was heard.
        yield Progress(stage="looking for images", done=0, total=1 + ask.findings)
        found = await asked(info, partial(searched, desk, index, replace(ask, findings=False)))
        if isinstance(found, Problem):
            yield found
            return
        # Hits are there in a fraction of the time that counting labels takes.
        yield await desk.workers.fetch(lambda: answer_of(found))
        if ask.findings:
            yield Progress(stage="counting labels", done=1, total=2)
            yield await asked(info, lambda: findings_of_answer(with_labels(found, desk.references)))

    @strawberry.subscription(description="What made an image a hit, in steps: then that, or a problem.")
    async def explaining(
        self, info: Info, index: strawberry.ID, ask: Ask, hit: strawberry.ID, by: str | None = None
    ) -> AsyncGenerator[ExplainEvent, None]:
        """Yield how many parts of the hit have been covered, then the explanation."""
        steps, is_over = [(0, 0)], threading.Event()

        def report(done: int, total: int) -> None:
            if is_over.is_set():
                raise GoneAwayError
            steps.append((done, total))

        work = partial(explained, desk_of(info), index, ask, hit, by, report)
        task = asyncio.ensure_future(asked(info, work))
        try:
            while not task.done():
                done, total = steps[-1]
                yield Progress(stage="covering parts of the hit", done=done, total=total)
                await asyncio.wait({task}, timeout=_EVERY)
            yield task.result()
        finally:
            # Nobody waits for the rest: another hit was clicked, or the page was closed.
            is_over.set()
            task.cancel()

    @strawberry.subscription(description="A map in steps; the last event is the map or a problem.")
    async def mapping(
        self,
        info: Info,
        index: strawberry.ID,
        by: str | None = None,
        method: str = "tsne",
        where: str | None = None,
        limit: int = 2000,
    ) -> AsyncGenerator[MapEvent, None]:
        """Yield that it is under way, then the map."""
        desk = desk_of(info)
        yield Progress(stage=f"laying out by {method}", done=0, total=0)
        yield await asked(info, partial(drawn, desk, index, by, method, where, limit))
