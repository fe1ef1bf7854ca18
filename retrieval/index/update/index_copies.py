"""The copies of an index at engines, as its writer makes and drops them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...errors import OptionError
from ..catalogue.engine_copies import stored_copies
from ..catalogue.representations import stored_representations
from ..progress import Progress, silent
from ..storage.ranker_choice import check_engine
from ..storage.store import Store
from .push import PushReport, drop_copy, follow_copies, push
from .search_structures import dense_names


class IndexCopies:
    """The part of ``IndexWriter`` that copies vectors to engines.

    Attributes
    ----------
    behind : why copies could not follow the last change, a sentence each.
    """

    _store: Store
    behind: tuple[str, ...] = ()

    if TYPE_CHECKING:

        def refresh(self, earlier: Any = None) -> None:
            """Answer from the newest commit from now on."""

    def push(self, engine: str, by: Sequence[str] = (), *, progress: Progress = silent) -> list[PushReport]:
        """Copy dense vectors, numbers and filterable columns to an engine, ``milvus:http://host:19530``.

        What is there already is compared by checksums, and only what differs is written. Later updates bring
        the copy up to date; ``choose_ranker`` lets queries ask it.

        Parameters
        ----------
        by : representations; empty for all that have dense vectors.

        Raises
        ------
        OptionError : no engine or representation of this name, or its vectors are sparse.
        EngineError : the engine does not answer, refuses, or loses what was written.
        """
        check_engine(engine)
        try:
            return [push(self._store, name, engine, progress) for name in self._dense(by)]
        finally:
            self.refresh()

    def drop_copies(self, engine: str, by: Sequence[str] = (), *, forget: bool = False) -> list[str]:
        """Delete copies at an engine, and return the names of their representations.

        Raises OptionError if there are none; EngineError if the engine does not answer: the copy stays known
        then, unless it is to be forgotten.
        """
        check_engine(engine)
        known = stored_copies(self._store.catalogue)
        chosen = [name for name, copy in known.items() if copy.engine == engine and (not by or name in by)]
        if not chosen:
            raise OptionError(f"{engine} holds no copy of this index", "to")
        # One after the other: what was dropped before a failure is forgotten, as it is gone.
        for name in chosen:
            drop_copy(self._store, name, forget)
        self.refresh()
        return chosen

    def _follow(self, progress: Progress = silent) -> None:
        """Bring copies up to date after a change, as far as their engines answer."""
        self.behind = follow_copies(self._store, progress)

    def _dense(self, names: Sequence[str]) -> list[str]:
        found = [b for b in stored_representations(self._store.catalogue) if b.is_fitted and not b.is_next]
        if unknown := set(names) - {b.name for b in found}:
            raise OptionError(f"no representation {min(unknown)!r} in this index", "by")
        return dense_names(self._store, found, names)
