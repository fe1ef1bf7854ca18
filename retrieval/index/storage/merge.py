"""Merging: many small segments become few large ones, and lose what was deleted."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...representation import Representation
from ..catalogue.pictures import next_picture
from ..catalogue.representations import Segment, add_segment, drop_segment, segments
from .segments import merge_encodings, merge_rows, publishable
from .store import Store

_FAN = 8
"""So many segments of about one size become one."""

_MOST_PICTURES = 65_536
_MOST_BYTES = 1 << 30
_SMALLEST = 512


def merge_small(store: Store, representations: Mapping[int, Representation]) -> None:
    """Merge segments of about one size as long as there are many of them.

    So each picture is written again only a few times, and a collection of any size has few segments.
    """
    while (group := _next_group(segments(store.catalogue))) is not None:
        merge(store, group, representations)


def merge(store: Store, group: Sequence[Segment], representations: Mapping[int, Representation]) -> None:
    """Write the live pictures of some segments as one, publish it, and delete the old ones."""
    kind = group[0].representation
    folders = [store.folder / "segments" / segment.folder for segment in group]
    merged = store.new_folder("segments")
    n = _merged(merged, folders, None if kind is None else representations[kind], live_pictures(store))
    published = publishable(merged, kind, n)
    with store.catalogue.transaction():
        for segment in group:
            drop_segment(store.catalogue, segment.id)
        if n:
            add_segment(store.catalogue, published)
    for folder in (*folders, *(() if n else (merged,))):
        shutil.rmtree(folder, ignore_errors=True)


def compact(store: Store, representations: Mapping[int, Representation]) -> None:
    """Merge all segments into as few as their limits allow; nothing of a deleted picture is left."""
    by_kind: dict[int | None, list[Segment]] = defaultdict(list)
    for segment in segments(store.catalogue):
        by_kind[segment.representation].append(segment)
    for kind in by_kind.values():
        for group in _batches(kind):
            merge(store, group, representations)


def live_pictures(store: Store) -> NDArray[np.bool_]:
    """Return bool, by the number of the picture: is it in the catalogue?"""
    rows = store.catalogue.rows("SELECT id FROM picture")
    is_live = np.zeros(next_picture(store.catalogue), dtype=bool)
    is_live[np.fromiter((row[0] for row in rows), np.int64, len(rows))] = True
    return is_live


def _merged(
    folder: Path, parts: Sequence[Path], representation: Representation | None, is_live: NDArray[np.bool_]
) -> int:
    if representation is None:
        return merge_rows(folder, parts, is_live)
    return merge_encodings(folder, representation, parts, is_live)


def _next_group(found: Sequence[Segment]) -> list[Segment] | None:
    tiers: dict[tuple[int | None, int], list[Segment]] = defaultdict(list)
    for segment in found:
        tier = tiers[segment.representation, _tier(segment.n)]
        tier.append(segment)
        if len(tier) == _FAN and _fits(tier):
            return tier
    return None


def _tier(n: int) -> int:
    return int(np.log2(max(n / _SMALLEST, 1)) / np.log2(_FAN) + 1e-9)


def _fits(group: Sequence[Segment]) -> bool:
    return sum(s.n for s in group) <= _MOST_PICTURES and sum(s.size for s in group) <= _MOST_BYTES


def _batches(found: Sequence[Segment]) -> list[list[Segment]]:
    """Cut a list of segments into runs that fit into one."""
    batches: list[list[Segment]] = []
    for segment in found:
        if batches and _fits([*batches[-1], segment]):
            batches[-1].append(segment)
        else:
            batches.append([segment])
    return batches
