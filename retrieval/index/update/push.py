"""Pushing: a copy at an engine is brought up to what the index holds, and tried."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import IndexFolderError, OptionError
from ...ranker import Ids
from ...rankers.dense import ExactRanker
from ...rankers.engine import CellFilter, EngineCopy, EngineError, HasCell
from ..catalogue.engine_copies import StoredCopy, keep_current, note_copy, stored_copies
from ..catalogue.representations import stored_representations
from ..progress import Progress
from ..storage.cells import column_codes, copied_columns
from ..storage.copied_rows import (
    Difference,
    dense_ranker,
    difference,
    verify_copies,
    wanted_rows,
    wanted_sums,
)
from ..storage.engines import open_copy
from ..storage.snapshot import Snapshot
from ..storage.store import Store

_ASKED, _BEST, _DEPTH = 50, 10, 64
"""Vectors of a sample, the hits wanted for each, and the candidates that the engine may give."""
_SHARE = 0.1
"""The share of images that the filter of the trial should leave, about."""


_Filter = tuple[CellFilter, NDArray[np.bool_]]
"""A filter of cells, and which images it lets through, by position."""


@dataclass(frozen=True)
class PushReport:
    """Result of a push.

    Parameters
    ----------
    by, engine : the representation, and where its copy is.
    n : vectors there now.
    n_written, n_deleted : by this push.
    recall : the share of the ten best of a sample that the engine's candidates hold.
    share, filtered_recall : the same under a filter, which this share of the images meets; None without one.
    """

    by: str
    engine: str
    n: int
    n_written: int
    n_deleted: int
    recall: float
    share: float | None
    filtered_recall: float | None


def push(store: Store, by: str, engine: str, progress: Progress) -> PushReport:
    """Bring the copy of a representation's vectors at an engine up to date, or make it.

    Raises
    ------
    OptionError : the vectors are sparse. EngineError : the engine does not answer, refuses, or loses rows.
    IndexFolderError : the key of the index, with which filters are hidden, is not at hand.
    """
    store.check_writable()
    if not store.catalogue.key.is_known:
        raise IndexFolderError(f"{store.folder}: its key is not at hand, and hides what an engine filters by")
    snapshot = Snapshot(store)
    ranker = dense_ranker(snapshot, by)
    wanted = wanted_sums(snapshot, ranker)
    known = snapshot.copy(by)
    columns = copied_columns(snapshot)
    # A collection has its fields for good: other columns need another one.
    if known is None or known.engine != engine or known.columns != columns:
        drop_copy(store, by)
        recipe = str(snapshot.stored[by].recipe)
        known = StoredCopy(engine, f"semblance_{secrets.token_hex(8)}", recipe, -1, [], columns, 0.0)
    with closing(open_copy(engine, known.name, patient=True)) as copy:
        # Before anything is written: what a kill leaves there can be dropped.
        if known.commit < 0:
            _note(store, by, known)
        changes = _write(copy, snapshot, ranker, wanted, progress)
        recall = _recall(copy, snapshot, ranker, None)
        share, filtered = _filtered_recall(copy, snapshot, ranker)
    worst = recall if filtered is None else min(recall, filtered)
    ranges = _ranges(snapshot, wanted[0])
    _note(store, by, replace(known, ranges=ranges, recall=worst), is_current=True)
    n_written, n_deleted = len(changes.lacking) + len(changes.other), len(changes.foreign)
    return PushReport(by, engine, len(wanted[0]), n_written, n_deleted, recall, share, filtered)


def drop_copy(store: Store, by: str, forget: bool = False) -> None:
    """Delete the copy of a representation's vectors, if there is one, and forget it.

    Raises
    ------
    EngineError : the engine does not answer; the copy is forgotten then only if ``forget``.
    """
    known = stored_copies(store.catalogue).get(by)
    if known is None:
        return
    try:
        with closing(open_copy(known.engine, known.name, patient=True)) as copy:
            copy.drop()
    except EngineError:
        if not forget:
            raise
    _note(store, by, None)


def follow_copies(store: Store, progress: Progress) -> tuple[str, ...]:
    """Bring all copies up to date with the last commit; return notes on those that could not be."""
    notes: list[str] = []
    for by, known in stored_copies(store.catalogue).items():
        if known.commit == store.catalogue.generation:
            continue
        try:
            # A metric can be dropped, and the copy of its vectors must not outlive it.
            if all(by != stored.name for stored in stored_representations(store.catalogue)):
                drop_copy(store, by)
            else:
                push(store, by, known.engine, progress)
        except (EngineError, OptionError) as error:
            notes.append(f"{by}: its copy is behind, {error}; `semblance push` brings it up to date")
    return tuple(notes)


def rebuild_copies(store: Store, progress: Progress) -> Iterator[str]:
    """Read all copies, make those anew that are not what the index holds, and say so, a line each."""
    for by, problem in verify_copies(store).items():
        engine = stored_copies(store.catalogue)[by].engine
        try:
            # Rows whose own checksums are right can be damaged: so nothing of it is kept.
            drop_copy(store, by)
            push(store, by, engine, progress)
        except (EngineError, OptionError) as error:
            yield f"{problem}; not yet: {error}"
        else:
            yield f"{problem}: done"


def _write(
    copy: EngineCopy,
    snapshot: Snapshot,
    ranker: ExactRanker,
    wanted: tuple[Ids, NDArray[np.int64]],
    progress: Progress,
) -> Difference:
    """Write what a copy lacks, delete what it has too much, and see that it is so."""
    there = copy.sums()
    if there is None:
        copy.create(ranker.dimension, ranker.metric, len(copied_columns(snapshot)))
        there = np.empty(0, np.int64), np.empty(0, np.int64)
    changes = difference(wanted, there)
    missing = np.union1d(changes.lacking, changes.other)
    copy.delete(np.union1d(changes.foreign, changes.other))
    done = 0
    for rows in wanted_rows(snapshot, ranker, missing) if len(missing) else ():
        copy.put(rows)
        done += len(rows.numbers)
        progress("push", done, len(missing))
    copy.settle()
    # A count is not enough: what was read back says what was written and kept.
    left = difference(wanted, copy.sums() or there)
    if str(left):
        raise EngineError(f"{copy.shown}: {left} after all was written; push again, or look at its log")
    return changes


def _recall(
    copy: EngineCopy,
    snapshot: Snapshot,
    ranker: ExactRanker,
    chosen: _Filter | None,
) -> float:
    """Return the share of the ten best of some stored vectors that are among the engine's candidates."""
    condition, among = (None, None) if chosen is None else chosen
    ids = ranker.ids()
    found = wanted = 0
    for id in np.random.default_rng(0).permutation(ids)[:_ASKED].tolist():
        vector = ranker.vector(id)
        if not vector.any():
            continue
        best = ExactRanker.rank(ranker, vector, _BEST, among)
        numbers = copy.find(vector[None], _DEPTH, condition)
        # Vectors of zeros are not in a copy, and score 0: they are no loss.
        own = snapshot.ids[best.ids[best.scores > 0]]
        found, wanted = found + len(np.intersect1d(own, numbers)), wanted + len(own)
    return found / wanted if wanted else 1.0


def _filtered_recall(
    copy: EngineCopy, snapshot: Snapshot, ranker: ExactRanker
) -> tuple[float | None, float | None]:
    """Try the engine with the cell that about a tenth of the images have; None if none parts them."""
    best: tuple[float, float, HasCell, NDArray[np.bool_]] | None = None
    for number, column in enumerate(copied_columns(snapshot)):
        codes = column_codes(snapshot, column)
        values, counts = np.unique(codes, return_counts=True)
        shares = counts / len(codes)
        at = int(np.argmin(np.abs(shares - _SHARE)))
        if shares[at] < 1 and (best is None or abs(shares[at] - _SHARE) < best[0]):
            best = (
                abs(shares[at] - _SHARE),
                float(shares[at]),
                HasCell(number, (int(values[at]),)),
                codes == values[at],
            )
    if best is None:
        return None, None
    return best[1], _recall(copy, snapshot, ranker, (best[2], best[3]))


def _ranges(snapshot: Snapshot, numbers: Ids) -> list[list[int]]:
    """Return first and last number of runs of images of which all that are there were copied."""
    # Numbers are never given twice: what is between two copied images and is not there never will be.
    live = np.sort(snapshot.ids)
    is_copied = np.append(np.isin(live, numbers), False)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_copied]).astype(np.int8)))
    return [[int(live[a]), int(live[b - 1])] for a, b in edges.reshape(-1, 2).tolist()]


def _note(store: Store, by: str, known: StoredCopy | None, is_current: bool = False) -> None:
    with store.catalogue.transaction():
        if known is not None and is_current:
            known = replace(known, commit=store.catalogue.generation)
        note_copy(store.catalogue, by, known)
        keep_current(store.catalogue)
