"""Records of the flow: what each result was made of, under its own hash, its recipe.

One JSON text in ``meta``. A result without a record is of an earlier version of Semblance, or was given; it
counts as made of what is there now, so that nothing is made again only because the software is newer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .database import Catalogue
from .learned_fusions import read_fusions
from .stored_json import parse

_KEY = "flow"


@dataclass(frozen=True)
class Record:
    """What a result was made of.

    Parameters
    ----------
    version : of the step that made it.
    inputs : the keys of its inputs at that time, by the names of their nodes.
    options : with which it can be made again; None if it was made of what the index does not keep.
    """

    version: int
    inputs: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] | None = None


def read_records(catalogue: Catalogue) -> dict[str, Record]:
    """Return the records of all results that have one, by recipe."""
    rows = catalogue.rows("SELECT value FROM meta WHERE key = ?", _KEY)
    stored: dict[str, Any] = parse(rows[0][0], dict, "the records of what was made of what") if rows else {}
    return {recipe: Record(**one) for recipe, one in stored.items()}


def write_record(catalogue: Catalogue, recipe: str, record: Record) -> None:
    """Within a transaction: record what a result was made of; records of what is gone are dropped."""
    # Those that are set aside keep theirs: they may come back.
    there = {row[0] for row in catalogue.rows("SELECT recipe FROM representation")}
    there |= {one.record for one in read_fusions(catalogue)}
    kept = {name: one for name, one in read_records(catalogue).items() if name in there}
    text = json.dumps({name: asdict(one) for name, one in {**kept, recipe: record}.items()})
    catalogue.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", _KEY, text)
