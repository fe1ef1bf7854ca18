"""The chosen rankers: which ranker the user gave each representation, in a row of ``meta``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from .database import Catalogue
from .engine_copies import forget_copies, keep_current
from .stored_json import parse

AUTO = "auto"
"""What a representation has that none was chosen for, as in all older indexes."""

_KEY = "rankers"


def chosen_rankers(catalogue: Catalogue) -> Mapping[str, str]:
    """Return the chosen ranker of representations, by name; those that are not there have ``auto``."""
    found = catalogue.rows("SELECT value FROM meta WHERE key = ?", _KEY)
    return {} if not found else parse(str(found[0][0]), dict, "the choice of rankers")


def choose_ranker(catalogue: Catalogue, names: Iterable[str], ranker: str) -> None:
    """Give representations a ranker, in one commit."""
    chosen = {**chosen_rankers(catalogue), **dict.fromkeys(names, ranker)}
    kept = {name: ranker for name, ranker in sorted(chosen.items()) if ranker != AUTO}
    with catalogue.transaction():
        catalogue.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", _KEY, json.dumps(kept))
        keep_current(catalogue)


def forget_engines(catalogue: Catalogue) -> None:
    """Keep no engine as a ranker, and know of no copy, within a transaction."""
    kept = {name: ranker for name, ranker in chosen_rankers(catalogue).items() if ":" not in ranker}
    catalogue.run("UPDATE meta SET value = ? WHERE key = ?", json.dumps(kept), _KEY)
    forget_copies(catalogue)
