"""Locating a range: the axial position of a slice range in a volume, by the labelled slices of an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...answers.grouping import CaseRule, rank_cases
from ...answers.late_interaction import spread
from ...answers.slice_range import SliceRange, coordinates, find_range
from ...errors import SettingError
from ...readers.slice_stacks import Slice, find_stacks
from ..storage.snapshot import Snapshot
from .best_fused import rank_by_all
from .candidates import Mask, candidate_mask, same
from .concepts import move_queries
from .encode_query import encode_query
from .query_options import QueryImage, QueryOptions

_VOLUMES = 10
"""Number of volumes that vote for each slice: those whose best slice is most like it."""

_MOST_SLICES = 64
"""Maximum number of slices that ask, evenly spread."""

_SHORTER, _LONGER = 0.6, 1.6
"""Least and largest length of the range, as a share of the shortest and the longest one of the index."""


@dataclass(frozen=True)
class LocatedRange:
    """Where a labelled range is in a volume.

    Parameters
    ----------
    range : its ends in mm along the axis of the volume.
    bottom, top : the slices nearest to these, by their place in the query.
    n_volumes : how many labelled volumes could vote.
    """

    range: SliceRange
    bottom: int
    top: int
    n_volumes: int


def locate_range(
    snapshot: Snapshot,
    slices: Sequence[QueryImage],
    heights: Sequence[float],
    label: str,
    options: QueryOptions,
) -> LocatedRange:
    """Return where the range of slices called ``label`` is in a volume.

    At most 64 slices ask, evenly spread; each one's best match in up to ten labelled volumes votes. The
    query's own series is left out, and what ``options`` leaves out.

    Parameters
    ----------
    slices : the slices of one stack, images or names in the index.
    heights : of each slice, in mm, rising towards the head (``retrieval.readers.slice_stacks.Slice.height``).
    label : in the index, slices of the range carry it. A volume counts if it has two of them at least.

    Raises
    ------
    SettingError : fewer than two slices, or no volume in the index with labelled slices.
    """
    if len(slices) < 2 or not np.ptp(heights) > 0:
        raise SettingError("locate: one slice has no range; give a volume with positions")
    known, lengths = _coordinates(snapshot, label)
    mask = _voters(snapshot, slices[0], known, options)
    n_volumes = len(np.unique(snapshot.stack_positions.cases("series")[mask]))
    if not n_volumes:
        raise SettingError(_no_volume(snapshot, label))
    chosen = spread(len(slices), _MOST_SLICES)
    at = np.asarray(heights, dtype=np.float64)
    votes, weights = _votes(snapshot, [slices[i] for i in chosen.tolist()], known, mask, options)
    # A body may be smaller or larger than those of the index, but not beyond all measure.
    bounds = (_SHORTER * min(lengths), _LONGER * max(lengths))
    found = find_range(at[chosen], votes, weights, bounds)
    bottom, top = (int(np.abs(at - end).argmin()) for end in (found.bottom, found.top))
    return LocatedRange(found, bottom, top, n_volumes)


def _voters(snapshot: Snapshot, first: QueryImage, known: NDArray[np.float64], options: QueryOptions) -> Mask:
    """Return which images may vote: with a coordinate, of other series, and let through by the options."""
    mask = candidate_mask(snapshot, first, options)
    voters = ~np.isnan(known) & ~same(snapshot, first, "series")
    return voters if mask is None else voters & mask


def _votes(
    snapshot: Snapshot,
    slices: Sequence[QueryImage],
    known: NDArray[np.float64],
    mask: Mask,
    options: QueryOptions,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return u of the best match of each slice in up to ten volumes, and what each counts, (n, 10).

    That of the r-th volume counts 1 / r: the best match is the likeliest to show the same part of the body. A
    slice to which all are equally like, such as a black one, has no vote.
    """
    series = snapshot.stack_positions.cases("series")
    votes = np.zeros((len(slices), _VOLUMES))
    weights = np.zeros_like(votes)
    # Not reranked: the votes of all slices decide together, so that a wrong one does little harm.
    for row, one in enumerate(slices):
        encoded = encode_query(snapshot, one, options)
        moved = move_queries(snapshot, encoded, options, options.like)
        images = rank_by_all(snapshot, moved, len(snapshot), mask, options)
        if not len(images) or images.scores[0] == images.scores[-1]:
            continue
        best = rank_cases(images, series, CaseRule(), _VOLUMES).ranking
        votes[row, : len(best)] = known[best.ids]
        weights[row, : len(best)] = 1.0 / (1 + np.arange(len(best)))
    return votes, weights


def _coordinates(snapshot: Snapshot, label: str) -> tuple[NDArray[np.float64], list[float]]:
    """Return u of every slice of a labelled volume, float64 (n,), NaN elsewhere, and the lengths in mm."""
    known, lengths = snapshot.cached(("coordinates", label), lambda: _measure(snapshot, label))
    if not lengths:
        raise SettingError(_no_volume(snapshot, label))
    return known, lengths


def _measure(snapshot: Snapshot, label: str) -> tuple[NDArray[np.float64], list[float]]:
    known = np.full(len(snapshot), np.nan)
    lengths = []
    # carries: bool (n,), by position; series: int64 (n,).
    carries = np.array([label in cell for cell in snapshot.columns.values("label")], dtype=bool)
    series = snapshot.stack_positions.cases("series")
    of_series: dict[int, list[int]] = {number: [] for number in np.unique(series[carries]).tolist()}
    for position, number in enumerate(series.tolist()):
        if number in of_series:
            of_series[number].append(position)
    for members in of_series.values():
        slices = [_slice(snapshot, position) for position in members]
        # A series may hold several stacks, of other directions or echoes: each is a volume.
        for stack in find_stacks(slices):
            own = np.array([members[i] for i in stack])
            heights = np.array([np.nan if (h := slices[i].height) is None else h for i in stack])
            # One slice without a position leaves the order of the others in doubt.
            u = None if np.isnan(heights).any() else coordinates(heights, carries[own])
            if u is not None:
                known[own] = u
                lengths.append(float(np.ptp(heights[carries[own]])))
    return known, lengths


def _slice(snapshot: Snapshot, position: int) -> Slice:
    entry = snapshot.columns.entry(position)
    return Slice.of(entry.name, entry.groups, entry.metadata, entry.shape)


def _no_volume(snapshot: Snapshot, label: str) -> str:
    labels = sorted({str(value) for cell in snapshot.columns.values("label") for value in cell})
    there = ", ".join(labels[:8]) or "none"
    return (
        f"range: no other volume in this index has two slices with positions labelled {label!r}; its "
        f"labels are {there}"
    )
