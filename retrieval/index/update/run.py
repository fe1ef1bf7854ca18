"""The update: an index is brought up to date with folders of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...metadata.label_table import LabelTable
from ..catalogue.files import State, n_lacking, readable
from ..catalogue.representations import add_binding, bindings, replace_binding
from ..progress import Progress
from ..storage.store import Store
from .apply_labels import LabelReport, apply_labels
from .derived import derive_all, drop_derived
from .encode import Encoder, Outcome
from .fit import fit_all
from .scan import Changes, record, scan
from .workers import make_crew

_GROWTH = 10


@dataclass(frozen=True)
class UpdateReport:
    """What an update did.

    Parameters
    ----------
    added, changed, removed, unchanged : files, of those that hold pictures.
    skipped : (name, reason) of each file that could not be read, now or earlier, or that was removed by hand.
    ignored : files that are no pictures and do not claim to be.
    pictures : how many pictures were encoded.
    notes : what the user should know, in whole sentences.
    labels : what became of the label table; None where there was none.
    withdrawn : the names of those of the skipped that were removed by hand.
    """

    added: int
    changed: int
    removed: int
    unchanged: int
    skipped: tuple[tuple[str, str], ...]
    ignored: int
    pictures: int
    notes: tuple[str, ...] = ()
    labels: LabelReport | None = None
    withdrawn: tuple[str, ...] = ()


def update(
    store: Store,
    folders: Sequence[Path],
    *,
    jobs: int | None,
    labels: LabelTable | None,
    progress: Progress,
    refit: bool,
) -> UpdateReport:
    """Scan, fit, encode, merge and label. See ``IndexWriter.update``."""
    store.check_writable()
    crew = make_crew(jobs)
    scopes = scan(store, folders, progress)
    changes = record(store, scopes)
    if refit:
        _begin_anew(store)
    try:
        fit_all(store, crew, progress)
        outcome = Encoder(store, crew, progress).run()
    finally:
        crew.close()
    stale = _promote(store)
    derive_all(store, progress)
    table = None if labels is None else apply_labels(store, labels, scopes)
    return _report(changes, outcome, (*stale, *_notes(store)), table)


def _begin_anew(store: Store) -> None:
    """Note that every representation that has learnt something is to learn again."""
    found = bindings(store.catalogue)
    begun = {b.name for b in found if b.is_next}
    with store.catalogue.transaction():
        for binding in found:
            if binding.n_fitted and binding.base is None and binding.name not in begun:
                add_binding(store.catalogue, binding.name, binding.settings, is_next=True)


def _promote(store: Store) -> tuple[str, ...]:
    """Let what was fitted anew take the place of the old, once nothing lacks it any more.

    What was learnt on the old one means nothing on the new one, and is dropped; a note of each is returned.
    """
    found = bindings(store.catalogue)
    complete = [b for b in found if b.is_next and b.is_fitted and not n_lacking(store.catalogue, b.id)]
    stale: list[str] = []
    for new in complete:
        old = next(b for b in found if b.name == new.name and not b.is_next)
        with store.catalogue.transaction():
            replace_binding(store.catalogue, old.id, new.id)
            stale += drop_derived(store, new.name)
    if complete:
        store.sweep()
    return tuple(
        f"{name} was learnt on vectors that are no more, and is dropped; learn it again with "
        "`semblance learn-metric`"
        for name in stale
    )


def _notes(store: Store) -> tuple[str, ...]:
    n = len(readable(store.catalogue))
    return tuple(
        f"{b.name} learnt when there were {b.n_sources} files, now {n}; `--refit` lets it learn again"
        for b in bindings(store.catalogue)
        if b.n_fitted and b.base is None and n > _GROWTH * b.n_sources
    )


def _report(
    changes: Changes, outcome: Outcome, notes: tuple[str, ...], labels: LabelReport | None
) -> UpdateReport:
    failed = {source for source, _, _ in outcome.failures}
    skipped = [(name, f.reason) for _, name, f in outcome.failures if f.state is not State.IGNORED]
    return UpdateReport(
        added=len(changes.new - failed),
        changed=len(changes.changed - failed),
        removed=changes.n_gone,
        unchanged=changes.n_unchanged,
        skipped=tuple(sorted([*changes.skipped, *skipped])),
        ignored=changes.n_ignored + sum(f.state is State.IGNORED for _, _, f in outcome.failures),
        pictures=outcome.n_pictures,
        notes=notes,
        labels=labels,
        withdrawn=tuple(changes.withdrawn),
    )
