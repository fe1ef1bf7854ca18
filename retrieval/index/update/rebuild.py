"""Rebuilding: what is damaged in segments is forgotten where it can be made again, and the rest is kept.

What can be made again are images whose file is where it was, unchanged. Each step is one commit, so that a
kill leaves what the next repair, or the next update, goes on from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...ranker import Ids
from ..catalogue.representations import (
    Segment,
    StoredRepresentation,
    add_segment,
    drop_segment,
    segments,
)
from ..storage.merge import live_pictures
from ..storage.segments import add_sums, finish_segment, live, save_encodings, segment_ids
from ..storage.store import Store
from ..storage.verify import damage_of, has_sound_arrays
from .salvage import sound_encodings


@dataclass
class Findings:
    """What a repair found, a line each: what was put right, or will be by an update, and what is lost."""

    mended: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def add(self, what: str, n_again: int, n_kept: int, n_lost: int, unit: str) -> None:
        """Say how many are made again, were read from what was damaged, and are lost."""
        if n_again:
            self.mended.append(f"{what}: {n_again:,} {unit} are made again")
        if n_kept:
            self.mended.append(f"{what}: {n_kept:,} images whose files are not there are kept")
        if n_lost:
            self.lost.append(
                f"{what}: {n_lost:,} images are lost, and their files are not there or have changed; mount "
                "them and run `semblance repair` again"
            )


def damaged_segments(
    store: Store, representation: int | None, what: str, findings: Findings
) -> list[Segment]:
    """Return the damaged segments of a representation, or of the thumbnails.

    Those whose arrays are sound, and only the checksums are not, are put right at once.
    """
    own = [s for s in segments(store.catalogue) if s.representation == representation]
    found: list[Segment] = []
    for segment in own:
        if (damage := damage_of(store, segment)) is None:
            continue
        findings.mended.append(f"{what}: {damage}")
        if has_sound_arrays(store, segment):
            add_sums(store.folder / "segments" / segment.folder)
        else:
            found.append(segment)
    return found


def lost_images(store: Store, representation: int | None, damaged: Sequence[Segment]) -> Ids:
    """Return the images that should have a vector, or a thumbnail, and have none in a sound segment."""
    sql = "SELECT p.id FROM picture p"
    if representation is not None:
        sql += f" JOIN encoded e ON e.source = p.source WHERE e.representation = {representation:d}"
    wanted = np.array([id for (id,) in store.catalogue.rows(sql)], dtype=np.int64)
    own = [s for s in segments(store.catalogue) if s.representation == representation and s not in damaged]
    return np.setdiff1d(wanted, _images(store, own))


def rebuild(
    store: Store, stored: StoredRepresentation, can_encode: Callable[[int], bool], findings: Findings
) -> None:
    """Forget the damaged vectors of a representation, so that an update encodes their files again.

    ``can_encode`` tells if a file, by its number, can be encoded again; of those that cannot, what is sound
    is kept.
    """
    damaged = damaged_segments(store, stored.id, stored.name, findings)
    source_of = dict(store.catalogue.rows("SELECT id, source FROM picture"))
    while True:
        lost = lost_images(store, stored.id, damaged).tolist()
        again = {source for source in {source_of[id] for id in lost} if can_encode(source)}
        # A file is encoded whole: what sound segments hold of it goes too, else its images would be twice.
        shared = _that_hold(store, stored.id, [id for id in source_of if source_of[id] in again], damaged)
        if not shared:
            break
        damaged += shared
    if not damaged and not lost:
        return
    absent = [id for id in lost if source_of[id] not in again]
    kept = _salvaged(store, stored, absent, damaged)
    catalogue = store.catalogue
    with catalogue.transaction():
        for segment in damaged:
            drop_segment(catalogue, segment.id)
        if kept is not None:
            add_segment(catalogue, kept)
        forgotten = [(source, stored.id) for source in again]
        catalogue.run_many("DELETE FROM encoded WHERE source = ? AND representation = ?", forgotten)
    n_kept = 0 if kept is None else kept.n
    findings.add(stored.name, len(again), n_kept, len(absent) - n_kept, "files")


def _salvaged(
    store: Store, stored: StoredRepresentation, images: Sequence[int], damaged: Sequence[Segment]
) -> Segment | None:
    """Write what damaged segments still hold of images that cannot be encoded again; None if nothing."""
    if not images or not damaged:
        return None
    representation = store.representation(stored)
    encodings = {
        id: encoding
        for segment in damaged
        for id, encoding in sound_encodings(
            store.folder / "segments" / segment.folder, representation, images
        ).items()
    }
    if not encodings:
        return None
    folder = store.new_folder("segments")
    save_encodings(folder, representation, encodings)
    return finish_segment(folder, stored.id, len(encodings))


def _that_hold(
    store: Store, representation: int, images: Sequence[int], damaged: Sequence[Segment]
) -> list[Segment]:
    """Return the sound segments that hold some of these images."""
    own = [s for s in segments(store.catalogue) if s.representation == representation and s not in damaged]
    return [s for s in own if np.isin(_images(store, [s]), np.array(images, dtype=np.int64)).any()]


def _images(store: Store, own: Sequence[Segment]) -> Ids:
    is_live = live_pictures(store)
    found = [live(segment_ids(store.folder / "segments" / s.folder), is_live) for s in own]
    return np.concatenate([np.empty(0, np.int64), *found])
