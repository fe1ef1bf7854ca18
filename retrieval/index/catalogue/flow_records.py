"""Records of the flow: what each result was made of, under its own hash, its recipe.

JSON texts in ``meta``. A result without a record is of an earlier version of Semblance, or was given; it
counts as made of what is there now, so that nothing is made again only because the software is newer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...errors import PictureError
from .database import Catalogue
from .hidden_names import Names
from .learned_fusions import read_fusions
from .stored_json import parse

_KEY, _SEALED_KEY = "flow", "flow_sealed"
"""A path of reports, or a condition on images, may name a patient: records with one are in a row of their
own, encrypted as addresses of archives are. Earlier versions do not look there, and make nothing of it again.
"""
_LONGEST = 1 << 16  # bytes that can be encrypted


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
    own = {recipe: Record(**one) for recipe, one in _stored(catalogue, _KEY).items()}
    sealed = _stored(catalogue, _SEALED_KEY).items()
    return own | {
        recipe: Record(**{**one, "options": _opened(catalogue, one["options"])}) for recipe, one in sealed
    }


def write_record(catalogue: Catalogue, recipe: str, record: Record) -> None:
    """Within a transaction: record what a result was made of; records of what is gone are dropped."""
    # Those that are set aside keep theirs: they may come back.
    there = {row[0] for row in catalogue.rows("SELECT recipe FROM representation")}
    there |= {one.record for one in read_fusions(catalogue)}
    kept = {name: one for name, one in read_records(catalogue).items() if name in there} | {recipe: record}
    plain = {name: asdict(one) for name, one in kept.items() if not _may_name_a_patient(one)}
    sealed = {name: asdict(one) for name, one in kept.items() if name not in plain}
    _store(catalogue, _KEY, plain)
    _store(
        catalogue,
        _SEALED_KEY,
        {name: {**one, "options": _sealed(catalogue, one["options"])} for name, one in sealed.items()},
    )


def _may_name_a_patient(record: Record) -> bool:
    options = record.options or {}
    return "reports" in options or options.get("where") is not None


def _stored(catalogue: Catalogue, key: str) -> dict[str, Any]:
    rows = catalogue.rows("SELECT value FROM meta WHERE key = ?", key)
    return parse(rows[0][0], dict, "the records of what was made of what") if rows else {}


def _store(catalogue: Catalogue, key: str, records: Mapping[str, Any]) -> None:
    catalogue.run("DELETE FROM meta WHERE key = ?", key)
    if records:
        catalogue.run("INSERT INTO meta VALUES (?, ?)", key, json.dumps(records))


def _sealed(catalogue: Catalogue, options: Mapping[str, Any] | None) -> str | None:
    text = json.dumps(options).encode()
    # A condition beyond all measure is not kept: what it chose is not learnt again by itself.
    return Names(catalogue.key, are_hidden=True).keep(text).hex() if len(text) < _LONGEST else None


def _opened(catalogue: Catalogue, sealed: str | None) -> Mapping[str, Any] | None:
    try:
        opened = Names(catalogue.key, are_hidden=True).path(bytes.fromhex(sealed or ""))
    except (PictureError, ValueError):  # without the key nothing can be made again either
        return None
    if not opened:
        return None
    options: Mapping[str, Any] = parse(opened.decode(), dict, "the records of what was made of reports")
    return options
