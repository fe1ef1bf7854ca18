"""Why: each step of an index with its key, what it is made of, and what would run and because of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..catalogue.database import Catalogue
from .flow import Flow
from .plan import steps_of
from .scanned import Changes
from .throwaway import throwaway


@dataclass(frozen=True)
class StepState:
    """One step of the flow of an index.

    Parameters
    ----------
    name : what is done, and of which representation; or ``files`` or ``labels``, which are given.
    key : hash of its version, settings and inputs; empty of a step that was never done.
    inputs : the names of the steps before it.
    runs : of how many files the next `semblance index` does it; 0 if it is up to date.
    because : why it runs, or would with ``--remake``; empty if it is up to date.
    """

    name: str
    key: str
    inputs: Sequence[str]
    runs: int
    because: str


def why(index: Path) -> list[StepState]:
    """Return all steps of an index, in their order; no folder is looked at, and nothing is changed.

    Raises IndexFolderError if there is no index, or a damaged one.
    """
    # A dry run is of an index that is to be made as well; here there must be one.
    Catalogue.open(index).close()
    # On a copy of the catalogue, which may be of an earlier format, as the dry run.
    with throwaway(index, None, {}) as store:
        flow = Flow(store)
        waiting = {step.name: step for step in steps_of(store, Changes())}
        given = [StepState(name, flow.key(name), (), 0, "") for name in ("files", "labels")]
        known = []
        for name, node in flow.nodes.items():
            step = waiting.pop(name, None)
            because = flow.because(name) if step is None else step.because
            known.append(
                StepState(name, flow.key(name), node.inputs, 0 if step is None else step.files, because)
            )
        # What is not in the flow yet, such as a representation that has learnt nothing.
        new = [StepState(step.name, "", (), step.files, step.because) for step in waiting.values()]
        return [*given, *known, *new]
