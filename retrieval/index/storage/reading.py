"""Reading images as an index does: through its window, with its salt."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from ...errors import PictureError
from ...picture import Picture
from ...readers.guarded import read_guarded
from ..catalogue.on_disk import locate
from .archived_files import at_hand
from .store import Store


def read_indexed(store: Store, name: str, source: str) -> Picture:
    """Read an indexed image of a source again. Raise PictureError if that is not possible."""
    path = locate(store.catalogue, source)
    if path is None:
        raise PictureError(f"{name}: the index was changed meanwhile; try again")
    frames = [int(name.removeprefix(f"{source}#"))] if name != source else None
    with at_hand(store.catalogue, source, path) as file:
        return next(iter(read_guarded(file, source, window=store.window, salt=store.salt, frames=frames)))


def read_file(store: Store, path: Path, frames: Collection[int] | None) -> Iterator[Picture]:
    """Read the images of any file. Raise PictureError if it cannot be read, or has no such frame."""
    # A frame that is named is wanted, whatever it is; and a query may well be a lower level of a slide.
    also = None if frames is not None else {*store.also, "level"}
    return read_guarded(path, path.name, window=store.window, salt=store.salt, frames=frames, also=also)
