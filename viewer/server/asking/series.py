"""Series by their DICOM identifiers: an archive names a study by its UID, the index by a keyed hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from retrieval.errors import OptionError
from retrieval.index import Index
from retrieval.index.storage.snapshot import Snapshot
from retrieval.readers.pseudonym import hashed
from retrieval.readers.slice_stacks import Slice
from viewer.queries.stack import stack_of

from ..collection import Collection
from ..desk import Desk
from ..problem import Kind, RefusedError, not_found


def find_series(
    desk: Desk, study: str | None = None, series: str | None = None, z: float | None = None
) -> tuple[Collection, str]:
    """Return the first index that has a study or a series, and the image of it that is nearest to ``z``.

    Of several stacks, as in a study with a localizer, the largest of those that reach there counts.

    Parameters
    ----------
    study, series : their UIDs; both, if both are given.
    z : mm along the normal, which of axial slices is the z of their position; None: the middle slice.

    Raises
    ------
    OptionError : neither is given.
    RefusedError : no index has it, or its key is not at hand, without which no hash can be compared.
    """
    wanted = {kind: uid.strip() for kind, uid in (("study", study), ("series", series)) if uid}
    if not wanted:
        raise OptionError("give the UID of a study, or of a series", "study", "series")
    keyless = []
    for collection in desk.collections:
        opened = collection.now
        index = opened.index
        if not index.ask(lambda snapshot: snapshot.catalogue.key.is_known):
            keyless.append(collection.name)
        elif images := index.ask(lambda snapshot: _images(snapshot, wanted)):
            return collection, _nearest(index, images, z)
    if keyless:
        raise RefusedError(
            Kind.NOT_FOUND,
            f"the key of {', '.join(keyless)} is not at hand, so that no study can be found by its UID; give "
            "--key FILE",
        )
    raise not_found(f"{' and '.join(wanted)} {', '.join(wanted.values())}")


def _images(snapshot: Snapshot, wanted: Mapping[str, str]) -> list[str]:
    """Return the images that have all identifiers, by hash, or as a label table names it."""
    columns, key = snapshot.columns, snapshot.catalogue.key
    meant = {kind: {uid, hashed(key, kind, uid)} for kind, uid in wanted.items()}
    cells = [(columns.values(kind), values) for kind, values in meant.items()]
    return [
        str(name)
        for position, name in enumerate(snapshot.names)
        if all(not values.isdisjoint(column[position]) for column, values in cells)
    ]


def _nearest(index: Index, images: Sequence[str], z: float | None) -> str:
    left = dict.fromkeys(images)
    stacks = []
    while left:
        stack = stack_of(index, next(iter(left))).slices
        stacks.append(stack)
        for one in stack:
            left.pop(one.name, None)
    stack = min(stacks, key=lambda one: (_beyond(one, z), -len(one)))
    heights = [one.height for one in stack]
    if z is None or None in heights:
        return stack[len(stack) // 2].name
    return min(stack, key=lambda one: abs(float(one.height or 0.0) - z)).name


def _beyond(stack: Sequence[Slice], z: float | None) -> float:
    """Return how far outside of a stack a place is, in mm; infinity if the stack has no places."""
    if z is None:
        return 0.0
    heights = [one.height for one in stack if one.height is not None]
    return max(min(heights) - z, z - max(heights), 0.0) if heights else inf
