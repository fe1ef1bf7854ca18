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
    name : what is done, and of which representation; or what is given, such as ``files`` or ``labels``.
    key : hash of its version, settings and inputs; empty of a step that was never done, and of a table that
        is not there.
    inputs : the names of the steps before it.
    runs : of how many files the next `semblance index` does it; 0 if it is up to date.
    because : why it runs, or is stale; empty if it is up to date.
    missing : the tables that it is made of and that are not where they were; whether they changed is unknown.
    remedy : the command that makes it again; empty if it is up to date as far as is known.
    """

    name: str
    key: str
    inputs: Sequence[str]
    runs: int
    because: str
    missing: str = ""
    remedy: str = ""


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
        given = [StepState(name, flow.key(name), (), 0, "") for name in flow.sources]
        known = []
        for name, node in flow.nodes.items():
            step = waiting.pop(name, None)
            about = (name, flow.key(name), node.inputs)
            if step is None:
                because, missing = flow.because(name), flow.missing(name)
                remedy = flow.remedy(name) if because or missing else ""
                known.append(StepState(*about, 0, because, missing, remedy))
            else:
                known.append(StepState(*about, step.files, step.because))
        # What is not in the flow yet, such as a representation that has learnt nothing.
        new = [StepState(step.name, "", (), step.files, step.because) for step in waiting.values()]
        return [*given, *known, *new]
