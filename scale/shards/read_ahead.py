"""Reading ahead: who goes through all images one by one asks their shards once for many of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.ranker import Ids

T = TypeVar("T")

PAGE = 256
"""Images that are asked for at once: thumbnails of 2 MB."""
_STEP = 8
"""Whoever takes no longer steps than this is taken to go through all images."""


class ReadAhead(Generic[T]):
    """Fetch what belongs to an image, and that of the next ones with it if images are asked for in turn.

    Parameters
    ----------
    fetch : returns what belongs to several images, by position.
    available : bool (n,): which images are in shards that are not away.
    """

    def __init__(self, fetch: Callable[[Ids], list[T]], available: NDArray[np.bool_]) -> None:
        self._fetch, self._available = fetch, available
        self._last = -PAGE
        self._page: Mapping[int, T] = {}

    def get(self, position: int) -> T:
        """Return what belongs to an image. Raises as ``fetch`` does."""
        # Threads that disturb each other here fetch too much or too little, and never get a wrong one.
        last, self._last, known = self._last, position, self._page
        if position in known:
            return known[position]
        # One that is asked for alone, such as a thumbnail of a hit, does not bring others.
        wanted = np.array([position], dtype=np.int64)
        if 0 < position - last <= _STEP:
            # Nor does it fail for a shard that only the others are in.
            ahead = np.flatnonzero(self._available[position + 1 : position + PAGE])
            wanted = np.append(wanted, ahead + position + 1)
        page: dict[int, T] = dict(zip(wanted.tolist(), self._fetch(wanted), strict=True))
        if len(page) > 1:
            self._page = page
        return page[position]
