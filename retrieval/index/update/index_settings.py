"""The settings of an index as a whole: what it takes, keeps, and how it shows and cuts images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...readers.tiling import Tiling
from ...readers.window import Window
from ..storage.store import Store
from .registration import require_privacy, require_tiling, require_window, take_also
from .search_structures import set_ranker


class IndexSettings:
    """The part of ``IndexWriter`` that sets what holds for all images."""

    _store: Store

    if TYPE_CHECKING:

        def refresh(self, earlier: Any = None) -> None:
            """Answer from the newest commit from now on."""

    def require_window(self, window: Window) -> None:
        """Set the window if no image was ever indexed; raise IndexFolderError if it is another one."""
        require_window(self._store, window)
        self.refresh()

    def take_also(self, kinds: Sequence[str]) -> None:
        """Index these kinds of files as well: ``seg``, ``dose``, ``map``, ``level``; those taken before stay.

        Raises
        ------
        SettingError : another name.
        """
        take_also(self._store, kinds)
        self.refresh()

    def require_privacy(self, **wanted: str | None) -> None:
        """Let burned-in text be looked for or not, and such images be passed over; refuse any other change.

        Raises
        ------
        IndexFolderError : it was made with other ``names`` or ``thumbnails``.
        """
        require_privacy(self._store, wanted)
        self.refresh()

    def prefer_ranker(self, ranker: str, by: Sequence[str] = ()) -> None:
        """Choose what ranks dense vectors of what is fitted; the next update makes the search structures.

        Raises what ``IndexWriter.choose_ranker`` does. An engine gets its vectors now.
        """
        set_ranker(self._store, ranker, by)
        self.refresh()

    def require_tiling(self, tiling: Tiling) -> None:
        """Cut slides so, if no image was ever indexed; raise IndexFolderError if it is another way."""
        require_tiling(self._store, tiling)
        self.refresh()
