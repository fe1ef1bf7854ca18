"""What was learnt from labels and is stale: metrics, which learn again here, and the weights of fusions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import FitError, SettingError
from ...metric_learning import MetricLearner
from ..catalogue.flow_records import read_records
from ..catalogue.learned_fusions import read_fusions
from ..catalogue.representations import set_aside, stored_representations
from ..progress import Progress
from ..storage.store import Store
from .flow import Flow, weigh
from .learn_metric import learn_metric
from .training_set import MetricOptions


def stale_metrics(store: Store) -> Iterator[tuple[str, str]]:
    """Yield the learnt metrics that are stale, and why."""
    flow = Flow(store)
    for name in flow.nodes:
        if name.startswith("learn ") and "+" in name and (because := flow.because(name)):
            yield name.removeprefix("learn "), because


def stale_fusions(store: Store) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the representations whose learnt weights are stale, and why."""
    flow = Flow(store)
    for learnt in read_fusions(store.catalogue):
        name = weigh(learnt.by)
        if name in flow.nodes and (because := flow.because(name)):
            yield learnt.by, because


def stale_notes(store: Store) -> tuple[str, ...]:
    """Return a note for all that was learnt from labels and is stale; it goes on answering as it is."""
    metrics = (
        f"{name} is stale, because {because}; `semblance index --remake` learns it again"
        for name, because in stale_metrics(store)
    )
    weights = (
        f"the weights of {', '.join(by)} are stale, because {because}; "
        "`semblance index --remake` learns them again"
        for by, because in stale_fusions(store)
    )
    return (*metrics, *weights)


def relearn(store: Store, progress: Progress) -> tuple[str, ...]:
    """Learn stale metrics again, as they were learnt; return a note of each that could not be."""
    notes: list[str] = []
    for name, kept in _to_learn(store).items():
        own = dict(kept)
        options = MetricOptions(**{**own, "learner": MetricLearner(**own["learner"])})
        try:
            learn_metric(store, options, progress)
        except (FitError, SettingError) as error:  # such as no labels any more
            notes.append(f"{name} could not be learnt again: {error}")
    return tuple(notes)


def _to_learn(store: Store) -> dict[str, Mapping[str, Any]]:
    """Return with what metrics are to be learnt again, by name."""
    flow, records = Flow(store), read_records(store.catalogue)
    found = {name: flow.options(f"learn {name}") for name, _ in stale_metrics(store)}
    present = {b.name for b in stored_representations(store.catalogue)}
    # Those whose base was replaced, the one that was learnt last of each name. It is asked of the catalogue:
    # whoever set them aside may have been killed.
    for metric in set_aside(store.catalogue):
        record = records.get(str(metric.recipe))
        if metric.base in present and metric.name not in present and record is not None:
            found[metric.name] = record.options
    return {name: options for name, options in found.items() if options is not None}
