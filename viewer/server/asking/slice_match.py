"""The slices of a hit's stack, and how much each is like the query: which one to look at beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from retrieval.readers.slice_stacks import Slice
from viewer.queries.stack import stack_of

from .question import Question


@dataclass(frozen=True)
class SliceMatch:
    """The slices of a stack in order, the score of each, None if it has none, and the place of the best."""

    slices: tuple[Slice, ...]
    scores: tuple[float | None, ...]
    best: int


def match_slices(question: Question, hit: str) -> SliceMatch:
    """Return how much each slice of the stack of a hit is like the query; volumes ask with their middle.

    The query is asked as it was, among these slices alone.
    """
    opened = question.opened
    stack = stack_of(opened.index, hit)
    names = [one.name for one in stack.slices]
    options = replace(question.options, among=names, where=None, not_same=None, group_by=None, k=len(names))
    options = replace(options, case_by="best", collapse=None, include_self=True)
    subject = question.query.slices[len(question.query.slices) // 2] if question.query.slices else None
    found = opened.index.query(subject or question.query.subject, options)
    scores: Mapping[str, float] = {one.id: one.score for one in found}
    # By rank and not by score: of equal scores the first of the ranking is the one that an answer shows.
    best = names.index(found[0].id) if found else stack.at
    return SliceMatch(stack.slices, tuple(scores.get(name) for name in names), best)
