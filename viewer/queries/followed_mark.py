"""A marked region that is followed through its stack: each slice that shows the same is a query of its own.

A marked structure is rarely as thin as one slice, and similar images may resemble a neighbouring slice more.
The region has the same coordinates in all query slices. An image scores the maximum over them (CombMAX), and
of each series, or ``group_by``, the best image is a hit;
slices near the mark in its own stack are left out of the results.
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
"""Maximum number of query slices, evenly spread: each costs a query."""


@dataclass(frozen=True, eq=False)
class FollowedMark:
    """A marked region as queries by several slices of its stack.

    Parameters
    ----------
    names : the query slices.
    options : of each query; ``among`` leaves out the slices near the mark.
    """

    index: Index
    names: Sequence[str]
    options: QueryOptions

    @classmethod
    def of(cls, index: Index, query: Query, options: QueryOptions, through: float) -> FollowedMark:
        """Follow the region of a query through the slices at most ``through`` mm away.

        OptionError without a region, or if the neighbouring slices are not known: the query is a file, or an
        image without a stack or without a position.
        """
        if options.region is None:
            raise OptionError("there is no mark to be followed; mark a region", "through")
        stack, near = _near(index, query, through)
        names = [one.name for one in stack.slices]
        # Beyond the marked structure the region shows something else, and would find images of that.
        first, last = _own_extent(index, names, stack.at, options) if len(near) > 1 else (stack.at, stack.at)
        queries = [names[place] for place in spread_around(near, stack.at, first, last)]
        among = index.names if options.among is None else options.among
        # The slices above and below show the same structure, and would be the first results.
        own = {names[place] for place in near}
        return cls(index, queries, replace(options, among=[name for name in among if name not in own]))

    def hits(self) -> tuple[list[Hit], str]:
        """Return the top k hits of all query slices together, best first, and what could not be asked.

        The score of a case is its maximum over the query slices. Without ``group_by`` series are cases, as
        they are for a volume: the slices beside a hit show the same as it does.
        """
        from retrieval.index.search.hits import best_hits

        options = replace(self.options, group_by=self.options.group_by or "series")
        answers, lacking = [], []
        for name in self.names:
            answers.append(self.index.query(name, options))
            lacking.append(self.index.lacking)  # of this slice: a shard may go or come back meanwhile
        # By maximum, the top k of all are among the top k of each.
        return best_hits(answers, options.k), "; ".join(dict.fromkeys(filter(None, lacking)))

    def extents(self, hits: Sequence[Hit]) -> dict[str, tuple[str, str]]:
        """Return the first and last matching slice of the stack around each hit, by the hit's name.

        Hits without a stack are left out. A stack with several hits is scored once.
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
    """Return the places of the query slices: at most ``MOST_SLICES``, evenly spread from first to last.

    The marked slice, ``at``, is always among them.
    """
    places = np.array([place for place in near if first <= place <= last])
    if len(places) <= MOST_SLICES:
        return [int(place) for place in places]
    chosen = np.unique(np.linspace(0, len(places) - 1, MOST_SLICES).round().astype(int))
    # The marked slice replaces the nearest of those chosen.
    own = int(np.flatnonzero(places == at)[0])
    chosen[np.abs(chosen - own).argmin()] = own
    return [int(place) for place in places[chosen]]


def _near(index: Index, query: Query, through: float) -> tuple[SliceStack, list[int]]:
    """Return the stack of a query, and the places of its slices at most ``through`` mm away."""
    # A file of the index has the neighbours of its image there.
    own = query.known_as
    if own is None or query.slices:
        raise OptionError("only an image of the index has known neighbours; ask with its id", "through")
    stack = stack_of(index, own)
    middle = stack.slices[stack.at].height
    if len(stack.slices) < 2 or middle is None:
        raise OptionError(f"{query.id} is in no stack with positions; leave it out", "through")
    heights = [one.height for one in stack.slices]
    return stack, [i for i, z in enumerate(heights) if z is not None and abs(z - middle) <= through]


def _own_extent(index: Index, stack: Sequence[str], at: int, options: QueryOptions) -> tuple[int, int]:
    """Return the first and last slice of the query's own stack that surely match the marked region."""
    from retrieval.answers.score_extent import SURELY, extent, profile
    from retrieval.index import QueryOptions

    # Filters apply to results; these slices are queries.
    own = QueryOptions(by=options.by, region=options.region, adjust=options.adjust)
    scores = stack_scores(index, [stack[at]], own, stack, [at])
    beside = [place for place in (at - 1, at + 1) if 0 <= place < len(stack)]
    for one in scores:
        # The self-similarity of the marked slice would exceed all other scores.
        one[:, at] = one[:, beside].max(axis=1)
    return extent(profile(scores, are_even(index, own)), at, SURELY)
