"""Learned fusions: the weights learnt for some representations of an index, kept in its catalogue."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...errors import SettingError
from .database import Catalogue
from .representations import StoredRepresentation

_KEY = "fusions"
"""They are one JSON text in ``meta``: a table of their own would have been a new format."""


@dataclass(frozen=True)
class LearntFusion:
    """The weight of each representation when they are fused.

    Parameters
    ----------
    by : the representations, in order of name.
    recipes : their recipe hashes when the weights were learnt; with any other recipe the weights are void.
    weights : one for each representation, at least 0; they sum to 1.
    n_queries : the number of queries they were learnt from.
    trial : mAP on held-out queries of other groups, by rule of fusion; empty if there were too few groups.
    n_trial : the number of held-out queries.
    """

    by: tuple[str, ...]
    recipes: tuple[str, ...]
    weights: tuple[float, ...]
    n_queries: int
    trial: Mapping[str, float]
    n_trial: int


def read_fusions(catalogue: Catalogue) -> list[LearntFusion]:
    """Return all learned fusions, in the order in which they were learnt."""
    rows = catalogue.rows("SELECT value FROM meta WHERE key = ?", _KEY)
    stored: list[dict[str, Any]] = json.loads(rows[0][0]) if rows else []
    return [
        LearntFusion(
            tuple(one["by"]),
            tuple(one["recipes"]),
            tuple(one["weights"]),
            one["n_queries"],
            one["trial"],
            one["n_trial"],
        )
        for one in stored
    ]


def write_fusion(catalogue: Catalogue, learnt: LearntFusion) -> None:
    """Within a transaction: keep weights, in place of those for the same representations."""
    kept = [one for one in read_fusions(catalogue) if one.by != learnt.by]
    text = json.dumps([asdict(one) for one in (*kept, learnt)])
    catalogue.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", _KEY, text)


def weights_of(
    fusions: Sequence[LearntFusion], names: Sequence[str], in_index: Mapping[str, StoredRepresentation]
) -> tuple[float, ...]:
    """Return the learnt weights of some representations, in the order of ``names``.

    Raises
    ------
    SettingError : none were learnt for these, or one of them was fitted again since.
    """
    # A set of representations has one entry, whatever the order in which a query names them.
    wanted = tuple(sorted(names))
    found = next((one for one in fusions if one.by == wanted), None)
    command = f"`semblance learn-fusion INDEX {' '.join(f'--by {name}' for name in wanted)}`"
    if found is None:
        raise SettingError(f"fusion: no weights were learnt for {', '.join(wanted)}; run {command}")
    # Weights are right for the score distributions they were learnt on, which another recipe changes.
    if found.recipes != tuple(in_index[name].recipe for name in wanted):
        raise SettingError(f"fusion: {', '.join(wanted)} were fitted anew since; run {command} again")
    weights = dict(zip(found.by, found.weights, strict=True))
    return tuple(weights[name] for name in names)
