"""Fusions: weights that were learnt for some representations of an index, kept in its catalogue."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...errors import SettingError
from .database import Catalogue
from .representations import StoredRepresentation

_KEY = "fusions"


@dataclass(frozen=True)
class LearntFusion:
    """How much each of some representations counts when they are fused.

    Parameters
    ----------
    by : the representations, in order of name.
    recipes : the hashes of what they were when it was learnt; another one makes the weights void.
    weights : of each, at least 0; they sum to 1.
    n_queries : learnt from so many.
    trial : mAP on held-out queries of other groups, by rule of fusion; empty where there were too few groups.
    n_trial : how many those were.
    """

    by: tuple[str, ...]
    recipes: tuple[str, ...]
    weights: tuple[float, ...]
    n_queries: int
    trial: Mapping[str, float]
    n_trial: int


def read_fusions(catalogue: Catalogue) -> list[LearntFusion]:
    """Return what was learnt, in the order in which it was."""
    rows = catalogue.rows("SELECT value FROM meta WHERE key = ?", _KEY)
    told: list[dict[str, Any]] = json.loads(rows[0][0]) if rows else []
    return [
        LearntFusion(
            tuple(one["by"]),
            tuple(one["recipes"]),
            tuple(one["weights"]),
            one["n_queries"],
            one["trial"],
            one["n_trial"],
        )
        for one in told
    ]


def write_fusion(catalogue: Catalogue, learnt: LearntFusion) -> None:
    """Keep what was learnt, in place of what was for the same representations; within a transaction."""
    kept = [one for one in read_fusions(catalogue) if one.by != learnt.by]
    text = json.dumps([asdict(one) for one in (*kept, learnt)])
    catalogue.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", _KEY, text)


def weights_of(
    fusions: Sequence[LearntFusion], names: Sequence[str], there: Mapping[str, StoredRepresentation]
) -> tuple[float, ...]:
    """Return the learnt weights of some representations, in the order of ``names``.

    Raises
    ------
    SettingError : none were learnt for these, or one of them was fitted anew since.
    """
    wanted = tuple(sorted(names))
    found = next((one for one in fusions if one.by == wanted), None)
    command = f"`semblance learn-fusion INDEX {' '.join(f'--by {name}' for name in wanted)}`"
    if found is None:
        raise SettingError(f"fusion: no weights were learnt for {', '.join(wanted)}; run {command}")
    if found.recipes != tuple(there[name].recipe for name in wanted):
        raise SettingError(f"fusion: {', '.join(wanted)} were fitted anew since; run {command} again")
    weights = dict(zip(found.by, found.weights, strict=True))
    return tuple(weights[name] for name in names)
