"""Drawing tiles of a slide to learn from: they are chosen before any is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...readers.guarded import guarded_items
from ...readers.slides.reader import tile_names
from ...readers.tiling import Tile
from ..catalogue.tombstones import tombstone_key
from .worker_messages import Setup, Task


@dataclass(frozen=True)
class DrawnTiles:
    """The tiles of a slide with the smallest keys, and how many tiles it has."""

    tiles: list[Tile]
    n_tiles: int


def draw_tiles(task: Task, setup: Setup, key: Callable[[str], int]) -> DrawnTiles | None:
    """Return the tiles of a slide that are drawn to learn from; None if the file is no slide.

    Parameters
    ----------
    key : of the name of an image; those with the smallest are drawn, as of any file of many frames.
    """
    if setup.tiling is None:
        return None
    arguments = task.path, task.name, setup.tiling, setup.salt
    found = next(guarded_items(tile_names, task.path, task.name, *arguments, limits=setup.limits), None)
    if found is None:
        return None
    # What is removed is not learnt from either, as of any other file.
    names = {f"{task.name}#{tile}": tile for tile in found}
    kept = [name for name in names if not task.skip or tombstone_key(setup.salt, name) not in task.skip]
    return DrawnTiles([names[name] for name in sorted(kept, key=key)[: task.sample]], len(kept))
