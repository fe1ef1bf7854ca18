"""What of a query is in the index itself, and what may be found besides it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from .query import Query

if TYPE_CHECKING:
    from retrieval.index import Index


def unasked(query: Query) -> frozenset[str]:
    """Return the names of a query that the index is not asked by, so that it would find these.

    That of an image whose file was read, and those of the slices of a volume that are not asked with.
    """
    if query.members:
        return frozenset(query.members).difference(one for one in query.slices if isinstance(one, str))
    return frozenset() if query.known_as is None or query.picture is None else frozenset([query.known_as])


def others(index: Index, query: Query, among: Collection[str] | None) -> list[str] | None:
    """Return what may be found besides a query, by name; None if that is no list, but all of the index."""
    own = unasked(query)
    if among is None and not own:
        return None
    return [name for name in (index.names if among is None else among) if name not in own]
