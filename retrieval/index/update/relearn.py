"""What was learnt and is stale: metrics and profiles, which learn again here, and the weights of fusions."""

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
from .learn_profile import learn_profile
from .profile_options import options_again
from .training_set import MetricOptions


def stale_metrics(flow: Flow) -> Iterator[tuple[str, str]]:
    """Yield the learnt metrics and profiles that are stale, and why."""
    for name in _metrics(flow):
        if because := flow.because(f"learn {name}"):
            yield name, because


def _metrics(flow: Flow) -> Iterator[str]:
    names = (name.removeprefix("learn ") for name in flow.nodes if name.startswith("learn "))
    yield from (name for name in names if "+" in name)


def stale_fusions(store: Store, flow: Flow) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the representations whose learnt weights are stale, and why."""
    for learnt in read_fusions(store.catalogue):
        name = weigh(learnt.by)
        if name in flow.nodes and (because := flow.because(name)):
            yield learnt.by, because


def stale_notes(store: Store) -> tuple[str, ...]:
    """Return a note for all that was learnt and is stale; it goes on answering as it is."""
    flow = Flow(store)
    metrics = (
        f"{name} is stale, because {because}; {_remedy(flow, f'learn {name}')} learns it again"
        for name, because in stale_metrics(flow)
    )
    weights = (
        f"the weights of {', '.join(by)} are stale, because {because}; "
        f"{_remedy(flow, weigh(by))} learns them again"
        for by, because in stale_fusions(store, flow)
    )
    return (*metrics, *weights)


def _remedy(flow: Flow, name: str) -> str:
    missing = flow.missing(name)
    return (f"{missing}; " if missing else "") + flow.remedy(name)


def relearn(store: Store, progress: Progress) -> tuple[str, ...]:
    """Learn what is stale again, as it was learnt; return a note of each that could not be."""
    notes: list[str] = []
    for name, kept in _to_learn(store).items():
        try:
            if "reports" in kept:
                learn_profile(store, options_again(kept), progress)
            else:
                learner = MetricLearner(**kept["learner"])
                learn_metric(store, MetricOptions(**{**kept, "learner": learner}), progress)
        except (FitError, SettingError) as error:  # such as no labels any more
            notes.append(f"{name} could not be learnt again: {error}")
    return tuple(notes)


def _to_learn(store: Store) -> dict[str, Mapping[str, Any]]:
    """Return with what metrics are to be learnt again, by name."""
    flow, records = Flow(store), read_records(store.catalogue)
    # Of those whose tables are not there it is unknown if they are stale, which is reported.
    stale = {name for name, _ in stale_metrics(flow)}
    again = [name for name in _metrics(flow) if name in stale or flow.missing(f"learn {name}")]
    found = {name: flow.options(f"learn {name}") for name in again}
    present = {b.name for b in stored_representations(store.catalogue)}
    # Those whose base was replaced, the one that was learnt last of each name. It is asked of the catalogue:
    # whoever set them aside may have been killed.
    for metric in set_aside(store.catalogue):
        record = records.get(str(metric.recipe))
        if metric.base in present and metric.name not in present and record is not None:
            found[metric.name] = record.options
    return {name: options for name, options in found.items() if options is not None}
