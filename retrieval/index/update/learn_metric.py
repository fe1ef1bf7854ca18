"""Metric learning: labels and stored vectors become one more representation of an index, in one commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ...errors import IndexFolderError, SettingError
from ...metric_learning import LearnedMetric
from ..catalogue.recipe import recipe_hash, recipe_settings
from ..catalogue.representations import (
    Segment,
    StoredRepresentation,
    add_representation,
    drop_representation,
    note_fit,
    set_aside,
    stored_representations,
)
from ..progress import Progress
from ..storage.snapshot import Snapshot
from ..storage.store import Store
from .derived import derive, encoded_sources, note
from .flow import Flow
from .training_set import MetricOptions, MetricReport, TrainingSet


def learn_metric(store: Store, options: MetricOptions, progress: Progress) -> MetricReport:
    """Learn a metric from labels, and add it to the index in one commit; see ``IndexWriter.learn_metric``.

    Raises
    ------
    SettingError : no such representation or column, a condition that makes no sense, no label for any image,
        or scikit-learn is not installed.
    FitError : fewer than two classes of two images, or nothing to tell them apart by.
    IndexFolderError : a stored vector is damaged. In all cases the index stays as it was.
    """
    snapshot = Snapshot(store)
    base = snapshot.stored_representation(options.by)
    representation = store.representation(base)
    training = TrainingSet(store, snapshot, base, representation, options)
    progress("learn", 0, 0)  # no steps are known
    projection = options.learner.learn(training.vectors, training.classes)
    held_out = training.held_out()
    progress("try out", 0, 0)
    blend = training.blend(projection, held_out)
    settings = {"base_recipe": base.recipe, **asdict(options.learner), "base_weight": blend.weight}
    made = LearnedMetric(representation, options.full_name, **settings)
    made.with_projection(projection, held_out)
    report = training.report(made, training.trial(blend.weight) if options.has_trial else None, blend)
    account: dict[str, Any] = {} if report.trial is None else report.trial.account
    if report.modalities:
        account["modalities"] = list(report.modalities)
    account |= {"classes": len(report.classes), "dimension": report.dimension, "blend": blend.factor}
    commit_derived(store, base, made, sum(report.classes.values()), account, progress, _kept(options))
    return report


def drop_metric(store: Store, name: str) -> None:
    """Take a learnt metric out of an index. Raise SettingError if there is none of that name."""
    learnt = {b.name: b.id for b in stored_representations(store.catalogue) if b.base is not None}
    if name not in learnt:
        there = ", ".join(learnt) or "none"
        raise SettingError(f"{name}: no learnt metric of this index; it has {there}")
    with store.catalogue.transaction():
        drop_representation(store.catalogue, learnt[name])
        # Nor does it come back, or is learnt again.
        for aside in (b for b in set_aside(store.catalogue) if b.name == name):
            drop_representation(store.catalogue, aside.id)
    store.sweep()


def commit_derived(
    store: Store,
    base: StoredRepresentation,
    made: LearnedMetric,
    n_fitted: int,
    account: Mapping[str, Any],
    progress: Progress,
    options: Mapping[str, Any] | None = None,
    digests: Mapping[str, str] | None = None,
) -> None:
    """Write the vectors of all images; then commit them, in place of a representation of the same name.

    ``account`` is what it says of its fit, ``n_fitted`` how many images it learnt from, ``options`` with what
    it can be learnt again, and ``digests`` those of the tables that it was learnt from. One that comes out as
    it was is not written again.
    """
    recipe = recipe_hash(store.window.text, made.name, recipe_settings(made), made.learnt())
    present = {b.name: b for b in stored_representations(store.catalogue) if not b.is_next}.get(made.name)
    if present is not None and present.recipe == recipe:
        with store.catalogue.transaction():
            model = present.model
            note_fit(
                store.catalogue, present.id, recipe=recipe, model=model, n_fitted=n_fitted, report=account
            )
            Flow(store).record(f"learn {made.name}", options, digests)
        return
    batches: list[tuple[list[int], Segment | None]] = []
    sources = encoded_sources(store, base.id)
    for batch, segment in derive(store, base, made, sources):
        batches.append((batch, segment))
        progress(f"derive {made.name}", sum(len(b) for b, _ in batches), len(sources))
    # Everything is on disk before the commit that names it.
    model = store.save_model(made.learnt())
    # One commit for the metric and all its vectors: a query never sees a metric that lacks images.
    with store.catalogue.transaction():
        # Learning may take minutes. If the base was fitted again since it began, these vectors are void.
        now = {b.name: b for b in stored_representations(store.catalogue) if not b.is_next}
        if now[base.name].recipe != base.recipe:
            raise IndexFolderError(f"{base.name}: was fitted anew meanwhile; run the same command again")
        if made.name in now:
            drop_representation(store.catalogue, now[made.name].id)
        id = add_representation(store.catalogue, made.name, made.settings)
        note_fit(store.catalogue, id, recipe=recipe, model=model, n_fitted=n_fitted, report=account)
        for batch, segment in batches:
            note(store, id, batch, segment)
        Flow(store).record(f"learn {made.name}", options, digests)
    store.sweep()


def _kept(options: MetricOptions) -> Mapping[str, Any] | None:
    """Return options as JSON can hold them; None if the index does not hold what was learnt from."""
    # A table of labels that was given for this alone is not kept.
    if options.labels is not None:
        return None
    return {name: value for name, value in asdict(options).items() if name != "labels"}
