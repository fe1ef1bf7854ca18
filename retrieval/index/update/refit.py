"""Learning again: a representation of the same name, with its old settings or new ones, replaces the present.

The present one answers until the next has encoded every file. One whose settings were changed is then set
aside, with the metrics that were learnt on it, and comes back when its settings do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..catalogue.files import n_lacking
from ..catalogue.flow_records import read_records
from ..catalogue.recipe import canonical
from ..catalogue.representations import (
    StoredRepresentation,
    add_representation,
    bring_back,
    drop_representation,
    put_aside,
    set_aside,
    stored_representations,
    take_over_fit,
)
from ..storage.store import Store
from .flow import Flow, version_of
from .learnt_of import is_profile


def begin_anew(store: Store) -> None:
    """Record that every representation that learnt from images is to learn again."""
    learnt = [b.name for b in stored_representations(store.catalogue) if b.n_fitted]
    _begin(store, learnt)


def begin_stale(store: Store) -> None:
    """Record that representations whose version is not that of their vectors are to encode all anew."""
    flow = Flow(store)
    _begin(store, [name.removeprefix("encode ") for name in flow.nodes if _is_stale(flow, name)])


def _is_stale(flow: Flow, name: str) -> bool:
    return name.startswith("encode ") and bool(flow.because(name))


def _begin(store: Store, names: list[str]) -> None:
    found = stored_representations(store.catalogue)
    # An interrupted refit is continued, not begun again.
    begun = {b.name for b in found if b.is_next}
    with store.catalogue.transaction():
        for stored in found:
            if stored.name in names and stored.base is None and stored.name not in begun:
                add_representation(store.catalogue, stored.name, stored.settings, is_next=True)


def change_settings(store: Store, present: StoredRepresentation, settings: Mapping[str, Any]) -> None:
    """Record that a representation is to have other settings, or those that it has after all."""
    wanted = canonical(dict(settings))
    found = [b for b in stored_representations(store.catalogue) if b.name == present.name and b.is_next]
    begun = next((b for b in found if canonical(dict(b.settings)) == wanted), None)
    with store.catalogue.transaction():
        # Another change that was begun, and is not wanted any more.
        for other in (b for b in found if b is not begun):
            drop_representation(store.catalogue, other.id)
        if begun is not None or canonical(dict(present.settings)) == wanted:
            return
        aside = [b for b in set_aside(store.catalogue) if b.name == present.name]
        known = next((b for b in aside if canonical(dict(b.settings)) == wanted), None)
        # As the next, since it may lack the files that came while it was aside.
        if known is None:
            add_representation(store.catalogue, present.name, settings, is_next=True)
        else:
            bring_back(store.catalogue, known.id, is_next=True)


def cut_off(store: Store) -> None:
    """Drop what was fitted again and came out as it was: nothing that depends on it is to be done."""
    found = stored_representations(store.catalogue)
    present = {b.name: b for b in found if not b.is_next}
    records = read_records(store.catalogue)
    same = [b for b in found if b.is_next and b.is_fitted and b.recipe == present[b.name].recipe]
    for new in same:
        record = records.get(str(new.recipe))
        # A newer version of the step makes other vectors by the same recipe.
        if record is None or record.version == version_of(store, new):
            with store.catalogue.transaction():
                take_over_fit(store.catalogue, present[new.name].id, new.id)
    if same:
        store.sweep()


def promote(store: Store, remake: bool) -> tuple[str, ...]:
    """Let the next representations that have encoded every file take the place of the present ones.

    Metrics learnt on the old vectors mean nothing on the new ones; returns a note of each that is gone. Those
    that can be learnt again are set aside for it if ``remake``.
    """
    found = stored_representations(store.catalogue)
    complete = [b for b in found if b.is_next and b.is_fitted and not n_lacking(store.catalogue, b.id)]
    notes: list[str] = []
    for new in complete:
        old = next(b for b in found if b.name == new.name and not b.is_next)
        # Base and metrics change in one commit: no query may project new vectors by an old metric.
        with store.catalogue.transaction():
            notes += _replace(store, old, new, remake)
    if complete:
        store.sweep()
    return tuple(notes)


def _replace(store: Store, old: StoredRepresentation, new: StoredRepresentation, remake: bool) -> list[str]:
    catalogue, records = store.catalogue, read_records(store.catalogue)
    metrics = [b for b in stored_representations(catalogue) if b.base == new.name]
    is_changed = canonical(dict(old.settings)) != canonical(dict(new.settings))
    for metric in metrics:
        record = records.get(str(metric.recipe))
        if is_changed or (remake and record is not None and record.options is not None):
            put_aside(catalogue, metric.id)
        else:
            drop_representation(catalogue, metric.id)
    (put_aside if is_changed else drop_representation)(catalogue, old.id)
    bring_back(catalogue, new.id, is_next=False)
    # What comes back was made by the version of its record.
    if not is_changed or str(new.recipe) not in records:
        Flow(store).record(f"encode {new.name}")
    flow = Flow(store)
    back = [b for b in set_aside(catalogue) if b.base == new.name and flow.fits(b)]
    for metric in back:
        bring_back(catalogue, metric.id, is_next=False)
    what = (
        "with the old settings of {}, and is set aside"
        if is_changed
        else "on vectors that are no more, and is dropped"
    )
    there = {metric.name for metric in back}
    return [
        f"{metric.name} was learnt {what}; learn it again with `semblance {_command(metric)}`"
        for metric in sorted(metrics, key=lambda metric: metric.name)
        if not remake and metric.name not in there
    ]


def _command(metric: StoredRepresentation) -> str:
    return "learn-profile" if is_profile(metric) else "learn-metric"
