"""Grouping: a ranking of images becomes one of cases, or of slices that are no neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...answers.grouping import COLLAPSE, Case, CaseRule, collapse, rank_cases
from ...metadata.groups import KEPT_TOGETHER
from ...ranker import Ranking
from ..storage.snapshot import Snapshot
from .query_options import QueryOptions

_SHOWN = 5
"""Maximum number of images listed per case."""
_SLICES = 16
"""Images that are ranked at first for each that is wanted where neighbouring slices collapse."""


class GroupedRanking(NamedTuple):
    """The images that are returned, best first, and of which case each is the best; None without cases."""

    ranking: Ranking
    cases: Sequence[Case | None]


def first_depth(options: QueryOptions, n: int) -> int:
    """Return how many of n images are ranked at first: all for cases, more than k if slices collapse."""
    # What is 11th of the images may be in the first case.
    if options.group_by is not None:
        return n
    return min(n, _SLICES * options.k) if options.collapse else options.k


def group_cases(snapshot: Snapshot, images: Ranking, options: QueryOptions) -> GroupedRanking:
    """Return the best images of the k best cases, or the k best images if nothing makes a case."""
    # Collapse first: else a rule such as mean-3 counts three neighbours as three findings.
    found = images
    if within := collapsed_within(options):
        found = collapse(images, *snapshot.stack_positions.slice_positions(), within)
    if options.group_by is None:
        best = Ranking(found.ids[: options.k], found.scores[: options.k])
        return GroupedRanking(best, [None] * len(best))
    # numbers: int64 by position, the case of each image.
    column, numbers = options.group_by, snapshot.stack_positions.cases(options.group_by)
    ranked = rank_cases(found, numbers, CaseRule(options.case_by), options.k)
    sizes = np.bincount(numbers[images.ids], minlength=1)  # collapsed images count as well
    cases = []
    # rows: the places of a case's images in the collapsed ranking, best first.
    for id, rows in zip(ranked.ranking.ids.tolist(), ranked.rows, strict=True):
        listed = zip(found.ids[rows[:_SHOWN]].tolist(), found.scores[rows[:_SHOWN]].tolist(), strict=True)
        cases.append(
            make_case(snapshot, column, id, int(sizes[numbers[id]]), [(p, score) for p, score in listed])
        )
    return GroupedRanking(ranked.ranking, cases)


def make_case(
    snapshot: Snapshot,
    column: str,
    best: int,
    n: int,
    images: Sequence[tuple[int, float]],
    aligned: Sequence[tuple[str, int, float]] = (),
) -> Case:
    """Return a case with names for positions.

    Parameters
    ----------
    best : position of its best image.
    n : how many of its images may be found.
    images : positions and scores of its best images, best first; the first five are listed.
    aligned : of a query of several slices: each slice, the image most like it, and the score.
    """
    names = snapshot.names
    listed = tuple((names[position], score) for position, score in images[:_SHOWN])
    pairs = tuple((name, names[position], score) for name, position, score in aligned)
    return Case(column, snapshot.stack_positions.value(column, best), listed, n, pairs)


def case_column(snapshot: Snapshot) -> str:
    """Return what makes a case in an index: the first of ``KEPT_TOGETHER`` that any image has.

    Else it is the file, if any holds several images, or the image. Images without a value are kept together
    by the next (``StackPositions.independent_cases``).
    """
    columns = snapshot.columns
    found = (name for name in KEPT_TOGETHER if name in columns.names and any(columns.values(name)))
    has_frames = len(set(columns.values("source"))) < len(snapshot)
    return next(found, "source" if has_frames else "id")


def collapsed_within(options: QueryOptions) -> float:
    """Return within how many millimetres slices collapse; 0 for not at all."""
    if options.collapse is not None:
        return options.collapse
    # Ten neighbouring slices that look alike must not speak for a case ten times.
    return COLLAPSE if options.case_by != "best" else 0.0
