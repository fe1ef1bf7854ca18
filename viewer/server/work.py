"""The workers: threads that do what takes time, so that the server's own thread answers at once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_QUICK = 4
"""Threads for thumbnails, lists and single images: short, and never behind a query."""


IsGone = Callable[[], Awaitable[bool]]
"""Tells whether whoever asked has gone away."""
_LOOK = 0.1
"""Seconds between two looks at whether that is so."""


class GoneAwayError(Exception):
    """Whoever asked has gone away, and nobody waits for the answer."""


class Workers:
    """Two pools of threads: as many queries at once as there are processors, and some for what is short.

    More than these wait their turn. Who goes away while waiting is not worked for: a new mark on the page
    takes the place of the last one.
    """

    def __init__(self, n_queries: int | None = None) -> None:
        n = n_queries or os.cpu_count() or 1
        self._queries = ThreadPoolExecutor(n, thread_name_prefix="query")
        self._quick = ThreadPoolExecutor(_QUICK, thread_name_prefix="quick")
        self._n_running, self._last = 0, time.monotonic()

    async def calm(self, seconds: float, most: float) -> bool:
        """Wait until nothing has run for some seconds, at most for ``most``; tell whether it is so."""
        end = time.monotonic() + most
        while not (is_calm := self._is_calm(seconds)) and time.monotonic() < end:
            await asyncio.sleep(_LOOK)
        return is_calm

    def _is_calm(self, seconds: float) -> bool:
        return not self._n_running and time.monotonic() - self._last >= seconds

    async def ask(self, question: Callable[[], T], is_gone: IsGone | None = None) -> T:
        """Run a query. GoneAwayError if whoever asked goes away before it is done."""
        with self._busy():
            return await self._ask(question, is_gone)

    async def _ask(self, question: Callable[[], T], is_gone: IsGone | None) -> T:
        task = self._queries.submit(question)
        waiting = asyncio.wrap_future(task)
        try:
            while is_gone is not None and not waiting.done():
                await asyncio.wait({waiting}, timeout=_LOOK)
                if not waiting.done() and await is_gone():
                    raise GoneAwayError
            return await waiting
        finally:
            # What waits is taken out of the line, also if whoever waits for it was cancelled; what has begun
            # cannot be stopped, ends soon, and is not missed.
            task.cancel()
            waiting.cancel()

    async def fetch(self, question: Callable[[], T]) -> T:
        """Run what is short."""
        with self._busy():
            return await asyncio.get_running_loop().run_in_executor(self._quick, question)

    @contextmanager
    def _busy(self) -> Iterator[None]:
        self._n_running += 1
        try:
            yield
        finally:
            self._n_running -= 1
            self._last = time.monotonic()

    def close(self) -> None:
        """Forget what waits, and let go of the threads when they are done."""
        for pool in (self._queries, self._quick):
            pool.shutdown(wait=False, cancel_futures=True)
