"""Learning a metric: labels and stored vectors become one more representation of an index, in one commit."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from ...errors import IndexFolderError, SettingError
from ...metric_learning import LearnedMetric
from ..catalogue.recipe import Factories, recipe_hash
from ..catalogue.representations import (
    Segment,
    StoredRepresentation,
    add_binding,
    bindings,
    drop_binding,
    note_fit,
)
from ..progress import Progress, silent
from ..storage.snapshot import Snapshot
from ..storage.store import Store
from .derived import derive, encoded_sources, note
from .training_set import MetricOptions, MetricReport, TrainingSet


def learn_metric(
    folder: Path,
    terms: MetricOptions,
    *,
    progress: Progress = silent,
    factories: Factories | None = None,
) -> MetricReport:
    """Learn a metric from labels, on the vectors that an index holds, and add it to the index.

    It becomes a representation ``by+name``, in one commit, with the vectors of all pictures; one of that name
    is replaced. Later updates derive those of new pictures from the vectors of the base.

    Parameters
    ----------
    folder : the index; no other process may be writing to it.
    terms : what is learnt from, and how.
    progress : hears the stages ``learn``, ``try out`` and ``derive NAME``.
    factories : as ``Index.open`` takes them.

    Raises
    ------
    SettingError : no such representation or column, a condition that makes no sense, no label for any
        picture, or scikit-learn is not installed.
    FitError : fewer than two classes of two pictures, or nothing to tell them apart by.
    IndexFolderError : no index, a damaged one, or another process writes to it. In all cases the index stays
        as it was.
    """
    store = Store.open(Path(folder), True, factories or {})
    try:
        return _learn(store, terms, progress)
    finally:
        store.close()


def drop_metric(folder: Path, name: str, *, factories: Factories | None = None) -> None:
    """Take a learnt metric out of an index. Raise SettingError where there is none of that name."""
    store = Store.open(Path(folder), True, factories or {})
    try:
        learnt = {b.name: b.id for b in bindings(store.catalogue) if b.base is not None}
        if name not in learnt:
            there = ", ".join(learnt) or "none"
            raise SettingError(f"{name}: no learnt metric of this index; it has {there}")
        with store.catalogue.transaction():
            drop_binding(store.catalogue, learnt[name])
        store.sweep()
    finally:
        store.close()


def _learn(store: Store, terms: MetricOptions, progress: Progress) -> MetricReport:
    snapshot = Snapshot(store)
    base = snapshot.binding(terms.by)
    representation = store.representation(base)
    lesson = TrainingSet(store, snapshot, base, representation, terms)
    progress("learn", 0, 0)
    projection = terms.learner.learn(lesson.vectors, lesson.classes)
    settings = {"base_recipe": base.recipe, **asdict(terms.learner)}
    made = LearnedMetric(representation, terms.full_name, **settings).with_projection(projection)
    progress("try out", 0, 0)
    report = lesson.report(made, lesson.trial() if terms.has_trial else None)
    _publish(store, base, made, report, progress)
    return report


def _publish(
    store: Store, base: StoredRepresentation, made: LearnedMetric, report: MetricReport, progress: Progress
) -> None:
    """Write the vectors of all pictures; then name all in one commit, in place of one of the same name."""
    batches: list[tuple[list[int], Segment | None]] = []
    sources = encoded_sources(store, base.id)
    for batch, segment in derive(store, base, made, sources):
        batches.append((batch, segment))
        progress(f"derive {made.name}", sum(len(b) for b, _ in batches), len(sources))
    model = store.save_model(made.learnt())
    recipe = recipe_hash(store.window.text, made.name, made.settings, made.learnt())
    with store.catalogue.transaction():
        now = {b.name: b for b in bindings(store.catalogue) if not b.is_next}
        if now[base.name].recipe != base.recipe:
            raise IndexFolderError(f"{base.name}: was fitted anew meanwhile; run the same command again")
        if made.name in now:
            drop_binding(store.catalogue, now[made.name].id)
        id = add_binding(store.catalogue, made.name, made.settings)
        n = sum(report.classes.values())
        account = {} if report.trial is None else report.trial.account
        told = {"classes": len(report.classes), "dimension": report.dimension, **account}
        note_fit(store.catalogue, id, recipe=recipe, model=model, n_fitted=n, report=told)
        for batch, segment in batches:
            note(store, id, batch, segment)
    store.sweep()
