"""The filter of an engine: a condition on columns, as tests of the cells that the engine has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...metadata.condition_tree import AllHold, ColumnTest, HoldsNot, Node
from ...metadata.filter import Condition
from ...rankers.engine import AllOf, CellFilter, NoneOf, OneOf, shortest
from ..storage.annotations import Annotations
from ..storage.cells import column_codes, copied_columns
from ..storage.snapshot import Snapshot

_MOST = 1000
"""Codes in one test: an expression of more takes an engine longer than reading the vectors takes us."""

Mask = NDArray[np.bool_]


def cell_filter(
    snapshot: Snapshot, where: str | None, excluded: Sequence[tuple[str, Mask]] = ()
) -> CellFilter | None:
    """Return the filter that says of cells what a condition says of columns; None if cells cannot say it.

    Parameters
    ----------
    where : the condition; None for none.
    excluded : columns, and which images are left out because of what they have there.
    """
    parts = [] if where is None else [_of_node(Condition.parse(where).tree, Annotations(snapshot))]
    for column, mask in excluded:
        found = _of_mask(snapshot, column, mask)
        parts.append(None if found is None else NoneOf(found))
    whole = _whole(parts)
    return AllOf(whole) if whole else None


def _of_node(node: Node, known: Annotations) -> CellFilter | None:
    if isinstance(node, ColumnTest):
        return _of_mask(known.snapshot, node.column, node.holds({node.column: known.spelt(node.column)}))
    if isinstance(node, HoldsNot):
        inner = _of_node(node.part, known)
        return None if inner is None else NoneOf(inner)
    # A part that cells cannot say would make of `and` a wider filter, but of `or` a narrower one.
    parts = _whole([_of_node(part, known) for part in node.parts])
    if not parts:
        return None
    return AllOf(parts) if isinstance(node, AllHold) else OneOf(parts)


def _of_mask(snapshot: Snapshot, column: str, mask: Mask) -> CellFilter | None:
    """Return the filter for the images of a mask by what they have in a column."""
    copied = copied_columns(snapshot)
    if column not in copied:
        return None
    codes = column_codes(snapshot, column)
    wanted, others = np.unique(codes[mask]), np.unique(codes[~mask])
    # Two spellings can mean one patient: then no list of cells parts the images as the condition does.
    if len(np.intersect1d(wanted, others)):
        return None
    return shortest(copied.index(column), wanted.tolist(), others.tolist(), _MOST)


def _whole(parts: Sequence[CellFilter | None]) -> tuple[CellFilter, ...]:
    """Return the parts; none if one of them could not be expressed."""
    found = tuple(part for part in parts if part is not None)
    return found if len(found) == len(parts) else ()
