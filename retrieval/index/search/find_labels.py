"""Finding labels: which labels the cases that look like a query have in common, beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...answers import enrichment
from ...answers.enrichment import Findings
from ...errors import SettingError
from ...metadata.label_table import LabelTable
from ...picture import Picture
from ..storage.annotations import Annotations
from ..storage.snapshot import Snapshot
from .candidates import Mask, candidate_mask, same
from .encode_query import encode_query, representations
from .group_cases import case_column
from .held_out import comparable, hold_out, out_of_fold, without_folds
from .hits import Hit
from .novelty import kind_percentile, likeness_percentile
from .query import search
from .query_options import QueryImage, QueryOptions
from .volume import answer_volume

Labels = Sequence[Sequence[str]]
"""The labels of each image, by position."""


def find_labels(
    snapshot: Snapshot,
    query: QueryImage | Sequence[QueryImage],
    options: QueryOptions,
    labels: LabelTable | None = None,
) -> Findings:
    """Return what the cases that look most like a query have in common.

    The best ``options.k`` cases that carry a label are the matching ones; all others that the options let
    through are what they are compared with. The query's own case is in neither. Cases are counted, never
    slices: a case carries every label that any of its images does.

    Parameters
    ----------
    query : an image, the name of an indexed one, or the slices of a volume.
    options : ``group_by`` says what a case is, else what ``case_column`` finds.
    labels : takes the place of the labels in the index, by image or file.

    Raises
    ------
    SettingError : no image that may be found carries a label, or options that make no sense.
    """
    slices = [query] if isinstance(query, str | Picture) else list(query)
    if not slices:
        raise SettingError("findings: no slice is given; give the images of a series or a volume")
    column = options.group_by or case_column(snapshot)
    annotated = Annotations(snapshot, labels).labels
    mask = _comparable(snapshot, slices, options, column, annotated)
    # The mask holds all conditions already, and the query's own case is not in it.
    among = [snapshot.names[i] for i in np.flatnonzero(mask)]
    matching = replace(options, among=among, where=None, not_same=None, group_by=column, include_self=True)
    hits, percentile = _search(snapshot, query, matching, options)
    cases = _labels_of_cases(snapshot, mask, annotated, column)
    numbers = snapshot.stack_positions.cases(column)
    found = [cases[int(numbers[snapshot.position(hit.id)])] for hit in hits]
    labels_found = enrichment.find_labels(found, list(cases.values()))
    withheld = without_folds(snapshot, representations(snapshot, options))
    kind = kind_percentile(snapshot, slices, options, column)
    return Findings(column, len(found), len(cases), labels_found, percentile, withheld, kind)


def _search(
    snapshot: Snapshot,
    query: QueryImage | Sequence[QueryImage],
    matching: QueryOptions,
    options: QueryOptions,
) -> tuple[list[Hit], float | None]:
    """Return the matching cases, and how alike anything is to the query; None for a volume."""
    if not isinstance(query, str | Picture):
        return answer_volume(snapshot, query, matching, is_out_of_fold=True), None
    encoded = encode_query(snapshot, query, matching)
    # Labels must not be found by what a metric was taught of them.
    hits = search(snapshot, query, out_of_fold(snapshot, query, encoded), matching)
    encoded = hold_out(snapshot, query, encoded)
    # Its nearest image need not carry a label: all that may be found by name are compared.
    return hits, likeness_percentile(snapshot, query, encoded, options, str(matching.group_by))


def _labels_of_cases(snapshot: Snapshot, mask: Mask, labels: Labels, column: str) -> dict[int, set[str]]:
    """Return the labels of each case that may be found, by its number."""
    numbers = snapshot.stack_positions.cases(column)
    cases: dict[int, set[str]] = {}
    for position in np.flatnonzero(mask).tolist():
        cases.setdefault(int(numbers[position]), set()).update(labels[position])
    return cases


def _comparable(
    snapshot: Snapshot, slices: Sequence[QueryImage], options: QueryOptions, column: str, labels: Labels
) -> Mask:
    """Return the images of the cases that may be found and carry a label, without the query's own case."""
    found = candidate_mask(snapshot, slices[0], options)
    mask = np.ones(len(snapshot), dtype=bool) if found is None else found
    # The query's own case carries its own labels, and would confirm them.
    mask &= ~same(snapshot, slices[0], column)
    mask[[snapshot.position(one) for one in slices if isinstance(one, str)]] = False
    mask &= comparable(snapshot, slices, representations(snapshot, options))
    numbers = snapshot.stack_positions.cases(column)
    # A case counts if any image that may be found carries a label; then all its images may be found.
    carries = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=bool)
    carries[numbers[np.array([bool(own) for own in labels], dtype=bool) & mask]] = True
    mask &= carries[numbers]
    if not mask.any():
        raise SettingError(
            "findings: no image that may be found has a label; index with --labels, or give a table here"
        )
    return mask
