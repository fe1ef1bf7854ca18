"""A mark that is followed through the slices: the same place is asked with in each of them.

What a reader marks is rarely as thick as one slice, and what is like it may be like the next slice more. An
image is found by the slice that it is most like; slices of the mark's own stack are not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.errors import OptionError

from .stack import stack_of

if TYPE_CHECKING:
    from retrieval.index import Hit, Index, QueryOptions

    from .query import Query

_IMAGES: dict[str, Any] = {"group_by": None, "case_by": "best", "collapse": 0.0}
"""Options of a query that answers with images, and not with cases."""
MOST_SLICES = 9
"""Slices that ask, evenly spread: each costs a query."""


def slices_through(index: Index, query: Query, through: float) -> list[str]:
    """Return the slices of a query's stack that are at most so many mm away from it, in order.

    OptionError if they are not known: of a file, of an image alone, or without positions.
    """
    if query.picture is not None or query.slices:
        raise OptionError("only an image of the index has known neighbours; ask with its id", "through")
    stack = stack_of(index, query.id)
    middle = stack.slices[stack.at].height
    if len(stack.slices) < 2 or middle is None:
        raise OptionError(f"{query.id} is in no stack with positions; leave it out", "through")
    near = [
        one.name for one in stack.slices if one.height is not None and abs(one.height - middle) <= through
    ]
    return _spread(near, near.index(query.id))


def ask_through(index: Index, query: Query, options: QueryOptions, through: float) -> list[Hit]:
    """Return the hits of a mark that is followed through the slices, best first.

    Each score is the highest that any slice gives the image, or the case. SettingError without a region.
    """
    from retrieval.index.search.hits import best_hits

    names, options = asked_through(index, query, options, through)
    # The best k of all are among the best k of each: what is better there is better here, too.
    return best_hits((index.query(name, options) for name in names), options.k)


def extents(
    index: Index, query: Query, options: QueryOptions, through: float, hits: Sequence[Hit]
) -> dict[str, tuple[str, str]]:
    """Return the first and last slice of the stack of each hit that score like it, by the hit's name.

    Each slice has the highest score that any slice of the mark gives it; hits without a stack are left out.
    """
    from retrieval.answers.score_extent import extent

    names, options = asked_through(index, query, replace(options, **_IMAGES), through)
    allowed = set(options.among or ())
    found = {}
    for hit in hits:
        stack = [one.name for one in stack_of(index, hit.id).slices if one.name in allowed]
        if len(stack) < 2:
            continue
        within = replace(options, among=stack, k=len(stack))
        best = dict.fromkeys(stack, -np.inf)
        for answer in (index.query(name, within) for name in names):
            for one in answer:
                best[one.id] = max(best[one.id], one.score)
        first, last = extent(np.array([best[name] for name in stack]), stack.index(hit.id))
        found[hit.id] = (stack[first], stack[last])
    return found


def asked_through(
    index: Index, query: Query, options: QueryOptions, through: float
) -> tuple[list[str], QueryOptions]:
    """Return the slices that ask for a mark, and options by which they do not find each other.

    SettingError without a region.
    """
    if options.region is None:
        raise OptionError("there is no mark to be followed; mark a region", "through")
    names = slices_through(index, query, through)
    among = index.names if options.among is None else options.among
    own = set(names)
    # The slices above and below show the same thing, and would be found before anything else.
    return names, replace(options, among=[name for name in among if name not in own])


def _spread(names: Sequence[str], at: int) -> list[str]:
    """Return at most ``MOST_SLICES`` of some slices, evenly spread, with the marked one among them."""
    if len(names) <= MOST_SLICES:
        return list(names)
    chosen = np.unique(np.linspace(0, len(names) - 1, MOST_SLICES).round().astype(int))
    # The nearest of the chosen ones makes room for the marked one.
    chosen[np.abs(chosen - at).argmin()] = at
    return [names[int(place)] for place in chosen]
