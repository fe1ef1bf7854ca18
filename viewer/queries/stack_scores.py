"""Scores along a stack: how like a mark each slice is, by each representation that answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .query import asked_by, default_by

if TYPE_CHECKING:
    from retrieval.index import Index, QueryOptions

_IMAGES: dict[str, Any] = {"group_by": None, "case_by": "best", "collapse": 0.0, "blind": 0, "smooth": 0}
"""Options of a query that answers with images, each by its own score."""
_NEAR, _FAR = 24, 48
"""Slices on either side of a place that are scored, and others of a long stack, evenly spread."""


def stack_scores(
    index: Index, names: Sequence[str], options: QueryOptions, stack: Sequence[str], near: Sequence[int]
) -> list[NDArray[np.float64]]:
    """Return the scores of a stack's slices, (names, slices) of each representation.

    Of a long stack the slices near some places are scored, and a few of the others; between these scores are
    linear. An image that a query does not find scores 0, or as its worst.

    Raises SettingError if the index can answer by no representation yet.
    """
    chosen = _chosen(len(stack), near)
    asked = [stack[i] for i in chosen.tolist()]
    found = []
    if not options.by:
        default_by(index)  # raises if there is none
    # One by one: ranks that are fused say which slice is better, and not by how much.
    for by in asked_by(index, options):
        adjust = _settings_of(index, by, options.adjust or {})
        one = replace(options, **_IMAGES, by=(by,), among=asked, k=len(asked), adjust=adjust)
        rows = [_scores(index, name, one, asked) for name in names]
        found.append(np.stack([np.interp(np.arange(len(stack)), chosen, row) for row in rows]))
    return found


def are_even(index: Index, options: QueryOptions) -> list[bool]:
    """Return of each representation whether its scores change little from slice to slice.

    A small region has few words, and the next slice may have others; an embedding changes with the image.
    """
    from retrieval.representation import family_of

    names = asked_by(index, options)
    return [family_of(index.representation(name)) != "words" for name in names]


def _settings_of(index: Index, by: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return those of the adjusted settings that a representation has; alone it would refuse the others."""
    from retrieval.representation import Adjustable

    made = index.representation(by)
    known = made.query_settings if isinstance(made, Adjustable) else ()
    return {name: value for name, value in settings.items() if name in known}


def _scores(index: Index, name: str, options: QueryOptions, asked: Sequence[str]) -> NDArray[np.float64]:
    found = {hit.id: hit.score for hit in index.query(name, options)}
    worst = min(0.0, *found.values()) if found else 0.0
    return np.array([found.get(one, worst) for one in asked], dtype=np.float64)


def _chosen(n: int, near: Sequence[int]) -> NDArray[np.int64]:
    """Return which of n slices are scored, rising: those near some places, and some of the others."""
    from retrieval.answers.late_interaction import spread

    is_chosen = np.zeros(n, dtype=bool)
    is_chosen[spread(n, _FAR)] = True
    for place in near:
        is_chosen[max(place - _NEAR, 0) : place + _NEAR + 1] = True
    return np.flatnonzero(is_chosen)
