"""Stacks: the slices that lie above each other with an image of the index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrieval.readers.slice_stacks import Slice, find_stacks
from retrieval.readers.tiling import box_of

if TYPE_CHECKING:
    from retrieval.index import Index
    from retrieval.index.storage.snapshot import Snapshot


@dataclass(frozen=True)
class SliceStack:
    """The slices of a stack, in the order of their positions, and the place of the image that was asked."""

    slices: tuple[Slice, ...]
    at: int


def stack_of(index: Index, image: str) -> SliceStack:
    """Return the stack that an image belongs to; itself alone if it has none. SettingError for no image."""
    slices = index.ask(lambda snapshot: _siblings(snapshot, image))
    for stack in find_stacks(slices):
        chosen = tuple(slices[i] for i in stack)
        at = next((place for place, one in enumerate(chosen) if one.name == image), None)
        if at is not None:
            return SliceStack(chosen, at)
    raise AssertionError(f"{image} is in none of its own stacks")


def _siblings(snapshot: Snapshot, image: str) -> list[Slice]:
    """Return all images of an image's series, else of its file, as parts of stacks."""
    position = snapshot.position(image)
    if box_of(snapshot.entry(position).metadata) is not None:
        # Tiles of a slide lie beside each other.
        return [Slice.of(image, {}, {}, snapshot.entry(position).shape)]
    has_series = bool(snapshot.columns.values("series")[position])
    cases = snapshot.stack_positions.cases("series" if has_series else "source")
    found = np.flatnonzero(cases == cases[position]).tolist()
    entries = [snapshot.columns.entry(i) for i in found]
    # Frames of a file without a series are of one all the same; an empty name keeps them together.
    return [Slice.of(one.name, one.groups, one.metadata, one.shape) for one in entries]
