"""What an index says of whole slides: how it cuts them, and what is known of one on disk."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .reading import facts_of, read_file, view_of, zoom_tile_of
from .store import Store

if TYPE_CHECKING:
    from ...picture import Picture
    from ...readers.slides.facts import SlideFacts
    from ...readers.slides.reader import SlideView
    from ...readers.slides.slide import RGB
    from ...readers.tiling import Frame, Tiling


class SlideFiles:
    """The part of ``Index`` that is about whole slides."""

    _store: Store

    @property
    def tiling(self) -> Tiling | None:
        """How slides are cut into tiles; None if their first level is one image."""
        return self._store.tiling

    def slide_facts(self, path: Path) -> SlideFacts | None:
        """Return what is known of a slide on disk, None of another file. PictureError if it is damaged."""
        return facts_of(path, self._store.tiling)

    def slide_view(self, path: Path) -> SlideView | None:
        """Return the overview of a slide on disk, with its tissue and tiles; None of another file."""
        tiling = self._store.tiling
        return None if tiling is None else view_of(path, tiling)

    def slide_square(self, path: Path, level: int, col: int, row: int) -> RGB | None:
        """Return a square of a slide on disk, see ``slides.deep_zoom``; None of another file.

        PictureError if there is no such square, or it is damaged.
        """
        return zoom_tile_of(path, level, col, row)

    def read_query(self, path: Path, frames: Collection[Frame] | None = None) -> Iterator[Picture]:
        """Read the images of any file as this index reads its own. Raise PictureError if that fails."""
        return read_file(self._store, Path(path), frames)
