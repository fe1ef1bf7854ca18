"""The map of a collection: a place in the plane for each image, kept for the next one who looks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.errors import OptionError
from retrieval.index.search.encode_query import stored_vector
from retrieval.index.storage.annotations import Annotations
from retrieval.index.storage.snapshot import Snapshot
from retrieval.metric_learning.layout_2d import lay_out
from viewer.map_text import cautions
from viewer.queries.query import default_by

from ..opened import Opened

MOST_PLACES = 5000
"""Images on a map: t-SNE of more takes minutes."""
_FEWEST = 3


@dataclass(frozen=True)
class PlacedImage:
    """An image on the map: its name, its first label or nothing, and x (right), y (down) in [0, 1]."""

    name: str
    label: str
    x: float
    y: float


@dataclass(frozen=True)
class Layout:
    """A map: by which representation and method, and whether its images are a sample of those asked for."""

    by: str
    method: str
    places: tuple[PlacedImage, ...]
    is_sample: bool
    caution: str


def map_of(opened: Opened, by: str | None, method: str, where: str | None, limit: int) -> Layout:
    """Return the map of the images that meet a condition. SettingError or FitError if there is none."""
    if not _FEWEST <= limit <= MOST_PLACES:
        raise OptionError(f"{limit} images make no map; ask for {_FEWEST} to {MOST_PLACES}", "limit")
    name = by or default_by(opened.index)
    opened.load([name])
    # Kept with the commit: a later one has other images, and its own map.
    key = ("page map", name, method, where or "", str(limit))
    return opened.index.ask(
        lambda snapshot: snapshot.cached(key, lambda: _laid_out(snapshot, name, method, where, limit))
    )


def _laid_out(snapshot: Snapshot, by: str, method: str, where: str | None, limit: int) -> Layout:
    found = np.flatnonzero(Annotations(snapshot).meets(where or None)).tolist()
    chosen = _sample(found, limit)
    # From the vectors that are stored: no file is read.
    vectors = [stored_vector(snapshot, by, snapshot.names[position]) for position in chosen]
    places = (lay_out(vectors, method) + 1) / 2
    labels = snapshot.columns.values("label")
    placed = [
        # y points upwards in a plot and downwards on a page.
        PlacedImage(snapshot.names[i], str(labels[i][0]) if labels[i] else "", x, 1 - y)
        for i, (x, y) in zip(chosen, places.tolist(), strict=True)
    ]
    return Layout(by, method, tuple(placed), len(chosen) < len(found), " ".join(cautions(method, by)))


def _sample(positions: Sequence[int], limit: int) -> list[int]:
    if len(positions) <= limit:
        return list(positions)
    # A seed, so that the same map comes again.
    return sorted(random.Random(0).sample(positions, limit))
