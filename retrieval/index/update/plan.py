"""The plan: what an update would do, step by step, and because of what; nothing of it is done.

The steps are file → images → sample → model → vectors → what is derived from these. What is done is in the
catalogue: each file with its state, each representation with its recipe, and which files it has encoded. A
step is to be done where its inputs are newer than that, and all that comes after it with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...errors import SemblanceError
from ..catalogue.files import State, n_lacking, n_readable
from ..catalogue.learned_fusions import read_fusions
from ..catalogue.representations import StoredRepresentation, segments, set_aside, stored_representations
from ..storage.store import Store
from .flow import Flow, weigh
from .relearn import stale_fusions, stale_metrics
from .scanned import Changes
from .search_structures import structures_due


@dataclass(frozen=True)
class Step:
    """One step that would be done.

    Parameters
    ----------
    name : what is done: ``read``, ``forget``, ``label``, or ``learn``, ``encode``, ``derive``, ``rank`` and a
        representation, or ``weigh`` and those of a fusion.
    files : of how many files.
    because : why, in words.
    """

    name: str
    files: int
    because: str


def waiting(store: Store) -> int:
    """Return how many files are to be read again, for an earlier update did not get to them or failed."""
    return len(_in_state(store, State.PENDING)) + len(_in_state(store, State.FAILED))


def steps_of(
    store: Store, changes: Changes, n_waited: int = 0, n_labelled: int = 0, remake: bool = False
) -> list[Step]:
    """Return the steps of an update whose scan is recorded, in their order; none if all is up to date.

    ``n_waited`` : how many files were ``waiting`` before the scan; ``n_labelled`` : how many rows of a label
    table are new or changed; ``remake`` : stale metrics learn again.
    """
    found = stored_representations(store.catalogue)
    own = [b for b in found if b.base is None]
    steps = [*_read(changes, n_waited), *_learnt(store, own)]
    encoded = [step for stored in own for step in _encoded(store, stored)]
    derived = list(_derived(store, found, encoded))
    labelled = [Step("label", n_labelled, "labels are new or changed")] if n_labelled else []
    again = list(_relearnt(store, found)) if remake else []
    ranked = _ranked(store, found, [*encoded, *derived, *again])
    return [*steps, *encoded, *derived, *labelled, *again, *ranked]


def _read(changes: Changes, n_waited: int) -> Iterator[Step]:
    # Those of folders that were not scanned now wait on.
    n_again = min(n_waited, len(changes.new))
    reasons = {
        "new": len(changes.new) - n_again,
        "changed": len(changes.changed),
        "not read the last time": n_again,
    }
    if n := len(changes.new) + len(changes.changed):
        yield Step("read", n, _joined(reasons))
    if changes.n_gone:
        yield Step("forget", changes.n_gone, f"{changes.n_gone:,} gone")


def _learnt(store: Store, own: Sequence[StoredRepresentation]) -> Iterator[Step]:
    n = n_readable(store.catalogue)
    for stored in own:
        # Most of those that are not fitted have nothing to learn, and say so by their settings alone.
        most = 0 if stored.is_fitted else store.unlearnt(stored).n_fit_pictures
        if n and most:
            why = "it is to learn again" if stored.is_next else "it has learnt nothing yet"
            why = _changed(own, stored) or why
            yield Step(f"learn {stored.name}", min(n, most), why)


def _encoded(store: Store, stored: StoredRepresentation) -> Iterator[Step]:
    """Yield the step in which a representation encodes what it lacks."""
    # One that learns again is another representation, which has encoded nothing.
    to_be_read, lacking = waiting(store), n_lacking(store.catalogue, stored.id)
    if n := to_be_read + lacking:
        reasons = {"to be read": to_be_read, f"in the index that {stored.name} has not encoded": lacking}
        changed = _changed(stored_representations(store.catalogue), stored)
        yield Step(f"encode {stored.name}", n, _joined(reasons) + (f", {changed}" if changed else ""))


def _changed(found: Sequence[StoredRepresentation], stored: StoredRepresentation) -> str:
    """Say which setting a representation is to have that the present one of its name has not."""
    present = next((b for b in found if b.name == stored.name and b is not stored and not b.is_next), None)
    if present is None or not stored.is_next:
        return ""
    keys = sorted({*present.settings, *stored.settings})
    other = [key for key in keys if present.settings.get(key) != stored.settings.get(key)]
    return ", ".join(f"{key} was {present.settings.get(key)}, is {stored.settings.get(key)}" for key in other)


def _relearnt(store: Store, found: Sequence[StoredRepresentation]) -> Iterator[Step]:
    """Yield the steps in which metrics and weights learn again: stale ones, and those of what is replaced."""
    n, flow = n_readable(store.catalogue), Flow(store)
    reasons = dict(stale_metrics(flow))
    aside = {(b.name, b.base_recipe) for b in set_aside(store.catalogue)}
    anew = {b.name: b.recipe for b in found if b.is_next}
    for stored in (b for b in found if b.base in anew):
        # One that was learnt on what comes back comes back with it.
        if (stored.name, anew[stored.base or ""]) not in aside:
            reasons[stored.name] = f"{stored.base} is another"
    reasons = {name: why for name, why in reasons.items() if _can_learn(flow, f"learn {name}")}
    for name, because in reasons.items():
        yield Step(f"learn {name}", n, because)
    weights = dict(stale_fusions(store, flow))
    for learnt in read_fusions(store.catalogue):
        others = [name for name in learnt.by if name in anew or name in reasons]
        if flow.options(weigh(learnt.by)) is not None and (others or learnt.by in weights):
            why = f"{others[0]} is another" if others else weights[learnt.by]
            yield Step(weigh(learnt.by), n, why)


def _can_learn(flow: Flow, name: str) -> bool:
    return flow.options(name) is not None and not flow.missing(name)


def _derived(store: Store, found: Sequence[StoredRepresentation], encoded: Sequence[Step]) -> Iterator[Step]:
    """Yield the steps in which learned metrics follow their bases."""
    # In the order of the catalogue: a base stands before what was learnt on it.
    sizes = {step.name.removeprefix("encode "): step.files for step in encoded}
    anew = {b.name: _changed(found, b) for b in found if b.is_next}
    for stored in found:
        if stored.base is None:
            continue
        if stored.base in anew:
            # Other settings may come back, and what was learnt on them with them.
            what = "set aside" if anew[stored.base] else "drop"
            why = anew[stored.base] or "learns again"
            yield Step(f"{what} {stored.name}", 0, f"{stored.base}: {why}, and it was learnt on that")
        elif n := max(sizes.get(stored.base, 0), n_lacking(store.catalogue, stored.id)):
            yield Step(f"derive {stored.name}", n, f"{n:,} that {stored.base} encodes")


def _ranked(store: Store, found: Sequence[StoredRepresentation], steps: Sequence[Step]) -> Iterator[Step]:
    """Yield the steps in which search structures are made of vectors, those of the steps before too."""
    made = [(step.name.partition(" "), step.files) for step in steps]
    n_more = {name: n for (done, _, name), n in made if done in ("encode", "derive", "learn")}
    # What is learnt again, or goes, has none of the vectors that are there.
    anew = {name.removeprefix("aside ") for (done, _, name), _ in made if done in ("learn", "set", "drop")}
    for stored in (b for b in found if b.is_fitted and not b.is_next):
        name = stored.name
        to_be = next((b for b in found if b.is_next and b.name == name), stored)
        own = [s for s in segments(store.catalogue) if s.representation == to_be.id and name not in anew]
        try:
            n, because = structures_due(store, stored, own, n_more.get(name, 0))
        except SemblanceError:  # what cannot be made is said by the update
            continue
        if n:
            yield Step(f"rank {name}", n, because)


def _in_state(store: Store, state: State) -> list[int]:
    rows = store.catalogue.rows("SELECT id FROM source WHERE state = ?", state)
    return [int(id) for (id,) in rows]


def _joined(reasons: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {reason}" for reason, n in reasons.items() if n > 0)
