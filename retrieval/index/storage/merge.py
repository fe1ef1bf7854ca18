"""Merging: many small segments become few large ones, without the images that were deleted.

Each commit adds a segment, and a query opens all of them. Segments have tiers of size, each ``_FAN`` times
the one below; ``_FAN`` segments of one tier are merged into one of the next. Up to the
limits below, n images need O(log n) segments and each is rewritten O(log n) times (the tiering of
log-structured merge trees).
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...rankers.approximate import ApproximateRanker
from ...representation import Representation
from ..catalogue.pictures import next_picture
from ..catalogue.pixel_hashes import drop_strays
from ..catalogue.representations import Segment, add_segment, drop_segment, drop_set_aside, segments
from .segments import finish_segment, merge_encodings, merge_rows
from .store import Store

_FAN = 8
"""The number of segments of a tier that are merged into one."""

# The limits of a merged segment: a merge rewrites one as a whole, and a kill in its middle loses that work.
_MOST_PICTURES = 65_536
_MOST_BYTES = 1 << 30

_MOST_IN_ONE = 1 << 20
"""Images of a segment that gets a search structure: one large structure answers faster than several."""

_SMALLEST = 512
"""Images of the lowest tier: about what one commit of an update brings."""


def merge_small(store: Store, representations: Mapping[int, Representation]) -> None:
    """Merge segments until no tier has ``_FAN`` of them.

    ``representations`` holds the fitted ones, by number.
    """
    # What is set aside is not rewritten: it may never be asked again.
    while (
        group := _next_group([s for s in segments(store.catalogue) if _is_of(s, representations)])
    ) is not None:
        merge(store, group, representations)


def merge(
    store: Store,
    group: Sequence[Segment],
    representations: Mapping[int, Representation],
    structure: type[ApproximateRanker] | None = None,
) -> None:
    """Write the live images of some segments as one, commit it, and delete the old ones.

    ``structure`` is the class of the search structure that the new one gets; None for none.
    """
    kind = group[0].representation
    folders = [store.folder / "segments" / segment.folder for segment in group]
    merged = store.new_folder("segments")
    is_live = live_pictures(store)
    if kind is None:
        n = merge_rows(merged, folders, is_live)
    else:
        n = merge_encodings(merged, representations[kind], folders, is_live, structure)
    finished = finish_segment(merged, kind, n)
    # Write, commit, delete, in this order: a kill before the commit leaves the old segments, one after it the
    # new one, and the folders that no commit names are swept by the next writer.
    with store.catalogue.transaction():
        for segment in group:
            drop_segment(store.catalogue, segment.id)
        if n:
            add_segment(store.catalogue, finished)
    # A reader that opens an older commit now finds files missing, sees the new generation, and starts again.
    for folder in (*folders, *(() if n else (merged,))):
        shutil.rmtree(folder, ignore_errors=True)


def _is_of(segment: Segment, representations: Mapping[int, Representation]) -> bool:
    return segment.representation is None or segment.representation in representations


def compact(store: Store, representations: Mapping[int, Representation]) -> None:
    """Merge all segments into as few as their limits allow; vectors of deleted images go.

    So does what was set aside, whose vectors are of deleted images too.
    """
    drop_set_aside(store.catalogue)
    drop_strays(store.catalogue)
    by_kind: dict[int | None, list[Segment]] = defaultdict(list)
    for segment in segments(store.catalogue):
        by_kind[segment.representation].append(segment)
    for kind in by_kind.values():
        for group in batches(kind):
            merge(store, group, representations)


def live_pictures(store: Store) -> NDArray[np.bool_]:
    """Return if each number is that of an image in the catalogue, bool (n,) by number."""
    is_live = np.zeros(next_picture(store.catalogue), dtype=bool)
    is_live[np.asarray(store.catalogue.numbers("SELECT id FROM picture"), np.int64)] = True
    return is_live


def _next_group(found: Sequence[Segment]) -> list[Segment] | None:
    tiers: dict[tuple[int | None, int], list[Segment]] = defaultdict(list)
    for segment in found:
        tier = tiers[segment.representation, _tier(segment.n)]
        tier.append(segment)
        if len(tier) == _FAN and _fits(tier):
            return tier
    return None


def _tier(n: int) -> int:
    # 1e-9: log of an exact power of _FAN may come out just below it.
    return int(np.log2(max(n / _SMALLEST, 1)) / np.log2(_FAN) + 1e-9)


def _fits(group: Sequence[Segment], is_structured: bool = False) -> bool:
    most, most_bytes = (_MOST_IN_ONE, 4 * _MOST_BYTES) if is_structured else (_MOST_PICTURES, _MOST_BYTES)
    return sum(s.n for s in group) <= most and sum(s.size for s in group) <= most_bytes


def batches(found: Sequence[Segment], is_structured: bool = False) -> list[list[Segment]]:
    """Split a list of segments into runs that fit into one each; larger ones get a search structure."""
    runs: list[list[Segment]] = []
    for segment in found:
        if runs and _fits([*runs[-1], segment], is_structured):
            runs[-1].append(segment)
        else:
            runs.append([segment])
    return runs
