"""Derived vectors: a learned metric projects the stored vectors of its base; no image is read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from ...errors import REPAIR, IndexFolderError
from ...metric_learning import LearnedMetric
from ...ranker import Ranker
from ...representation import Encoding, Representation, Vector
from ..catalogue.representations import (
    Segment,
    StoredRepresentation,
    add_segment,
    drop_representation,
    segments,
    stored_representations,
)
from ..progress import Progress
from ..storage.merge import merge_small
from ..storage.segments import finish_segment, save_encodings
from ..storage.store import Store

_MOST_PICTURES = 8192
"""Images projected at a time. They become one segment, and in an update one commit."""


def derive_all(store: Store, progress: Progress) -> None:
    """Derive the vectors of all files that a base has encoded and its learned metric has not.

    Each batch is a commit; the next update continues an interrupted run.
    """
    found = stored_representations(store.catalogue)
    # A metric is never derived from another metric, so their order does not matter.
    for stored in (b for b in found if b.base is not None):
        sources = _lacking(store, base_of(found, stored), stored.id)
        if not sources:
            continue
        metric = store.representation(stored)
        assert isinstance(metric, LearnedMetric)
        done = 0  # files
        for batch, segment in derive(store, base_of(found, stored), metric, sources):
            commit_batch(store, stored.id, batch, segment)
            progress(f"derive {stored.name}", done := done + len(batch), len(sources))
        merge_small(store, {b.id: store.representation(b) for b in found if b.is_fitted})


def derive(
    store: Store, base: StoredRepresentation, metric: LearnedMetric, sources: Sequence[int]
) -> Iterator[tuple[list[int], Segment | None]]:
    """Project the stored vectors of files; yield the files of each batch with its segment, uncommitted.

    The segment is None if none of the files has an image.
    """
    # The vectors are mapped from disk: a batch of projected ones is all that is in memory.
    ranker = base_ranker(store, base, metric.base)
    for batch in _batches(store, sources):
        ids = [id for _, own in batch for id in own]
        encodings = {id: Encoding(metric.derive(stored_vector(ranker, base, id))) for id in ids}
        segment = None
        if ids:
            folder = store.new_folder("segments")
            save_encodings(folder, metric, encodings)
            segment = finish_segment(folder, None, len(ids))
        yield [source for source, _ in batch], segment


def commit_batch(store: Store, id: int, sources: Sequence[int], segment: Segment | None) -> None:
    """Make a batch part of the index, in one commit."""
    with store.catalogue.transaction():
        note(store, id, sources, segment)


def note(store: Store, id: int, sources: Sequence[int], segment: Segment | None) -> None:
    """Within a transaction: record that files are derived, and the segment that holds their vectors."""
    if segment is not None:
        # `derive` does not know the number: a new metric gets one only in the transaction that adds it.
        add_segment(store.catalogue, replace(segment, representation=id))
    store.catalogue.run_many(
        "INSERT OR IGNORE INTO encoded VALUES (?, ?)", [(source, id) for source in sources]
    )


def drop_derived(store: Store, base: str) -> list[str]:
    """Within a transaction: delete what is derived from a base, and return the names."""
    gone = [b for b in stored_representations(store.catalogue) if b.base == base]
    for stored in gone:
        drop_representation(store.catalogue, stored.id)
    return [b.name for b in gone]


def base_of(found: Sequence[StoredRepresentation], stored: StoredRepresentation) -> StoredRepresentation:
    """Return the representation that another one is derived from. Raise IndexFolderError if it is gone."""
    for other in found:
        if other.name == stored.base and not other.is_next:
            return other
    raise IndexFolderError(f"{stored.name}: its base is not in this index; {REPAIR}")


def encoded_sources(store: Store, id: int) -> list[int]:
    """Return the files that a representation has encoded, by number."""
    rows = store.catalogue.rows("SELECT source FROM encoded WHERE representation = ? ORDER BY source", id)
    return [int(source) for (source,) in rows]


def base_ranker(store: Store, base: StoredRepresentation, representation: Representation) -> Ranker:
    """Open the vectors of a base, by the numbers of the images."""
    own = [s for s in segments(store.catalogue) if s.representation == base.id]
    return representation.open_ranker([store.folder / "segments" / s.folder for s in own])


def stored_vector(ranker: Ranker, base: StoredRepresentation, id: int) -> Vector:
    """Return the stored vector of an image. Raise IndexFolderError if it is lost or not finite."""
    try:
        vector: Vector = ranker.vector(id)
    except KeyError:
        raise IndexFolderError(
            f"{base.name}: the vector of image {id} is lost; `semblance verify` says what is damaged"
        ) from None
    # A damaged vector would spoil the projection of all images without any error.
    if not np.isfinite(vector if isinstance(vector, np.ndarray) else vector.values).all():
        raise IndexFolderError(f"{base.name}: the vector of image {id} is not finite; {REPAIR}")
    return vector


def _lacking(store: Store, base: StoredRepresentation, id: int) -> list[int]:
    own = set(encoded_sources(store, id))
    return [source for source in encoded_sources(store, base.id) if source not in own]


def _batches(store: Store, sources: Sequence[int]) -> Iterator[list[tuple[int, list[int]]]]:
    """Yield lists of files with the numbers of their images, each list large enough for a segment."""
    batch: list[tuple[int, list[int]]] = []
    n = 0
    for source, ids in _pictures(store, sources):
        batch.append((source, ids))
        n += len(ids)
        if n >= _MOST_PICTURES:
            yield batch
            batch, n = [], 0
    if batch:
        yield batch


def _pictures(store: Store, sources: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    # One query for all files. Files without images are yielded too, so that they count as derived.
    rows = store.catalogue.rows("SELECT source, id FROM picture ORDER BY source, id")
    known = {int(s): [int(id) for _, id in own] for s, own in groupby(rows, key=lambda row: row[0])}
    yield from ((source, known.get(source, [])) for source in sources)
