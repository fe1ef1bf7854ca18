"""Systems: what ranks an index, side by side: its representations, what fuses them, and plain baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..baselines import ColourHistogram, Thumbnail
from ..exact import ExactRanker
from ..fusion import fuse
from ..index.query import stored
from ..index.snapshot import Snapshot
from ..picture import Picture
from ..ranker import Ranking, order

Mask = NDArray[np.bool_]
BASELINES = ("random", "thumbnail", "colour")
"""What stands in every table; see ``baselines``."""


@dataclass(frozen=True)
class System:
    """One way of ranking the pictures of an index.

    Parameters
    ----------
    name : in tables.
    rank : ``rank(position, allowed)`` returns all allowed pictures, best first, for the one at a position.
    members : the systems that it fuses; none where it ranks by itself.
    """

    name: str
    rank: Callable[[int, Mask], Ranking]
    members: tuple[str, ...] = ()


def by_representation(snapshot: Snapshot, name: str) -> System:
    """Return the system that ranks by one representation of an index, by stored vectors."""
    ranker = snapshot.ranker(name)

    def rank(position: int, allowed: Mask) -> Ranking:
        vector = stored(snapshot, name, snapshot.names[position])
        return ranker.rank(vector, len(allowed), allowed)

    return System(name, _remembered(rank))


def fused(systems: Sequence[System], how: str) -> System:
    """Return the system that fuses others by a rule that learns nothing; see ``retrieval.fusion.fuse``."""

    def rank(position: int, allowed: Mask) -> Ranking:
        return fuse([system.rank(position, allowed) for system in systems], how)

    names = tuple(system.name for system in systems)
    return System(f"{' & '.join(names)}, {how}", rank, names)


def baselines(snapshot: Snapshot, seed: int = 0) -> list[System]:
    """Return what every system has to beat: a random order, a 16 × 16 thumbnail and a colour histogram.

    The last two are the index's own where it has them; else they are made of its stored thumbnails, so that
    no file is read.
    """
    return [
        System("random", _remembered(partial(_at_random, seed))),
        *(_plain(snapshot, kind) for kind in (Thumbnail(), ColourHistogram())),
    ]


def _plain(snapshot: Snapshot, kind: Thumbnail | ColourHistogram) -> System:
    if kind.name in snapshot.bindings and snapshot.bindings[kind.name].is_fitted:
        return by_representation(snapshot, kind.name)
    ranker = ExactRanker(kind.dimension)
    vectors = [np.asarray(kind.encode(picture).vector) for picture in _small(snapshot)]
    ranker.add(np.arange(len(vectors), dtype=np.int64), vectors)
    return System(kind.name, lambda position, allowed: ranker.rank(vectors[position], len(allowed), allowed))


def _small(snapshot: Snapshot) -> Iterator[Picture]:
    """Yield every picture as its stored thumbnail, by position."""
    for position, name in enumerate(snapshot.names):
        with Image.open(BytesIO(snapshot.thumbnail(position))) as image:
            yield Picture(np.asarray(image, dtype=np.float32) / np.float32(255), name)


def _at_random(seed: int, position: int, allowed: Mask) -> Ranking:
    ids = np.flatnonzero(allowed)
    return order(ids, np.random.default_rng((seed, position)).random(len(ids), dtype=np.float32), len(ids))


def _remembered(rank: Callable[[int, Mask], Ranking]) -> Callable[[int, Mask], Ranking]:
    """Return the same, with the last answer kept: what is fused has just been ranked for itself."""
    last: dict[int, tuple[Mask, Ranking]] = {}

    def again(position: int, allowed: Mask) -> Ranking:
        if position not in last or last[position][0] is not allowed:
            found = rank(position, allowed)
            last.clear()
            last[position] = allowed, found
        return last[position][1]

    return again


def by_name(systems: Sequence[System]) -> Mapping[str, System]:
    """Return systems by their names."""
    return {system.name: system for system in systems}
