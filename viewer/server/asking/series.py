"""Series by their DICOM identifiers: an archive names a study by its UID, the index by a keyed hash."""

from __future__ import annotations

from collections.abc import Mapping

from retrieval.errors import OptionError
from retrieval.index.storage.snapshot import Snapshot
from retrieval.readers.pseudonym import hashed
from viewer.queries.stack import stack_of

from ..collection import Collection
from ..desk import Desk
from ..problem import Kind, RefusedError, not_found


def find_series(
    desk: Desk, study: str | None = None, series: str | None = None, z: float | None = None
) -> tuple[Collection, str]:
    """Return the first index that has a study or a series, and the image of it that is nearest to ``z``.

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
        index = collection.now.index
        if not index.ask(lambda snapshot: snapshot.catalogue.key.is_known):
            keyless.append(collection.name)
        elif image := index.ask(lambda snapshot: _first(snapshot, wanted)):
            return collection, _nearest(collection, image, z)
    if keyless:
        raise RefusedError(
            Kind.NOT_FOUND,
            f"the key of {', '.join(keyless)} is not at hand, so that no study can be found by its UID; give "
            "--key FILE",
        )
    raise not_found(f"{' and '.join(wanted)} {', '.join(wanted.values())}")


def _first(snapshot: Snapshot, wanted: Mapping[str, str]) -> str | None:
    """Return the first image that has all identifiers, by hash, or as a label table names it."""
    columns, key = snapshot.columns, snapshot.catalogue.key
    meant = {kind: {uid, hashed(key, kind, uid)} for kind, uid in wanted.items()}
    cells = [(columns.values(kind), values) for kind, values in meant.items()]
    for position, name in enumerate(snapshot.names):
        if all(not values.isdisjoint(column[position]) for column, values in cells):
            return str(name)
    return None


def _nearest(collection: Collection, image: str, z: float | None) -> str:
    stack = stack_of(collection.now.index, image).slices
    heights = [one.height for one in stack]
    if z is None or None in heights:
        return stack[len(stack) // 2].name
    return min(stack, key=lambda one: abs(float(one.height or 0.0) - z)).name
