"""Reading images as an index does: through its window, with its salt."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ...errors import PictureError
from ...picture import Picture
from ...readers.guarded import guarded_items, read_guarded
from ...readers.slides.deep_zoom import read_zoom_tile
from ...readers.slides.facts import SlideFacts, slide_facts
from ...readers.slides.reader import SlideView, view_slide
from ...readers.slides.slide import RGB
from ...readers.tiling import Frame, Tiling, frames_of
from ..catalogue.on_disk import locate
from .archived_files import at_hand
from .store import Store


def read_indexed(store: Store, name: str, source: str, lent: Path | None = None) -> Picture:
    """Read an indexed image of a source again. Raise PictureError if that is not possible.

    ``lent`` is its file, if that has been fetched from its archive already.
    """
    path = locate(store.catalogue, source)
    if path is None:
        raise PictureError(f"{name}: the index was changed meanwhile; try again")
    frames = frames_of(name, source)
    with at_hand(store.catalogue, source, lent or path) as file:
        if not file.exists():
            raise PictureError(
                f"{name}: its file is not there; bring it back, or run `semblance index FOLDER` "
                "where it is now"
            )
        about: dict[str, Any] = {"window": store.window, "salt": store.salt, "tiling": store.tiling}
        return next(iter(read_guarded(file, source, frames=frames, **about)))


def read_file(store: Store, path: Path, frames: Collection[Frame] | None) -> Iterator[Picture]:
    """Read the images of any file. Raise PictureError if it cannot be read, or has no such frame."""
    # A frame that is named is wanted, whatever it is; and a query may well be a lower level of a slide.
    also = None if frames is not None else {*store.also, "level"}
    # All of its tiles would ask, thousands of them.
    if frames is None and store.tiling is not None and facts_of(path, store.tiling) is not None:
        scale = store.tiling.um_per_px[0]
        raise PictureError(
            f"{path.name}: a whole slide; mark a field of it by --region X,Y,W,H, or name one, such as "
            f"'{path.name}#{scale}um/0,0,1000,1000'"
        )
    about: dict[str, Any] = {"window": store.window, "salt": store.salt, "tiling": store.tiling}
    return read_guarded(path, path.name, frames=frames, also=also, **about)


def facts_of(path: Path, tiling: Tiling | None) -> SlideFacts | None:
    """Return what is known of a slide, None if a file is none. Raise PictureError if it cannot be read."""
    return next(guarded_items(slide_facts, path, path.name, path, tiling), None)


def view_of(path: Path, tiling: Tiling) -> SlideView | None:
    """Return the overview of a slide, None if a file is none. Raise PictureError if it cannot be read."""
    return next(guarded_items(view_slide, path, path.name, path, tiling), None)


def zoom_tile_of(path: Path, level: int, col: int, row: int) -> RGB | None:
    """Return a square of a slide as ``zoom_tile`` does, None if a file is none. PictureError likewise."""
    return next(guarded_items(read_zoom_tile, path, path.name, path, level, col, row), None)
