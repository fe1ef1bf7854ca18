"""Remembering people: slow hashes of the patients of label tables are computed once, not by each query.

A table names a patient by a text, a file by a hash of the PatientID. To compare them the text is hashed as
the file's was, which for thousands of patients takes minutes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from os import sched_getaffinity

from ...readers.pseudonym import SLOW, Key, hashed, recalled, remembered
from ..catalogue.database import Catalogue
from ..catalogue.people import kept_people
from ..catalogue.stored_json import parse
from ..progress import Progress
from ..storage.store import Store

_BATCH = 256


def remember_people(store: Store, progress: Progress) -> None:
    """Keep the hashes of all patients of label tables, in one commit."""
    catalogue, key = store.catalogue, store.salt
    if key.function != SLOW:
        return
    known, names = kept_people(catalogue), _patients(catalogue)
    new = [name for name in names if recalled(key, name, known) is None]
    found = dict(_hashed(key, new, progress))
    every = {name: found.get(name) or recalled(key, name, known) or "" for name in names}
    # Those of patients that no table names any more go.
    kept = dict(sorted(remembered(key, name, pseudonym) for name, pseudonym in every.items()))
    if kept != known:
        with catalogue.transaction():
            catalogue.run("INSERT OR REPLACE INTO meta VALUES ('people', ?)", json.dumps(kept))


def _patients(catalogue: Catalogue) -> list[str]:
    rows = catalogue.rows("SELECT columns FROM label WHERE columns LIKE '%\"patient\"%' ORDER BY name")
    cells = (parse(text, dict, "a label") for (text,) in rows)
    return list(dict.fromkeys(str(own["patient"]) for own in cells if "patient" in own))


def _hashed(key: Key, names: Sequence[str], progress: Progress) -> list[tuple[str, str]]:
    """Return names with their hashes; scrypt lets other threads run."""
    found: list[tuple[str, str]] = []
    with ThreadPoolExecutor(len(sched_getaffinity(0))) as pool:
        for start in range(0, len(names), _BATCH):
            some = names[start : start + _BATCH]
            found += zip(some, pool.map(lambda name: hashed(key, "patient", name), some), strict=True)
            progress("patients", len(found), len(names))
    return found
