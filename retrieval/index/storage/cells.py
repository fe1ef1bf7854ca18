"""Cells: a code for each column and what images have there, by which an engine filters.

A code is a keyed hash: an engine learns which images share a value, and never the value.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...ranker import Ids
from ...readers.pseudonym import hashed
from ..catalogue.pictures import GROUPS
from .identities import Values
from .snapshot import Snapshot

UNCOPIED = ("id", "source")
"""Columns that differ for each image: a condition on them leaves few, which need no engine."""
_MOST = 60
"""Columns of a copy: Milvus has 64 fields at most."""


def copied_columns(snapshot: Snapshot) -> list[str]:
    """Return the names of the columns that are copied; the place of each is the number of its cells."""
    # Those that are most asked for first: the others are cut if there are too many.
    usual = [*GROUPS, "label"]
    rest = [name for name in snapshot.columns.names if name not in (*usual, *UNCOPIED)]
    return [*usual, *rest][:_MOST]


def column_codes(snapshot: Snapshot, column: str) -> NDArray[np.int64]:
    """Return the code of each image's cell in a column, int64 (n,), by position."""

    def compute() -> NDArray[np.int64]:
        cells = snapshot.columns.values(column)
        codes = {cell: _code(snapshot, column, cell) for cell in set(cells)}
        return np.fromiter((codes[cell] for cell in cells), np.int64, len(cells))

    return snapshot.cached(("cells", column), compute)


def cells_of(snapshot: Snapshot, columns: Sequence[str], positions: Ids) -> NDArray[np.int64]:
    """Return the cells of some images, int64 (m, c): a code for each column."""
    found = [column_codes(snapshot, column)[positions] for column in columns]
    return np.stack(found, axis=1) if found else np.empty((len(positions), 0), np.int64)


def _code(snapshot: Snapshot, column: str, cell: Values) -> int:
    digits = hashed(snapshot.catalogue.key, "cell", json.dumps([column, *cell]))
    return int(digits, 16) >> 1  # fits int64, and is never negative, which not all engines can read
