"""The workers: threads that do what takes time, so that the server's own thread answers at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_QUICK = 4
"""Threads for thumbnails, lists and single images: short, and never behind a query."""


class Workers:
    """Two pools of threads: as many queries at once as there are processors, and some for what is short.

    More than these wait their turn. Who goes away while waiting is not worked for.
    """

    def __init__(self, n_queries: int | None = None) -> None:
        n = n_queries or os.cpu_count() or 1
        self._queries = ThreadPoolExecutor(n, thread_name_prefix="query")
        self._quick = ThreadPoolExecutor(_QUICK, thread_name_prefix="quick")

    async def ask(self, question: Callable[[], T]) -> T:
        """Run a query."""
        return await asyncio.get_running_loop().run_in_executor(self._queries, question)

    async def fetch(self, question: Callable[[], T]) -> T:
        """Run what is short."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, question)

    def close(self) -> None:
        """Forget what waits, and let go of the threads when they are done."""
        for pool in (self._queries, self._quick):
            pool.shutdown(wait=False, cancel_futures=True)
