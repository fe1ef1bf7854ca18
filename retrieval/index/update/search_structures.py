"""Search structures: after an update, large segments of dense vectors get trees, or a graph.

It costs far more than merging, so it is done once for what an update has merged, and not at each merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import NotInstalledError, OptionError
from ...rankers.approximate import ApproximateRanker
from ...rankers.dense_block import CODED
from ...representation import Representation
from ..catalogue.chosen_rankers import choose_ranker, chosen_rankers
from ..catalogue.representations import Segment, StoredRepresentation, segments, stored_representations
from ..progress import Progress, silent
from ..storage.merge import batches, merge
from ..storage.ranker_choice import AUTO, check_choice, is_engine, structure_of
from ..storage.segment_rankers import is_dense, structure_for
from ..storage.segments import segment_ids
from ..storage.store import Store
from .push import push

_FEW = 30_000
"""Images that ``auto`` ranks exactly, however long their vectors."""


def set_ranker(store: Store, ranker: str, names: Sequence[str] = (), progress: Progress = silent) -> None:
    """Choose the ranker of representations: of those named, or of all that have dense vectors.

    An engine gets their vectors first: it is chosen only if it takes them.

    Those that are not fitted yet are passed over: which vectors they will have is unknown. What was chosen is
    carried out by ``make_structures``.

    Raises
    ------
    OptionError : there is no such ranker or representation, or its vectors are sparse.
    NotInstalledError : the ranker lacks a library. EngineError : an engine does not take the vectors.
    """
    store.check_writable()
    check_choice(ranker)
    found = [b for b in stored_representations(store.catalogue) if not b.is_next]
    if unknown := set(names) - {b.name for b in found}:
        raise OptionError(f"no representation {min(unknown)!r} in this index", "by")
    chosen = dense_names(store, [b for b in found if b.is_fitted], names)
    for name in chosen if is_engine(ranker) else ():
        push(store, name, ranker, progress)
    choose_ranker(store.catalogue, chosen, ranker)


def dense_names(store: Store, found: Sequence[StoredRepresentation], names: Sequence[str]) -> list[str]:
    """Return those named, or without names all that have dense vectors.

    Raises OptionError if one that is named has sparse ones, or all have.
    """
    known = {b.name: is_dense(store.representation(b)) for b in found}
    chosen = [name for name in known if (name in names if names else known[name])]
    sparse = [name for name in chosen if not known[name]]
    if sparse or (known and not chosen and not names):
        raise OptionError(
            f"{', '.join(sparse or known)}: ranks by a structure of its own, which suits its vectors; a "
            "ranker is chosen for dense vectors, such as those of `--by deep`",
            "ranker",
        )
    return chosen


def make_structures(store: Store, progress: Progress) -> tuple[str, ...]:
    """Give each representation the search structures that its ranker wants; return notes for the user."""
    notes: list[str] = []
    for stored in stored_representations(store.catalogue):
        if not stored.is_fitted or stored.is_next:
            continue
        try:
            _make(store, stored, progress)
        except NotInstalledError as error:
            notes.append(f"{stored.name}: images are ranked exactly where no structure is, for {error}")
    return tuple(notes)


def structures_due(
    store: Store, stored: StoredRepresentation, own: Sequence[Segment], n_more: int = 0
) -> tuple[int, str]:
    """Return of how many files an update would make search structures, or drop them, and because of what.

    Parameters
    ----------
    stored : a fitted representation.
    own : the segments that it has, or will have in its next form.
    n_more : files that it is going to encode.

    Raises NotInstalledError if its ranker lacks a library.
    """
    due = _due(store, stored, own, n_more)
    if due is None or not (due.segments or (due.kind is not None and n_more)):
        return 0, ""
    if due.kind is not None and sum(s.n for s in due.segments) + n_more < CODED:
        return 0, ""
    ids = [id for s in due.segments for id in segment_ids(store.folder / "segments" / s.folder).tolist()]
    source_of = dict(store.catalogue.rows("SELECT id, source FROM picture")) if ids else {}
    sources = {source_of[id] for id in ids if id in source_of}
    wanted = "in no structure" if due.kind is None else f"in a structure of {due.kind.name}"
    reasons = [f"{len(sources):,} to be {wanted}"] if sources else []
    reasons += [f"{n_more:,} to be encoded"] if n_more and due.kind is not None else []
    return len(sources) + (n_more if due.kind is not None else 0), ", ".join(reasons)


@dataclass(frozen=True)
class _Due:
    """The segments whose search structure is not that of the ranker, and the class of that; None for none."""

    representation: Representation
    kind: type[ApproximateRanker] | None
    segments: list[Segment]


def _due(store: Store, stored: StoredRepresentation, own: Sequence[Segment], n_more: int = 0) -> _Due | None:
    choice = chosen_rankers(store.catalogue).get(stored.name, AUTO)
    structures = {s.id: structure_of(store.folder / "segments" / s.folder) for s in own}
    n = sum(s.n for s in own) + n_more
    # Most indexes have none and want none: their representation, maybe a network, need not be loaded.
    if choice == AUTO and not any(structures.values()) and n < _FEW:
        return None
    representation = store.representation(stored)
    kind = structure_for(representation, choice, n)
    name = None if kind is None else kind.name
    return _Due(representation, kind, [s for s in own if structures[s.id] != name])


def _make(store: Store, stored: StoredRepresentation, progress: Progress) -> None:
    own = [s for s in segments(store.catalogue) if s.representation == stored.id]
    due = _due(store, stored, own)
    if due is None:
        return
    for group in batches(due.segments, is_structured=due.kind is not None):
        # Fewer are read as quickly: the last images, until there are enough of them.
        if due.kind is not None and sum(s.n for s in group) < CODED:
            continue
        progress(f"rank {stored.name}", 0, 1)
        merge(store, group, {stored.id: due.representation}, due.kind)
        progress(f"rank {stored.name}", 1, 1)
