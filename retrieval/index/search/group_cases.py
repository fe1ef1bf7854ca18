"""Casework: a ranking of pictures becomes one of cases, or of slices that are no neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...answers.grouping import COLLAPSE, Case, CaseRule, collapse, rank_cases
from ...ranker import Ranking
from ..storage.snapshot import Snapshot
from .query_options import QueryOptions

COLUMNS = ("patient", "study", "group", "series")
"""What makes a case where nothing is said: the first of these that any picture has."""

_SHOWN = 5
"""So many pictures of a case are named."""


def needs_all(terms: QueryOptions) -> bool:
    """Tell whether the whole ranking is wanted: what is 11th of the pictures may be in the first case."""
    return terms.group_by is not None or bool(terms.collapse)


def narrow(
    snapshot: Snapshot, pictures: Ranking, terms: QueryOptions
) -> tuple[Ranking, Sequence[Case | None]]:
    """Return the best pictures of the best cases with their cases; as it was where none are asked for."""
    found = pictures
    if within := _within(terms):
        found = collapse(pictures, *snapshot.places.lying(), within)
    if terms.group_by is None:
        return found, [None] * len(found)
    column = terms.group_by
    numbers = snapshot.places.cases(column)
    ranked = rank_cases(found, numbers, CaseRule(terms.case_by), terms.k)
    sizes = np.bincount(numbers[pictures.ids], minlength=1)
    cases = []
    for id, rows in zip(ranked.ranking.ids.tolist(), ranked.rows, strict=True):
        best = rows[:_SHOWN]
        shown = zip(found.ids[best].tolist(), found.scores[best].tolist(), strict=True)
        named = tuple((snapshot.names[position], score) for position, score in shown)
        cases.append(Case(column, snapshot.places.value(column, id), named, int(sizes[numbers[id]])))
    return ranked.ranking, cases


def _within(terms: QueryOptions) -> float:
    if terms.collapse is not None:
        return terms.collapse
    return COLLAPSE if terms.case_by != "best" else 0.0


def case_column(snapshot: Snapshot) -> str:
    """Return what makes a case in an index: the first of ``COLUMNS`` that any picture has, else ``id``."""
    there = snapshot.columns.names
    found = (name for name in COLUMNS if name in there and any(snapshot.columns.values(name)))
    return next(found, "id")
