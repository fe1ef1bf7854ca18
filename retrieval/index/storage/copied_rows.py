"""The rows that a copy at an engine should hold, and how one differs from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import OptionError
from ...ranker import Ids
from ...rankers.dense import ExactRanker
from ...rankers.engine import CopiedRows, EngineCopy, EngineError, row_sums
from ..catalogue.engine_copies import StoredCopy, stored_copies
from .cells import cells_of, copied_columns
from .engines import open_copy
from .snapshot import Snapshot
from .store import Store

_PIECE = 4096

Sums = tuple[Ids, NDArray[np.int64]]
"""Numbers of images, rising, and the checksum of the row of each."""


class Difference(NamedTuple):
    """Numbers of images that a copy lacks, has in another way, and should not have."""

    lacking: Ids
    other: Ids
    foreign: Ids

    def __str__(self) -> str:
        parts = (
            (self.lacking, "lacks {:,} images"),
            (self.other, "has {:,} that differ"),
            (self.foreign, "has {:,} that the index does not"),
        )
        return ", ".join(text.format(len(numbers)) for numbers, text in parts if len(numbers))


def dense_ranker(snapshot: Snapshot, name: str) -> ExactRanker:
    """Open the vectors of a representation. Raise OptionError if they are sparse."""
    ranker = snapshot.ranker_alone(name)
    if not isinstance(ranker, ExactRanker):
        raise OptionError(f"{name}: its vectors are sparse, which no engine takes; name a dense one", "by")
    return ranker


def wanted_rows(snapshot: Snapshot, ranker: ExactRanker, only: Ids | None = None) -> Iterator[CopiedRows]:
    """Yield what a copy should hold, some thousand rows at a time; of the numbers ``only`` if they are given.

    Vectors of zeros are near nothing, and are left out.
    """
    columns = copied_columns(snapshot)
    for ids, block in ranker.blocks():
        rows = np.flatnonzero((ids >= 0) & (block.lengths > 0))
        if only is not None:
            # Most pushes write few: only these rows are read.
            rows = rows[np.isin(snapshot.ids[ids[rows]], only)]
        for first in range(0, len(rows), _PIECE):
            piece = rows[first : first + _PIECE]
            block.check.ranges(piece, piece + 1)
            vectors, cells = block.vectors[piece], cells_of(snapshot, columns, ids[piece])
            yield CopiedRows(snapshot.ids[ids[piece]], vectors, cells, row_sums(vectors, cells))


def wanted_sums(snapshot: Snapshot, ranker: ExactRanker) -> Sums:
    """Return the number and the checksum of each row that a copy should hold."""
    return _joined((rows.numbers, rows.sums) for rows in wanted_rows(snapshot, ranker))


def read_sums(copy: EngineCopy) -> Sums:
    """Read all rows of a copy, and return their checksums, computed anew from what came."""
    return _joined((rows.numbers, row_sums(rows.vectors, rows.cells)) for rows in copy.rows())


def difference(wanted: Sums, there: Sums) -> Difference:
    """Compare what a copy should hold with what it says that it holds."""
    both, ours, theirs = np.intersect1d(wanted[0], there[0], return_indices=True)
    other = both[wanted[1][ours] != there[1][theirs]]
    return Difference(np.setdiff1d(wanted[0], both), other, np.setdiff1d(there[0], both))


def verify_copies(store: Store) -> dict[str, str]:
    """Read the copies at engines whole; return what is wrong with them, by representation, in a line each."""
    problems: dict[str, str] = {}
    for by, known in stored_copies(store.catalogue).items():
        try:
            found = _damage(Snapshot(store), by, known)
        except EngineError as error:  # nobody knows then what it holds
            problems[by] = f"{by}: its copy cannot be read ({error})"
            continue
        if found:
            remedy = "`semblance repair` makes it anew"
            problems[by] = f"{by}: the copy at {known.engine} {found}; {remedy}"
    return problems


def _damage(snapshot: Snapshot, by: str, known: StoredCopy) -> str:
    """Return how a copy differs from the index; empty if it does not."""
    if by not in snapshot.stored or snapshot.copy(by) is None:
        return "is of other vectors"
    with closing(open_copy(known.engine, known.name, patient=True)) as copy:
        # What it says of its rows could be right where the rows are not: all are read.
        there = _joined(()) if copy.sums() is None else read_sums(copy)
        return str(difference(wanted_sums(snapshot, dense_ranker(snapshot, by)), there))


def _joined(pages: Iterable[Sums]) -> Sums:
    empty = np.empty(0, np.int64)
    found = [(empty, empty), *pages]
    numbers = np.concatenate([page[0] for page in found])
    order = np.argsort(numbers, kind="stable")
    return numbers[order], np.concatenate([page[1] for page in found])[order]
