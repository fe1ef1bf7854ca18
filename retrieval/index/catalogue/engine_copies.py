"""The copies of vectors that engines hold, in a row of ``meta``; an index without it has none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from ...errors import REPAIR, IndexFolderError
from .database import Catalogue
from .stored_json import parse

_KEY = "copies"


@dataclass(frozen=True)
class StoredCopy:
    """What an engine holds of the vectors of one representation.

    Parameters
    ----------
    engine : the ranker with its address, ``milvus:http://host:19530``.
    name : of the copy at the engine.
    recipe : of the representation when it was copied; vectors of another one are others.
    commit : the number of the commit that it was brought up to.
    ranges : first and last number of runs of images that were copied, rising.
    columns : whose cells were copied, in the order of their numbers.
    recall : the share of the ten best that its candidates held, on a sample, when it was brought up to date.
    """

    engine: str
    name: str
    recipe: str
    commit: int
    ranges: list[list[int]]
    columns: list[str]
    recall: float


def stored_copies(catalogue: Catalogue) -> Mapping[str, StoredCopy]:
    """Return the copies, by the names of representations."""
    found = catalogue.rows("SELECT value FROM meta WHERE key = ?", _KEY)
    known = {} if not found else parse(str(found[0][0]), dict, "what engines hold")
    try:
        return {name: StoredCopy(**copy) for name, copy in known.items()}
    except TypeError as error:
        raise IndexFolderError(
            f"the catalogue is damaged: what engines hold cannot be read; {REPAIR}"
        ) from error


def note_copy(catalogue: Catalogue, by: str, copy: StoredCopy | None) -> None:
    """Remember a copy, or None that there is no more, inside a transaction."""
    known = {name: one for name, one in stored_copies(catalogue).items() if name != by}
    _keep(catalogue, known if copy is None else {**known, by: copy})


def forget_copies(catalogue: Catalogue) -> None:
    """Know of no copy, inside a transaction; what engines hold stays there."""
    catalogue.run("DELETE FROM meta WHERE key = ?", _KEY)


def keep_current(catalogue: Catalogue) -> None:
    """Say of copies of the last commit that they are of this one, in a transaction that changes no image."""
    # Else each note on one copy would make all others, whose filters depend on the commit, look old.
    now = catalogue.generation
    known = stored_copies(catalogue)
    if any(one.commit == now - 1 for one in known.values()):
        _keep(catalogue, {n: replace(c, commit=now) if c.commit == now - 1 else c for n, c in known.items()})


def _keep(catalogue: Catalogue, copies: Mapping[str, StoredCopy]) -> None:
    text = json.dumps({name: asdict(one) for name, one in copies.items()}, sort_keys=True)
    catalogue.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", _KEY, text)
