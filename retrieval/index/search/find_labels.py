"""Finding labels: which labels the cases that look like a query have in common, beyond chance."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...answers import enrichment
from ...answers.enrichment import Findings
from ...errors import SettingError
from ...metadata.label_table import LabelTable
from ...picture import Picture
from ..storage.annotations import Annotations
from ..storage.snapshot import Snapshot
from .background import Background
from .candidates import NamesOf, candidate_mask, own_case
from .encode_query import encode_query, representations
from .group_cases import case_column
from .held_out import comparable, hold_out, out_of_fold, without_folds
from .hits import Hit, best_hits
from .independent_hits import IndependentHits, QueryCopies, independent_hits
from .joined_cases import joined_cases
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
    slices: a case carries every label that any of its images does, and is compared with cases of about as
    many images. Cases that share an image are one, and those that share one with the query's are the query's
    (``joined_cases``). Cases of liked and disliked images are in neither: their labels were known when they
    were chosen, and would confirm themselves.

    Parameters
    ----------
    query : an image, the name of an indexed one, or the slices of a volume; with a region, slices of which
        each asks with the same part, such as those of a mark that is followed through them.
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
    background = _background(snapshot, slices, options, column, annotated)
    # The mask holds all conditions already, and the query's own case is not in it.
    matching = replace(
        options,
        among=NamesOf(snapshot, background.mask),
        where=None,
        not_same=None,
        group_by=column,
        include_self=True,
    )
    found, percentile = _search(snapshot, query, matching, options)
    cases, sizes = background.labels_of_cases(annotated), background.sizes_of_cases()
    drawn = _merge(background.cases, found, cases, sizes)
    labels_found = enrichment.find_labels(
        [cases[case] for case in drawn],
        list(cases.values()),
        [sizes[case] for case in drawn],
        [sizes[case] for case in cases],
    )
    withheld = without_folds(snapshot, representations(snapshot, options), options)
    # Most are learnt from labels, and what they move the query to has these.
    withheld += tuple(f"concept {one.partition('=')[0]}" for one in options.concept)
    kind = kind_percentile(snapshot, slices, options, column)
    copies = background.copies(found, len(cases))
    return Findings(column, len(drawn), len(cases), labels_found, percentile, withheld, kind, copies)


def _search(
    snapshot: Snapshot,
    query: QueryImage | Sequence[QueryImage],
    matching: QueryOptions,
    options: QueryOptions,
) -> tuple[IndependentHits, float | None]:
    """Return the matching cases, and how alike anything is to the query; None for a volume."""
    if not isinstance(query, str | Picture) and options.region is not None:
        return _search_slices(snapshot, query, matching, options)
    if not isinstance(query, str | Picture):
        slices = query
        return _independent_cases(
            snapshot,
            slices,
            matching,
            lambda asked: answer_volume(snapshot, slices, asked, is_out_of_fold=True),
        ), None
    encoded = encode_query(snapshot, query, matching)
    # Labels must not be found by what a metric was taught of them.
    unseen = out_of_fold(snapshot, query, encoded, options)
    found = _independent_cases(
        snapshot, [query], matching, lambda asked: search(snapshot, query, unseen, asked)
    )
    encoded = hold_out(snapshot, query, encoded, options)
    # Its nearest image need not carry a label: all that may be found by name are compared.
    return found, likeness_percentile(snapshot, query, encoded, options, str(matching.group_by))


def _search_slices(
    snapshot: Snapshot, slices: Sequence[QueryImage], matching: QueryOptions, options: QueryOptions
) -> tuple[IndependentHits, float | None]:
    """Return the matching cases of a region of several slices: of each case, the best of all slices."""
    encoded = [encode_query(snapshot, one, matching) for one in slices]
    unseen = [out_of_fold(snapshot, one, own, options) for one, own in zip(slices, encoded, strict=True)]

    def ask(asked: QueryOptions) -> list[Hit]:
        pairs = zip(slices, unseen, strict=True)
        return best_hits((search(snapshot, one, own, asked) for one, own in pairs), asked.k)

    # A region is never as like a whole image, so that nothing is said of how novel it is.
    return _independent_cases(snapshot, slices, matching, ask), None


def _independent_cases(
    snapshot: Snapshot,
    slices: Sequence[QueryImage],
    matching: QueryOptions,
    ask: Callable[[QueryOptions], list[Hit]],
) -> IndependentHits:
    """Return the best image of each of the k best cases that are no copies of each other or of the query."""
    named = {one if isinstance(one, str) else one.id: one for one in slices}
    copies_of = cache(lambda name: QueryCopies.of(snapshot, named[name]))
    # Copies make room for the next cases; twice as many are enough but for the strangest collection.
    depth, cases = 2 * matching.k, joined_cases(snapshot, str(matching.group_by))
    while True:
        hits = {snapshot.position(hit.id): hit for hit in ask(replace(matching, k=depth))}
        asked_by = {at: [copies_of(one) for one in _asked_by(hit, named)] for at, hit in hits.items()}
        ranked = ((at, QueryCopies.any(slices_of)) for at, slices_of in asked_by.items())
        found = independent_hits(snapshot, ranked, matching.k, cases)
        if len(found.groups) == matching.k or len(hits) < depth:
            return found
        depth *= 2


def _asked_by(hit: Hit, named: Collection[str]) -> Collection[str]:
    """Return the name of the slice of the query that a hit matches best; of all if nobody knows."""
    aligned = () if hit.case is None else hit.case.aligned
    return [max(aligned, key=lambda pair: pair[2])[0]] if aligned else named


def _merge(
    cases: NDArray[np.int64], found: IndependentHits, labels: dict[int, set[str]], sizes: dict[int, int]
) -> list[int]:
    """Return the matching cases, and make one of those in ``labels`` and ``sizes`` that are one."""
    for position in found.of_query:
        labels.pop(int(cases[position]), None)
    drawn = []
    for group in found.groups:
        first, *others = dict.fromkeys(int(cases[position]) for position in group)
        # The copy carries what is known of either: names of files must not decide which label counts.
        labels[first] = labels[first].union(*(labels.pop(other) for other in others))
        # They share an image.
        sizes[first] += sum(sizes.pop(other) - 1 for other in others)
        drawn.append(first)
    return drawn


def _background(
    snapshot: Snapshot, slices: Sequence[QueryImage], options: QueryOptions, column: str, labels: Labels
) -> Background:
    """Return the images of the cases that may be found and carry a label, without the query's own case."""
    found = candidate_mask(snapshot, slices[0], options)
    mask = np.ones(len(snapshot), dtype=bool) if found is None else found
    allowed = mask.copy()
    mask &= comparable(snapshot, slices, representations(snapshot, options))
    own = own_case(snapshot, slices[0], column)
    own[[snapshot.position(one) for one in slices if isinstance(one, str)]] = True
    for one in (*options.like, *options.unlike):
        own |= own_case(snapshot, one, column)
    cases = joined_cases(snapshot, column)
    # A case counts if any image that may be found carries a label; then all its images may be found.
    is_labelled = np.array([bool(one) for one in labels], dtype=bool)
    mask &= ~own & np.isin(cases, cases[is_labelled & mask & ~own])
    # The query's own case carries its own labels, and would confirm them, by another name too.
    is_own = np.isin(cases, cases[own])
    if not (mask & ~is_own).any():
        others = f"; those with one are of the query's own {column} or left out by what was asked"
        give = "; `semblance index --labels CSV` gives some, or `query --labels CSV` for once"
        taught = "; those with one taught the metrics that are asked; ask by what is not learnt (--by)"
        taught += ", or learn these again"
        why = taught if (allowed & is_labelled & ~is_own).any() else others if is_labelled.any() else give
        raise SettingError(f"findings: no image that may be found has a label{why}")
    return Background(snapshot, column, cases, mask & ~is_own, np.flatnonzero(mask & is_own).tolist(), slices)
