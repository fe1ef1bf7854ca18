"""The candidates: which indexed images a query may find at all."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...metadata.groups import narrower
from ...picture import Picture, Value
from ...rankers.engine import filtered
from ...readers.pseudonym import ANY_ISSUER
from ..catalogue.pictures import GROUPS
from ..storage.annotations import Annotations
from ..storage.identities import Identities
from ..storage.snapshot import Snapshot
from .engine_filter import cell_filter
from .query_options import QueryImage, QueryOptions

Mask = NDArray[np.bool_]
"""bool (n,), by position: which images may be found."""


def n_candidates(snapshot: Snapshot, mask: Mask | None) -> int:
    """Return how many images may be found; all without a mask."""
    return len(snapshot) if mask is None else int(np.count_nonzero(mask))


@dataclass(frozen=True, eq=False)
class NamesOf(Collection[str]):
    """The names of the images of a mask: of a million images none is looked up."""

    snapshot: Snapshot
    mask: Mask

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.mask[self.snapshot.position(name)])

    def __iter__(self) -> Iterator[str]:
        return (self.snapshot.names[position] for position in np.flatnonzero(self.mask).tolist())

    def __len__(self) -> int:
        return int(np.count_nonzero(self.mask))


def candidate_mask(snapshot: Snapshot, query: QueryImage, options: QueryOptions) -> Mask | None:
    """Return which images the options ``among``, ``where``, ``not_same`` and ``unlike`` let through.

    None for all, which spares rankers the mask. Raises SettingError for an unknown name or column.
    """
    # Every condition takes away, so that their order does not matter.
    mask, excluded = snapshot.available, []
    if options.among is not None:
        mask &= named(snapshot, options.among)
    if options.where is not None:
        mask &= condition_holds(snapshot, options.where)
    if options.not_same is not None:
        excluded.append((options.not_same, same(snapshot, query, options.not_same)))
        mask &= ~excluded[-1][1]
    # Moving away from an image lowers its score, but a poor index would find it all the same.
    mask[[snapshot.position(name) for name in options.unlike]] = False
    # A query without a value of the column shares it with nobody, but must not find itself either.
    if isinstance(query, str) and (not options.include_self or options.not_same is not None):
        mask[snapshot.position(query)] = False
    if mask.all() or not snapshot.asks_engines or options.among is not None:
        return None if mask.all() else mask
    return filtered(mask, lambda: cell_filter(snapshot, options.where, excluded))


def named(snapshot: Snapshot, names: Collection[str]) -> Mask:
    """Return which images have one of some names. Raise SettingError for a name that none has."""
    if isinstance(names, NamesOf) and names.snapshot is snapshot:
        return names.mask
    mask = np.zeros(len(snapshot), dtype=bool)
    mask[[snapshot.position(name) for name in names]] = True
    return mask


def condition_holds(snapshot: Snapshot, text: str) -> Mask:
    """Return which images meet a condition. Raise SettingError if it makes no sense."""
    return Annotations(snapshot).meets(text)


def same(snapshot: Snapshot, query: QueryImage, column: str) -> Mask:
    """Return which images share a value of a column with the query; none if it has no value."""
    cells = snapshot.columns.values(column)  # refuses an unknown column
    if column in GROUPS:
        people = snapshot.columns.people(column)
        names, bare = (
            _names(people, query) if isinstance(query, Picture) else people.at(snapshot.position(query))
        )
        return people.same(names, bare)
    # An image that was read has groups and tags of its file; those of an indexed one may be a table's.
    own = _values(query, column) if isinstance(query, Picture) else cells[snapshot.position(query)]
    # As texts: a label table has texts where a file has a number.
    texts = {str(value) for value in own}
    return np.array([any(str(value) in texts for value in cell) for cell in cells], dtype=np.bool_)


def own_position(snapshot: Snapshot, query: QueryImage) -> int | None:
    """Return the position of a query in the index, named or read from its file; None of a new image."""
    if isinstance(query, str):
        return snapshot.position(query)
    # It may have been removed since its file was read.
    name = query.indexed_as
    return snapshot.position(name) if name is not None and name in snapshot.names else None


def own_case(snapshot: Snapshot, query: QueryImage, column: str) -> Mask:
    """Return which images are of the query's own case, as cases are counted (``independent_cases``)."""
    position = own_position(snapshot, query)
    if position is not None:
        numbers = snapshot.stack_positions.independent_cases(column)
        own = numbers == numbers[position]
        return np.asarray(same(snapshot, query, column) | own, dtype=np.bool_)
    assert not isinstance(query, str)  # which has a position, or is refused
    # By the next column where the file does not say the first, as images of the index are.
    known = {*query.groups, *query.metadata}.intersection(snapshot.columns.names)
    return same(snapshot, query, next((one for one in (column, *narrower(column)) if one in known), column))


def _names(people: Identities, query: Picture) -> tuple[set[str], str | None]:
    """Return the names of an image that was read: a hash of its file's, or a text that a table gives."""
    value = query.groups.get(people.column, query.metadata.get(people.column))
    bare = query.metadata.get(ANY_ISSUER) if people.column == "patient" else None
    names = set() if value is None else {str(value), people.of_text(str(value))}
    return names, None if bare is None else str(bare)


def _values(picture: Picture, column: str) -> tuple[Value, ...]:
    value = picture.groups.get(column, picture.metadata.get(column))
    return () if value is None else (value,)
