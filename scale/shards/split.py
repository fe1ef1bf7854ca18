"""The split: an index becomes shards, which hold its vectors, and a head, which knows all its images.

A shard is an index of its own: the images of some patients (studies or series, where patients are not known;
else files), with their vectors, evidence and thumbnails. The head keeps the catalogue of all images, what
was learnt, and the vectors of the sample alone. Vocabulary, document frequencies, fusion weights and the key
are those of the whole index in all of them, so that every score stays what it was.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexFolderError, OptionError
from retrieval.index.catalogue.chosen_rankers import forget_engines
from retrieval.index.catalogue.connection import on_error
from retrieval.index.catalogue.pixel_hashes import drop_strays
from retrieval.index.catalogue.representations import (
    Segment,
    add_segment,
    drop_segment,
    drop_set_aside,
    segments,
    stored_representations,
)
from retrieval.index.catalogue.sample import sampled
from retrieval.index.catalogue.split_marks import HEAD, SHARD, refuse_change, set_mark
from retrieval.index.progress import Progress
from retrieval.index.storage.bare_copy import copy_bare
from retrieval.index.storage.concept_file import concept_file
from retrieval.index.storage.merge import batches
from retrieval.index.storage.segments import finish_segment, merge_encodings, merge_rows
from retrieval.index.storage.snapshot import Snapshot
from retrieval.index.storage.store import Store
from retrieval.readers.pseudonym import hashed

from .plan import PLAN, Plan, Shard, write_plan

MOST = 1000
"""Shards of one index at most: each is asked for every query."""

_GROUPS = ("patient", "study", "series")

_KEEP_OWN = (
    "DELETE FROM picture WHERE id NOT IN (SELECT id FROM own)",
    "DELETE FROM encoded WHERE source NOT IN (SELECT source FROM picture)",
    "DELETE FROM source WHERE id NOT IN (SELECT source FROM picture)",
    "DELETE FROM label WHERE name NOT IN (SELECT name FROM picture UNION SELECT name FROM source)",
    "DELETE FROM removed",
)
"""What takes all out of the catalogue of a shard that is of others."""


@dataclass(frozen=True)
class _Part:
    """What one folder of the split gets: ``holds``, by the number of an image, tells whose arrays."""

    folder: Path
    holds: NDArray[np.bool_]
    is_head: bool = False


def split(index: Path, n: int, output: Path, progress: Progress) -> Plan:
    """Write the shards of an index, their head, and ``shards.toml``, into a new folder.

    The index stays as it is, and nothing of a split that fails stays in the folder. Raises OptionError for a
    number of shards that makes no sense, such as more than there are images, and IndexFolderError if the
    folder is not new, the index is a shard itself or changes, or its key is not at hand.
    """
    if not 2 <= n <= MOST:
        raise OptionError(f"{n} makes no shards; give 2 to {MOST:,}", "into")
    if output.exists() and any(output.iterdir() if output.is_dir() else [output]):
        raise IndexFolderError(f"{output}: holds other things; give an empty or a new folder")
    with closing(Store.open(index, False, {})) as store:
        refuse_change(store.catalogue, index)
        if not store.salt.is_known:
            raise IndexFolderError(f"{index}: its key is not at hand, which says where images go; give --key")
        snapshot = Snapshot(store)
        if n > len(snapshot):
            raise OptionError(
                f"{n:,} is more than the {len(snapshot):,} images of the index; give fewer", "into"
            )
        owners = owners_of(snapshot, n)
        try:
            with on_error(partial(_discard, output, output.exists())):
                return _write(store, snapshot, owners, n, output, progress)
        except FileNotFoundError as error:
            if store.catalogue.generation == snapshot.generation:
                raise
            raise _changed(index) from error  # a writer has merged a segment away


def owners_of(snapshot: Snapshot, n: int) -> NDArray[np.uint16]:
    """Return which of n shards holds each image, uint16 by position: by a keyed hash of its patient.

    Where no patient is known its study, series or file; frames of one file stay together.
    """
    # A keyed hash, and no counter: a new split of the grown index leaves patients in their shards.
    salt, columns = snapshot.catalogue.key, snapshot.columns
    cells = [columns.identities(name) for name in (*_GROUPS, "source")]
    owners = np.empty(len(snapshot), dtype=np.uint16)
    of_source: dict[str, int] = {}
    for position in range(len(snapshot)):
        # By the first frame of each file: a shard that holds half a file could not verify it.
        source = str(cells[-1][position][0])
        if source not in of_source:
            group = next(str(column[position][0]) for column in cells if column[position])
            of_source[source] = int(hashed(salt, "shard", group), 16) % n
        owners[position] = of_source[source]
    return owners


def _write(
    store: Store, snapshot: Snapshot, owners: NDArray[np.uint16], n: int, output: Path, progress: Progress
) -> Plan:
    split_id = secrets.token_hex(8)
    n_ids = int(snapshot.ids.max(initial=-1)) + 1
    shards = []
    for number in range(n):
        holds = _by_id(snapshot.ids[owners == number], n_ids)
        part = _Part(output / f"shard-{number}", holds)
        commit = _write_part(store, snapshot, part, {"split": split_id, "number": number, "of": n})
        shards.append(Shard(number, int(holds.sum()), commit, (part.folder.name,)))
        progress("splitting", number + 1, n + 1)
    head = _Part(output / "head", _by_id(sampled(store.catalogue)[0], n_ids), is_head=True)
    _write_part(store, snapshot, head, {"split": split_id, "of": n}, owners)
    # Beside the folder of an index, and not in it: queries are moved along them in the head.
    if (concepts := concept_file(store.folder)).is_file():
        shutil.copyfile(concepts, concept_file(head.folder))
    progress("splitting", n + 1, n + 1)
    if store.catalogue.generation != snapshot.generation:
        raise _changed(store.folder)
    # Last: without it a split that was interrupted cannot be taken for a whole one.
    plan = Plan(output / PLAN, split_id, output / "head", tuple(shards))
    write_plan(plan, store.folder.resolve().name)
    return plan


def _write_part(
    store: Store,
    snapshot: Snapshot,
    part: _Part,
    mark: dict[str, object],
    owners: NDArray[np.uint16] | None = None,
) -> int:
    """Write the head or a shard as an index of its own, and return the number of its commit."""
    part.folder.mkdir(parents=True)
    if copy_bare(store.catalogue, store.folder, part.folder) != snapshot.generation:
        raise _changed(store.folder)
    (part.folder / "segments").mkdir()
    # Opened for writing, which brings an older format up to date: all shards are of this one.
    with closing(Store.open(part.folder, True, store.factories)) as target:
        written = list(_segments(store, target, part))
        kept = {} if owners is None else {"owners": str(target.save_model({"owners": owners}))}
        catalogue = target.catalogue
        # Shards are only asked, and nobody goes back to earlier settings there.
        drop_set_aside(catalogue)
        with catalogue.transaction():
            for old in segments(catalogue):
                drop_segment(catalogue, old.id)
            for segment in written:
                add_segment(catalogue, segment)
            if not part.is_head:
                _forget_others(target, part.holds)
            # What an engine holds is a copy of the whole index, and follows its changes.
            forget_engines(catalogue)
            set_mark(catalogue, HEAD if part.is_head else SHARD, {**mark, **kept})
        drop_strays(catalogue)
        # Nothing of the patients of other shards stays in the free pages of this one.
        catalogue.rewrite()
        return catalogue.generation


def _segments(store: Store, target: Store, part: _Part) -> list[Segment]:
    """Write what a part holds of the vectors, evidence and thumbnails of an index."""
    # Those that are being learnt anew have no vectors that anybody asks for, and come along all the same.
    fitted = {b.id: store.representation(b) for b in stored_representations(store.catalogue) if b.is_fitted}
    written = []
    # As large as a merge makes them, so that memory holds no more than there.
    found = [s for s in segments(store.catalogue) if s.representation is None or s.representation in fitted]
    for kind in dict.fromkeys(segment.representation for segment in found):
        if kind is None and part.is_head:
            continue  # thumbnails are those of the shards
        for group in batches([segment for segment in found if segment.representation == kind]):
            folders = [store.folder / "segments" / segment.folder for segment in group]
            place = target.new_folder("segments")
            merge: Callable[[], int] = (
                (lambda: merge_rows(place, folders, part.holds))  # noqa: B023  # called at once
                if kind is None
                else (lambda: merge_encodings(place, fitted[kind], folders, part.holds))  # noqa: B023
            )
            # A segment without images would be one more file for nothing.
            if n := merge():
                written.append(finish_segment(place, kind, n))
            else:
                shutil.rmtree(place)
    return written


def _forget_others(target: Store, own: NDArray[np.bool_]) -> None:
    catalogue = target.catalogue
    # A table of numbers: a list of millions does not fit into a statement.
    catalogue.run("CREATE TEMP TABLE own (id INTEGER PRIMARY KEY)")
    catalogue.run_many("INSERT INTO own VALUES (?)", ((int(id),) for id in np.flatnonzero(own)))
    for sql in _KEEP_OWN:
        catalogue.run(sql)
    catalogue.run("DROP TABLE own")


def _discard(output: Path, was_there: bool) -> None:
    """Delete what was written: a shard that is not done yet knows the patients of all others."""
    with suppress(OSError):
        for part in output.iterdir():
            shutil.rmtree(part) if part.is_dir() else part.unlink()
        if not was_there:
            output.rmdir()


def _by_id(ids: Sequence[int] | NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    own = np.zeros(n, dtype=bool)
    own[ids] = True
    return own


def _changed(index: Path) -> IndexFolderError:
    return IndexFolderError(f"{index}: changed while it was split; run the same command again")
