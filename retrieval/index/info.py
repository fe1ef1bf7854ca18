"""Information on an index: what it holds, in numbers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .catalogue.chosen_rankers import chosen_rankers
from .catalogue.files import n_lacking
from .catalogue.learned_fusions import LearntFusion, read_fusions
from .catalogue.pictures import count_unlabelled
from .catalogue.privacy import n_not_looked_at, n_with_text, with_text
from .catalogue.representations import (
    Segment,
    StoredRepresentation,
    segments,
    set_aside,
    stored_representations,
)
from .storage.ranker_choice import structure_of
from .storage.store import Store

LISTED = 100
"""How many of the images with burned-in text are named."""


def info(store: Store) -> Mapping[str, Any]:
    """Return counts, sizes in bytes, and the representations and learned fusions, as JSON can hold them."""
    # One snapshot, so that the counts belong together while a writer commits.
    with store.catalogue.snapshot():
        rows = store.catalogue.rows
        found = segments(store.catalogue)
        n_pictures = rows("SELECT count(*) FROM picture")[0][0]
        return {
            "format": store.catalogue.format,
            "window": store.window.text,
            "key": _key(store),
            "names": store.privacy.names,
            "thumbnails": store.privacy.thumbnails,
            "folders": _folders(store),
            "files": dict(rows("SELECT state, count(*) FROM source GROUP BY state ORDER BY state")),
            "skipped": dict(
                rows(
                    "SELECT name, reason FROM source WHERE state NOT IN ('read', 'pending', 'ignored') "
                    "OR (state = 'read' AND reason != '')"
                )
            ),
            "pictures": n_pictures,
            "burned_in": n_with_text(store.catalogue),
            # The first of very many: `audit` lists them all.
            "burned_in_images": {
                name: str(mark) for name, mark in with_text(store.catalogue, LISTED).items()
            },
            "text_not_looked_for": n_not_looked_at(store.catalogue),
            "labelled": n_pictures - count_unlabelled(store.catalogue),
            # All files of the folder, also those that the next writer will sweep: what the disk holds.
            "bytes": sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file()),
            "fusions": [_fusion(learned) for learned in read_fusions(store.catalogue)],
            "representations": [
                _representation(store, b, found) for b in stored_representations(store.catalogue)
            ],
            **_aside(store, found),
        }


def _folders(store: Store) -> list[str]:
    rows = store.catalogue.rows("SELECT path FROM root ORDER BY id")
    return ["hidden" if store.catalogue.names.are_hidden else os.fsdecode(path) for (path,) in rows]


def _key(store: Store) -> str:
    """Say where the key of the hashes is, by its id."""
    if store.catalogue.rows("SELECT 1 FROM meta WHERE key = 'salt'"):
        return "in the index"
    id = store.catalogue.meta("key")
    return id if store.salt.is_known else f"{id}, not at hand"


def _fusion(learned: LearntFusion) -> Mapping[str, Any]:
    return {
        "name": " & ".join(learned.by),
        "weights": list(learned.weights),
        "queries": learned.n_queries,
        "trial": dict(learned.trial),
    }


def _representation(store: Store, stored: StoredRepresentation, found: list[Segment]) -> Mapping[str, Any]:
    own = [s for s in found if s.representation == stored.id]
    return {
        "name": stored.name,
        "settings": dict(stored.settings),
        "recipe": stored.recipe,
        "fitted_on": stored.n_fitted,
        "report": dict(stored.report),
        "replaces_present": stored.is_next,
        "files_lacking": n_lacking(store.catalogue, stored.id),
        "segments": len(own),
        "bytes": sum(s.size for s in own),
        **_ranker(store, stored.name, own),
    }


def _aside(store: Store, found: list[Segment]) -> Mapping[str, Any]:
    """Say what is kept of settings that were changed; nothing if none were."""
    aside = set_aside(store.catalogue)
    own = {b.id: sum(s.size for s in found if s.representation == b.id) for b in aside}
    accounts = [{"name": b.name, "settings": dict(b.settings), "bytes": own[b.id]} for b in aside]
    return {"set_aside": accounts} if accounts else {}


def _ranker(store: Store, name: str, own: list[Segment]) -> Mapping[str, Any]:
    """Say which ranker was chosen, and how many images have search structures; nothing if none."""
    found = Counter[str]()
    for segment in own:
        if (structure := structure_of(store.folder / "segments" / segment.folder)) is not None:
            found[structure] += segment.n
    chosen = chosen_rankers(store.catalogue)
    ranker = {"ranker": chosen[name]} if name in chosen else {}
    return {**ranker, **({"in_structures": dict(found)} if found else {})}


def without_images(output: Path) -> str:
    """Return the end of the message about a run that leaves an index without images."""
    # It says what is kept, so that nobody takes the folder for an answer, or for damaged.
    return (
        f"holds no image that can be read; {output} is there without images, and the same command fills it "
        "once there are some"
    )
