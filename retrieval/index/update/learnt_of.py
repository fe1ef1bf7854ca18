"""Of what metrics and profiles are learnt: the inputs of their nodes in the flow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...metadata.reports import TERMS
from ..catalogue.representations import StoredRepresentation


def is_profile(stored: StoredRepresentation) -> bool:
    """Tell if a learnt metric is a semantic profile, which is learnt from reports."""
    return "terms" in stored.settings


def tables_of(profile: str, options: Mapping[str, Any]) -> dict[str, Path]:
    """Return where the tables of a profile are, by the names of their sources."""
    terms = options["terms"] or TERMS
    return {f"reports {profile}": Path(options["reports"]), f"terms {profile}": Path(terms)}


def learnt_of(stored: StoredRepresentation, options: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the inputs of the node in which a metric, or a profile, is learnt."""
    base = f"learn {stored.base}"
    # Only images with a label, or a report, are learnt from: a new file changes nothing until it has one.
    if not is_profile(stored):
        return (base, "labels")
    if "reports" not in (options or {}):
        return (base,)
    labels = ("labels",) if (options or {})["labels"] else ()
    return (base, *labels, *tables_of(stored.name, options or {}))
