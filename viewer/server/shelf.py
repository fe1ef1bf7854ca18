"""The shelf: things that were made or brought, kept in memory under names that nobody can guess."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shelf(Generic[T]):
    """Keep the last things that were put on it.

    Parameters
    ----------
    most : how many things.
    most_bytes : how large they may be together; the newest one stays in any case.
    size : tells the bytes of a thing.
    """

    def __init__(self, most: int, most_bytes: int, size: Callable[[T], int]) -> None:
        self._most, self._most_bytes, self._size = most, most_bytes, size
        self._things: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, thing: T) -> str:
        """Keep a thing and return its name."""
        name = secrets.token_hex(8)
        self.keep(name, thing)
        return name

    def keep(self, name: str, thing: T) -> None:
        """Keep a thing under a name of the caller's."""
        with self._lock:
            self._things[name] = thing
            self._things.move_to_end(name)
            # What was used longest ago goes first.
            while len(self._things) > 1 and self._is_full():
                self._things.popitem(last=False)

    def get(self, name: str) -> T | None:
        """Return a thing; None if it is not there any more."""
        with self._lock:
            found = self._things.get(name)
            if found is not None:
                # Whoever looks at something still needs it.
                self._things.move_to_end(name)
            return found

    def drop(self, name: str) -> bool:
        """Let go of a thing; tell whether it was there."""
        with self._lock:
            return self._things.pop(name, None) is not None

    def _is_full(self) -> bool:
        total = sum(map(self._size, self._things.values()))
        return len(self._things) > self._most or total > self._most_bytes
