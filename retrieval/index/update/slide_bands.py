"""Bands: the tiles of a slide are read by several workers at once, each a part of them.

How a slide is parted depends on the slide alone, and results come back in the order of its tiles: so an index
is the same, to the last bit, whatever the number of workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ...errors import PictureError
from ...readers.guarded import guarded_items
from ...readers.limits import Limits
from ...readers.slides.facts import SlideFacts, slide_facts
from ...readers.slides.opening import may_be_slide
from ...readers.source import Band
from ...readers.tiling import Tiling
from .worker_messages import Setup, Task

TILES_PER_BAND = 128
"""Tiles of the whole grid in a band, of which a third may be on tissue: a second of work or more for one
opening of the file, and few enough that as many bands as there are workers can wait for the first."""
SMALL_FILE = 1 << 18
"""Bytes of a file, 256 KiB, that is not worth a look: a slide of many tiles is larger."""


def in_bands(task: Task, setup: Setup) -> Iterator[Task]:
    """Yield the tasks that together do a task, in their order: several of a large slide, else itself.

    Only the header of a slide is looked at, not where its tissue is.
    """
    n = _n_tiles(task, setup)
    if task.sample:  # of a slide only the tiles that are drawn are read
        n = min(n, task.sample)
    n_bands = -(-n // TILES_PER_BAND)
    if n_bands < 2:
        yield task
        return
    for number in range(n_bands):
        yield replace(task, band=Band(number, n_bands), pixels={})  # no band sees all images


def _n_tiles(task: Task, setup: Setup) -> int:
    """Return how many tiles a slide has, on tissue or not, bounded by what is allowed; 0 for no slide."""
    facts = facts_at(task.path, task.name, setup.tiling, setup.limits, SMALL_FILE)
    if facts is None or setup.tiling is None:
        return 0
    return min(facts.n_tiles(setup.tiling), setup.limits.max_frames)


def facts_at(
    path: Path, name: str, tiling: Tiling | None, limits: Limits, least: int = 0
) -> SlideFacts | None:
    """Return what the header of a slide says; None for what is no slide, or of fewer than ``least`` bytes."""
    if tiling is None:
        return None
    try:
        if not may_be_slide(path, least):
            return None
        return next(guarded_items(slide_facts, path, name, path, tiling, limits=limits), None)
    except (PictureError, OSError):  # whoever reads it says what is wrong
        return None
