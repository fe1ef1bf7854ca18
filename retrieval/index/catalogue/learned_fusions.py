"""Learned fusions: the weights learnt for some representations of an index, kept in its catalogue."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...errors import SettingError
from .database import Catalogue
from .representations import StoredRepresentation
from .stored_json import parse

_KEY, _FOLDS_KEY = "fusions", "fusion_folds"
"""Each is one JSON text in ``meta``: a table of their own would have been a new format. Folds name every
image that was learnt from, and are read only when they are asked for."""


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
    decides : whether queries by just these representations are fused so if they name no rule; weights that
        an earlier version learnt decide nothing.
    """

    by: tuple[str, ...]
    recipes: tuple[str, ...]
    weights: tuple[float, ...]
    n_queries: int
    trial: Mapping[str, float]
    n_trial: int
    decides: bool = False

    @property
    def record(self) -> str:
        """Return the name of the record of what it was made of; no recipe is called so."""
        return f"fusion {' '.join(self.by)}"


@dataclass(frozen=True)
class FusionFolds:
    """The weights of a fusion that were learnt without the labels of each of some folds of images.

    Parameters
    ----------
    by : the representations, in order of name.
    weights : of each fold, one for each representation.
    folds : the fold of each image that the fusion has seen, by its number in the index.
    """

    by: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    folds: Mapping[int, int]

    def without(self, id: int, names: Sequence[str]) -> tuple[float, ...] | None:
        """Return the weights learnt without an image, in the order of ``names``; None if it was not seen."""
        fold = self.folds.get(id)
        if fold is None:
            return None
        weights = dict(zip(self.by, self.weights[fold], strict=True))
        return tuple(weights[name] for name in names)


RULE: Mapping[str, str] = {"fusion": "z"}
"""What the catalogue of a new index says of the rule that fuses rankings where nobody names one."""


def own_rule(catalogue: Catalogue) -> str:
    """Return the rule that fuses the rankings of an index where nobody names one; ``rrf`` of older ones."""
    found = catalogue.rows("SELECT value FROM meta WHERE key = 'fusion'")
    return str(found[0][0]) if found else "rrf"


def read_fusions(catalogue: Catalogue) -> list[LearntFusion]:
    """Return all learned fusions, in the order in which they were learnt."""
    rows = catalogue.rows("SELECT value FROM meta WHERE key = ?", _KEY)
    stored: list[dict[str, Any]] = parse(rows[0][0], list, "the weights of fusions") if rows else []
    return [
        LearntFusion(
            tuple(one["by"]),
            tuple(one["recipes"]),
            tuple(one["weights"]),
            one["n_queries"],
            one["trial"],
            one["n_trial"],
            one.get("decides", False),
        )
        for one in stored
    ]


def read_folds(catalogue: Catalogue) -> dict[tuple[str, ...], FusionFolds]:
    """Return the folds of the learned fusions that keep some, by their representations in order of name."""
    return {
        by: FusionFolds(
            by, tuple(map(tuple, one["weights"])), dict(zip(one["ids"], one["folds"], strict=True))
        )
        for by, one in ((tuple(stored["by"]), stored) for stored in _stored_folds(catalogue))
    }


def write_fusion(catalogue: Catalogue, learnt: LearntFusion, folds: FusionFolds) -> None:
    """Within a transaction: keep weights and folds, in place of those for the same representations."""
    kept = [one for one in read_fusions(catalogue) if one.by != learnt.by]
    text = json.dumps([asdict(one) for one in (*kept, learnt)])
    catalogue.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", _KEY, text)
    others = [one for one in _stored_folds(catalogue) if tuple(one["by"]) != learnt.by]
    own = {
        "by": folds.by,
        "weights": folds.weights,
        "ids": list(folds.folds),
        "folds": list(folds.folds.values()),
    }
    catalogue.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", _FOLDS_KEY, json.dumps([*others, own]))


def _stored_folds(catalogue: Catalogue) -> list[dict[str, Any]]:
    rows = catalogue.rows("SELECT value FROM meta WHERE key = ?", _FOLDS_KEY)
    stored: list[dict[str, Any]] = json.loads(rows[0][0]) if rows else []
    return stored


def weights_of(
    fusions: Sequence[LearntFusion], names: Sequence[str], in_index: Mapping[str, StoredRepresentation]
) -> tuple[float, ...]:
    """Return the learnt weights of some representations, in the order of ``names``.

    Raises
    ------
    SettingError : none were learnt for these, or one of them was fitted again since.
    """
    wanted = tuple(sorted(names))
    found = _learnt_for(fusions, names)
    command = f"`semblance learn-fusion INDEX {' '.join(f'--by {name}' for name in wanted)}`"
    if found is None:
        raise SettingError(f"fusion: no weights were learnt for {', '.join(wanted)}; run {command}")
    if not _fits(found, in_index):
        raise SettingError(f"fusion: {', '.join(wanted)} were fitted anew since; run {command} again")
    weights = dict(zip(found.by, found.weights, strict=True))
    return tuple(weights[name] for name in names)


def decide(
    fusions: Sequence[LearntFusion], names: Sequence[str], in_index: Mapping[str, StoredRepresentation]
) -> bool:
    """Return whether learnt weights fuse some representations where a query names no rule."""
    found = _learnt_for(fusions, names)
    return found is not None and found.decides and _fits(found, in_index)


def _learnt_for(fusions: Sequence[LearntFusion], names: Sequence[str]) -> LearntFusion | None:
    # A set of representations has one entry, whatever the order in which a query names them.
    return next((one for one in fusions if one.by == tuple(sorted(names))), None)


def _fits(learnt: LearntFusion, in_index: Mapping[str, StoredRepresentation]) -> bool:
    # Weights are right for the score distributions they were learnt on, which another recipe changes.
    return learnt.recipes == tuple(in_index[name].recipe for name in learnt.by)
