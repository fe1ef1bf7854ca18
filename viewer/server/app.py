"""The application: the guard before the routes, and what goes on beside them while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from retrieval.statistics.blas_threads import one_blas_thread

from .api.schema import GraphQLApp
from .collection import practise
from .desk import Desk
from .guard import Guard, Rules, TooLargeError
from .problem import Kind, RefusedError
from .routes.bring import bring, brought, mask
from .routes.endpoint import Endpoint, endpoint, refusal
from .routes.page import Static, start, state
from .routes.pixels import made, of_index, of_upload
from .routes.shard import shard
from .routes.slides import of_slide

CALM, PATIENCE = 1.0, 3.0
"""Seconds without a question before what the first answer does without is loaded, and the most to wait."""
PAUSE = 0.2
"""Seconds without a question between two steps of that."""
EVERY = 0.25
"""Seconds between two looks for a new commit."""


def make_app(desk: Desk, rules: Rules | None = None) -> Guard:
    """Return the application that answers for some indexes; its lifespan loads and refreshes them."""

    def get(path: str, answer: Endpoint) -> Route:
        return Route(path, endpoint(desk, answer), methods=["GET"])

    def post(path: str, answer: Endpoint) -> Route:
        return Route(path, endpoint(desk, answer), methods=["POST"])

    routes = [
        get("/", start),
        get("/state", state),
        get("/images/{index}/{key}/{form}", of_index),
        get("/slides/{index}/{key}/{level:int}/{col:int}/{row:int}", of_slide),
        get("/uploads/{upload}", brought),
        get("/uploads/{upload}/{frame:int}/{form}", of_upload),
        get("/made/{id}/{name}", made),
        post("/uploads", bring),
        post("/masks", mask),
        post("/shard", shard),
        # An application of its own: it answers problems as results, not by a status.
        Route("/graphql", GraphQLApp(desk)),
        # Scripts shrink to a third; pixels are packed once, where they are made.
        Mount("/static", GZipMiddleware(Static(), minimum_size=500)),
    ]
    app = Starlette(
        routes=routes,
        lifespan=lambda _: _alive(desk),
        exception_handlers={TooLargeError: _too_large},
    )
    return Guard(app, rules or Rules())


@asynccontextmanager
async def _alive(desk: Desk) -> AsyncIterator[None]:
    """Load what is not loaded, and take up new commits, while the application runs."""
    # Queries run side by side, one a processor: a thread of BLAS for each processor in each of them spends
    # half as much time again on waiting for the others.
    with one_blas_thread():
        # Kept in a list: a task that nobody refers to may be collected while it runs.
        tasks = [asyncio.create_task(_load(desk)), asyncio.create_task(_refresh(desk))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            desk.workers.close()
            desk.collections.close()


async def _load(desk: Desk) -> None:
    for collection in desk.collections:
        await asyncio.to_thread(collection.load_quick)
    # Kernels and networks leave other threads little time: the first page gets its answer before.
    steps = (step for collection in desk.collections for step in collection.practice())
    # But for the first: it starts the process that reads images, which takes half a second beside this one.
    if (step := next(steps, None)) is not None:
        await asyncio.to_thread(practise, step)
    is_calm = await desk.workers.calm(CALM, PATIENCE)
    while True:
        # In calm moments alone: who asks before has what she needs loaded. No network waits for it.
        if is_calm and (step := next(steps, None)) is not None:
            await asyncio.to_thread(practise, step)
        else:
            for collection in desk.collections:
                # What was still loading of the last commit is loaded of the new one.
                if collection.now.waiting:
                    await asyncio.to_thread(collection.load)
            await asyncio.sleep(EVERY)
        is_calm = await desk.workers.calm(PAUSE, PAUSE)


async def _refresh(desk: Desk) -> None:
    # Beside the loading: no commit waits for a network.
    while True:
        for collection in desk.collections:
            await asyncio.to_thread(collection.take_up)
        await asyncio.sleep(EVERY)


async def _too_large(request: Request, error: Exception) -> Response:
    return refusal(RefusedError(Kind.LIMIT, "the request is too large"))
