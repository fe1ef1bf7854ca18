"""A mark that is followed through the slices: the same place is asked with in each that shows the same.

What a reader marks is rarely as thick as one slice, and what is like it may be like the next slice more. An
image is found by the slice that it is most like; the slices near the mark in its own stack are not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from retrieval.errors import OptionError

from .stack import SliceStack, stack_of
from .stack_scores import are_even, stack_scores

if TYPE_CHECKING:
    from retrieval.index import Hit, Index, QueryOptions

    from .query import Query

MOST_SLICES = 9
"""Slices that ask, evenly spread: each costs a query."""


@dataclass(frozen=True, eq=False)
class FollowedMark:
    """A mark in the slices of its stack.

    Parameters
    ----------
    names : the slices that ask.
    options : by which slices near the mark do not find each other.
    """

    index: Index
    names: Sequence[str]
    options: QueryOptions

    @classmethod
    def of(cls, index: Index, query: Query, options: QueryOptions, through: float) -> FollowedMark:
        """Follow a mark through the slices of its stack that are at most so many mm away.

        OptionError without a region, or if the slices are not known: of a file, an image alone, or without
        positions.
        """
        if options.region is None:
            raise OptionError("there is no mark to be followed; mark a region", "through")
        stack, near = _near(index, query, through)
        names = [one.name for one in stack.slices]
        # Beyond the mark the same place shows something else, and would find what is like that.
        first, last = _own_extent(index, names, stack.at, options) if len(near) > 1 else (stack.at, stack.at)
        asking = [names[place] for place in spread_around(near, stack.at, first, last)]
        among = index.names if options.among is None else options.among
        # The slices above and below show the same thing, and would be found before anything else.
        own = {names[place] for place in near}
        return cls(index, asking, replace(options, among=[name for name in among if name not in own]))

    def hits(self) -> list[Hit]:
        """Return the hits of all slices that ask, best first.

        Each score is the highest that any slice gives the image, or the case.
        """
        from retrieval.index.search.hits import best_hits

        # The best k of all are among the best k of each: what is better there is better here, too.
        return best_hits((self.index.query(name, self.options) for name in self.names), self.options.k)

    def extents(self, hits: Sequence[Hit]) -> dict[str, tuple[str, str]]:
        """Return the first and last slice of the stack of each hit that are like it, by the hit's name.

        Hits without a stack are left out. A stack with several hits is asked once.
        """
        from retrieval.answers.score_extent import extent, profile

        allowed = set(self.options.among or ())
        found: dict[str, tuple[str, str]] = {}
        ids = [hit.id for hit in hits]
        for id in ids:
            if id in found:
                continue
            stack = [one.name for one in stack_of(self.index, id).slices if one.name in allowed]
            if len(stack) < 2:
                continue
            places = [stack.index(other) for other in ids if other in stack]
            scores = stack_scores(self.index, self.names, self.options, stack, places)
            values = profile(scores, are_even(self.index, self.options))
            for place in places:
                first, last = extent(values, place)
                found[stack[place]] = (stack[first], stack[last])
        return found


def spread_around(near: Sequence[int], at: int, first: int, last: int) -> list[int]:
    """Return which of some places ask: at most ``MOST_SLICES``, evenly spread from first to last.

    That of the mark, ``at``, is always among them.
    """
    places = np.array([place for place in near if first <= place <= last])
    if len(places) <= MOST_SLICES:
        return [int(place) for place in places]
    chosen = np.unique(np.linspace(0, len(places) - 1, MOST_SLICES).round().astype(int))
    # The nearest of the chosen ones makes room for the marked one.
    own = int(np.flatnonzero(places == at)[0])
    chosen[np.abs(chosen - own).argmin()] = own
    return [int(place) for place in places[chosen]]


def _near(index: Index, query: Query, through: float) -> tuple[SliceStack, list[int]]:
    """Return the stack of a query, and the places of its slices that are at most so many mm away."""
    if query.picture is not None or query.slices:
        raise OptionError("only an image of the index has known neighbours; ask with its id", "through")
    stack = stack_of(index, query.id)
    middle = stack.slices[stack.at].height
    if len(stack.slices) < 2 or middle is None:
        raise OptionError(f"{query.id} is in no stack with positions; leave it out", "through")
    heights = [one.height for one in stack.slices]
    return stack, [i for i, own in enumerate(heights) if own is not None and abs(own - middle) <= through]


def _own_extent(index: Index, stack: Sequence[str], at: int, options: QueryOptions) -> tuple[int, int]:
    """Return the first and last slice of a mark's own stack that surely show what is marked."""
    from retrieval.answers.score_extent import SURELY, extent, profile
    from retrieval.index import QueryOptions

    # Conditions are on what is found; these slices ask.
    own = QueryOptions(by=options.by, region=options.region, adjust=options.adjust)
    scores = stack_scores(index, [stack[at]], own, stack, [at])
    beside = [place for place in (at - 1, at + 1) if 0 <= place < len(stack)]
    for one in scores:
        # A slice is like itself beyond comparison.
        one[:, at] = one[:, beside].max(axis=1)
    return extent(profile(scores, are_even(index, own)), at, SURELY)
