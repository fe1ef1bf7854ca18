"""Locating: the axial position of a slice range in a volume, by the labelled slices of an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...answers.grouping import CaseRule, rank_cases
from ...answers.late_interaction import spread
from ...answers.slice_range import SliceRange, coordinates, find_range
from ...errors import SettingError
from ...picture import Picture
from ...readers.slice_stacks import Slice, find_stacks
from ..index import Index
from ..storage.snapshot import Snapshot
from .query import Mask, allowed, ranked, representations, same
from .query_options import QueryOptions

_VOLUMES = 10
"""So many volumes vote for each slice: those whose best slice is most like it."""

_MOST_SLICES = 64
_SHORTER, _LONGER = 0.6, 1.6


@dataclass(frozen=True)
class LocatedRange:
    """Where a labelled range lies in a volume.

    Parameters
    ----------
    range : its ends in mm along the axis of the volume.
    bottom, top : the slices nearest to these, by their place in the query.
    n_volumes : so many labelled volumes could vote.
    """

    range: SliceRange
    bottom: int
    top: int
    n_volumes: int


def locate(
    index: Index, slices: Sequence[Picture | str], heights: Sequence[float], label: str, terms: QueryOptions
) -> LocatedRange:
    """Return where the range of slices called ``label`` lies in a volume.

    At most 64 slices ask, evenly spread; each one's best match in up to ten labelled volumes votes. The
    query's own series is left out, and what ``terms`` leaves out.

    Parameters
    ----------
    slices : the slices of one stack, pictures or names in the index.
    heights : of each slice, in mm, rising towards the head (``retrieval.readers.slice_stacks.Slice.height``).
    label : in the index, slices of the range carry it. A volume counts where it has two of them at least.

    Raises
    ------
    SettingError : fewer than two slices, or no volume in the index with labelled slices.
    """
    if len(slices) < 2 or not np.ptp(heights) > 0:
        raise SettingError("locate: one slice has no range; give a volume with positions")
    chosen = spread(len(slices), _MOST_SLICES)

    there = np.asarray(heights, dtype=np.float64)

    def ask(snapshot: Snapshot) -> LocatedRange:
        known, lengths = _coordinates(snapshot, label)
        free = _free(snapshot, slices[0], known, terms)
        n_volumes = len(np.unique(snapshot.places.cases("series")[free]))
        if not n_volumes:
            raise SettingError(_nothing(snapshot, label))
        votes, weights = _votes(snapshot, [slices[i] for i in chosen.tolist()], known, free, terms)
        bounds = (_SHORTER * min(lengths), _LONGER * max(lengths))
        found = find_range(there[chosen], votes, weights, bounds)
        bottom, top = (int(np.abs(there - end).argmin()) for end in (found.bottom, found.top))
        return LocatedRange(found, bottom, top, n_volumes)

    return index.ask(ask)


def _free(snapshot: Snapshot, first: Picture | str, known: NDArray[np.float64], terms: QueryOptions) -> Mask:
    """Return which pictures may vote: with a coordinate, of other series, and let through by the terms."""
    mask = allowed(snapshot, first, terms)
    free = ~np.isnan(known) & ~same(snapshot, first, "series")
    return free if mask is None else free & mask


def _votes(
    snapshot: Snapshot,
    slices: Sequence[Picture | str],
    known: NDArray[np.float64],
    free: Mask,
    terms: QueryOptions,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return u of the best match of each slice in up to ten volumes, and what each counts, (n, 10)."""
    names, series = representations(snapshot, terms), snapshot.places.cases("series")
    votes = np.zeros((len(slices), _VOLUMES))
    weights = np.zeros_like(votes)
    for row, one in enumerate(slices):
        pictures = ranked(snapshot, names, one, None, terms, len(snapshot), free)
        best = rank_cases(pictures, series, CaseRule(), _VOLUMES).ranking
        votes[row, : len(best)] = known[best.ids]
        weights[row, : len(best)] = 1.0 / (1 + np.arange(len(best)))
    return votes, weights


def _coordinates(snapshot: Snapshot, label: str) -> tuple[NDArray[np.float64], list[float]]:
    """Return u of every slice of a labelled volume, float64 (n,), NaN elsewhere, and the lengths in mm."""
    kept = snapshot.kept.get(("coordinates", label))
    if kept is None:
        kept = snapshot.kept[("coordinates", label)] = _measure(snapshot, label)
    found: tuple[NDArray[np.float64], list[float]] = kept
    if not found[1]:
        raise SettingError(_nothing(snapshot, label))
    return found


def _measure(snapshot: Snapshot, label: str) -> tuple[NDArray[np.float64], list[float]]:
    known = np.full(len(snapshot), np.nan)
    lengths = []
    carries = np.array([label in cell for cell in snapshot.columns.values("label")], dtype=bool)
    series = snapshot.places.cases("series")
    of_series: dict[int, list[int]] = {number: [] for number in np.unique(series[carries]).tolist()}
    for position, number in enumerate(series.tolist()):
        if number in of_series:
            of_series[number].append(position)
    for members in of_series.values():
        slices = [_slice(snapshot, position) for position in members]
        for stack in find_stacks(slices):
            own = np.array([members[i] for i in stack])
            heights = np.array([np.nan if (h := slices[i].height) is None else h for i in stack])
            u = None if np.isnan(heights).any() else coordinates(heights, carries[own])
            if u is not None:
                known[own] = u
                lengths.append(float(np.ptp(heights[carries[own]])))
    return known, lengths


def _slice(snapshot: Snapshot, position: int) -> Slice:
    entry = snapshot.columns.entry(position)
    return Slice.of(entry.name, entry.groups, entry.metadata, entry.shape)


def _nothing(snapshot: Snapshot, label: str) -> str:
    labels = sorted({str(value) for cell in snapshot.columns.values("label") for value in cell})
    there = ", ".join(labels[:8]) or "none"
    return (
        f"range: no other volume in this index has two slices with positions labelled {label!r}; its "
        f"labels are {there}"
    )
