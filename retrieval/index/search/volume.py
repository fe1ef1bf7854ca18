"""The query of several slices: a series or a volume is one query, and cases are ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...answers.grouping import Case
from ...answers.late_interaction import Alignment, spread
from ...errors import SettingError
from ...picture import Picture
from ...ranker import Ranking
from ..storage.snapshot import Snapshot
from .best_fused import rank_by_all
from .candidates import Mask, candidate_mask
from .concepts import move_queries
from .encode_query import encode_query
from .group_cases import GroupedRanking, make_case
from .held_out import out_of_fold
from .hits import Hit, make_hits
from .query_options import QueryImage, QueryOptions


def answer_volume(
    snapshot: Snapshot, slices: Sequence[QueryImage], options: QueryOptions, *, is_out_of_fold: bool = False
) -> list[Hit]:
    """Rank the cases of a snapshot by late interaction with the slices of a query.

    At most 32 slices are asked with, evenly spread. Each hit is the image of a case that is most like any
    slice; its ``case`` holds for each slice the image of the case that matches it best. With
    ``is_out_of_fold``, learned metrics owe nothing to the labels of what is found.
    """
    _check(slices, options)
    options = replace(options, group_by=options.group_by or "series")
    # Neighbouring slices say the same, and each costs a ranking of the whole index.
    chosen = [slices[int(number)] for number in spread(len(slices))]
    # All slices are of one case, so that the first one tells which case is the query's own.
    mask = _without_slices(snapshot, slices, candidate_mask(snapshot, slices[0], options), options)
    # Where images lack a value, a slice alone is no case that volumes could be compared with.
    numbers = snapshot.stack_positions.independent_cases(str(options.group_by))
    alignment = Alignment(numbers, options.volume_by)
    for one in chosen:
        encoded = encode_query(snapshot, one, options)
        if is_out_of_fold:
            encoded = out_of_fold(snapshot, one, encoded, options)
        moved = move_queries(snapshot, encoded, options, options.like)
        alignment.add(rank_by_all(snapshot, moved, len(snapshot), mask, options))
    return make_hits(snapshot, _grouped(snapshot, alignment, chosen, mask, options))


def _without_slices(
    snapshot: Snapshot, slices: Sequence[QueryImage], mask: Mask | None, options: QueryOptions
) -> Mask | None:
    """Leave all slices of the query out if it must not find itself; the mask knows the first one only."""
    if options.include_self and options.not_same is None:
        return mask
    mask = np.ones(len(snapshot), dtype=bool) if mask is None else mask
    mask[[snapshot.position(name) for name in slices if isinstance(name, str)]] = False
    return mask


def _grouped(
    snapshot: Snapshot,
    alignment: Alignment,
    slices: Sequence[QueryImage],
    mask: Mask | None,
    options: QueryOptions,
) -> GroupedRanking:
    """Return the best k cases of an alignment, each with the image that is most like any slice."""
    numbers, scores, best = alignment.ranking()
    sizes = _sizes(alignment.numbers, mask)
    cases = [
        _case(snapshot, alignment, slices, str(options.group_by), number, position, int(sizes[number]))
        for number, position in zip(numbers[: options.k].tolist(), best[: options.k].tolist(), strict=True)
    ]
    return GroupedRanking(Ranking(best[: options.k], scores[: options.k]), cases)


def _case(
    snapshot: Snapshot,
    alignment: Alignment,
    slices: Sequence[QueryImage],
    column: str,
    number: int,
    best: int,
    n: int,
) -> Case:
    """Return a case with its best match of each slice; an image that matches several is listed once."""
    aligned = [
        (one.id if isinstance(one, Picture) else one, position, score)
        for one, (position, score) in zip(slices, alignment.matches(number), strict=True)
        if position >= 0
    ]
    # Best first, so that an image keeps the score of the slice that it matches best.
    images: dict[int, float] = {}
    for _, position, score in sorted(aligned, key=lambda pair: -pair[2]):
        images.setdefault(position, score)
    return make_case(snapshot, column, best, n, list(images.items()), aligned)


def _sizes(numbers: NDArray[np.int64], mask: Mask | None) -> NDArray[np.int64]:
    """Return how many images of each case may be found, int64 by the number of the case."""
    found = numbers if mask is None else numbers[mask]
    return np.bincount(found, minlength=int(numbers.max(initial=0)) + 1)


def _check(slices: Sequence[QueryImage], options: QueryOptions) -> None:
    if not slices:
        raise SettingError("slices: there is none; give the images of a series or a volume")
    if options.blind:
        raise SettingError("blind: a volume cannot be refined by its first hits; leave it out")
    if options.smooth:
        raise SettingError("smooth: a volume is aligned slice by slice; leave it out")
    if options.region is not None:
        raise SettingError(
            "region: a box is a part of one image; ask with a single slice, or without a region"
        )
    if options.adjust and any(isinstance(one, str) for one in slices):
        raise SettingError("adjust: stored vectors cannot be changed; ask with the files of the volume")
    if options.case_by != "best" or options.collapse:
        name = "case_by" if options.case_by != "best" else "collapse"
        raise SettingError(
            f"{name}: a volume's slices are aligned, so that rules for single images do not apply"
        )
