"""The findings of an answer: which labels the matching cases have in common, beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...answers.enrichment import Findings, find_labels
from ...errors import SettingError
from ...metadata.label_table import LabelTable
from ...picture import Picture
from ..index import Index
from ..storage.annotations import Annotations
from ..storage.snapshot import Snapshot
from .group_cases import case_column
from .novelty import likeness_percentile
from .query import Mask, allowed, answer, same
from .query_options import QueryOptions
from .volume import answer_volume


def find(
    index: Index,
    query: Picture | str | Sequence[Picture | str],
    terms: QueryOptions,
    *,
    labels: LabelTable | None = None,
) -> Findings:
    """Return what the cases that look most like a query have in common.

    The best ``terms.k`` cases that carry a label are the matching ones; all others that the terms let
    through are what they are compared with. The query's own case is in neither. Cases are counted, never
    slices: a case carries every label that any of its pictures does.

    Parameters
    ----------
    query : a picture, the name of an indexed one, or the slices of a volume.
    terms : as of ``Index.query``; ``group_by`` says what a case is, else what ``case_column`` finds.
    labels : takes the place of the labels in the index, by picture or file.

    Raises
    ------
    SettingError : no picture that may be found carries a label, or terms that make no sense.
    """
    slices = None if isinstance(query, str | Picture) else list(query)
    first = slices[0] if slices else query
    if not isinstance(first, str | Picture):
        raise SettingError("findings: no slice is given; give the pictures of a series or a volume")
    pixels = index.read(first) if isinstance(first, str) and (terms.region or terms.adjust) else None
    return index.ask(lambda snapshot: _found(snapshot, first, slices, pixels, terms, labels))


def _found(
    snapshot: Snapshot,
    first: Picture | str,
    slices: Sequence[Picture | str] | None,
    pixels: Picture | None,
    terms: QueryOptions,
    labels: LabelTable | None,
) -> Findings:
    column = terms.group_by or case_column(snapshot)
    told = Annotations(snapshot, labels).labels
    mask = _comparable(snapshot, first, slices, terms, column, told)
    among = [snapshot.names[i] for i in np.flatnonzero(mask)]
    asked = replace(terms, among=among, where=None, not_same=None, group_by=column, include_self=True)
    if slices is None:
        hits = answer(snapshot, first, pixels, asked)
        percentile = likeness_percentile(snapshot, first, pixels, terms, column)
    else:
        hits, percentile = answer_volume(snapshot, slices, asked), None
    numbers = snapshot.places.cases(column)
    cases: dict[int, set[str]] = {}
    for position in np.flatnonzero(mask).tolist():
        cases.setdefault(int(numbers[position]), set()).update(told[position])
    matching = [cases[int(numbers[snapshot.position(hit.id)])] for hit in hits]
    found = find_labels(matching, list(cases.values()))
    return Findings(column, len(matching), len(cases), found, percentile)


def _comparable(
    snapshot: Snapshot,
    first: Picture | str,
    slices: Sequence[Picture | str] | None,
    terms: QueryOptions,
    column: str,
    told: Sequence[Sequence[str]],
) -> Mask:
    """Return the pictures of the cases that may be found and carry a label, without the query's own case."""
    found = allowed(snapshot, first, terms)
    mask = np.ones(len(snapshot), dtype=bool) if found is None else found
    mask &= ~same(snapshot, first, column)
    mask[[snapshot.position(one) for one in slices or [first] if isinstance(one, str)]] = False
    numbers = snapshot.places.cases(column)
    carries = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=bool)
    carries[numbers[np.array([bool(own) for own in told], dtype=bool) & mask]] = True
    mask &= carries[numbers]
    if not mask.any():
        raise SettingError(
            "findings: no picture that may be found has a label; index with --labels, or give a table here"
        )
    return mask
