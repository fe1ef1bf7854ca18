"""The latest snapshot: questions are answered by one commit, and by a newer one if that is gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from ...errors import IndexFolderError
from ...representation import Representation
from .snapshot import MovedOnError, Snapshot
from .store import Store

T = TypeVar("T")
_PATIENCE = 20  # new snapshots, while a writer makes one commit after the other


class LatestSnapshot:
    """Hold a snapshot of a store, taken when it is first needed, until ``refresh``."""

    def __init__(self, store: Store, restored: Mapping[str, Representation] | None = None) -> None:
        self._store = store
        self._taken: Snapshot | None = None
        self._restored = restored or {}

    @property
    def now(self) -> Snapshot:
        """The snapshot."""
        if self._taken is None:
            self._taken = Snapshot(self._store, self._restored)
            self._restored = self._taken.restored
        return self._taken

    @property
    def restored(self) -> Mapping[str, Representation]:
        """The representations that are in memory, by their recipes."""
        return self._restored

    def refresh(self) -> None:
        """Answer from the newest commit from now on."""
        self._taken = None

    def ask(self, question: Callable[[Snapshot], T]) -> T:
        """Ask the snapshot a question; if a writer has merged its files away, ask a newer one.

        Raises
        ------
        IndexFolderError : a writer is faster than any question.
        """
        # A merge deletes files that an older snapshot still names; nothing is lost, so ask again.
        for _ in range(_PATIENCE):
            try:
                return question(self.now)
            except MovedOnError:
                self.refresh()
        raise IndexFolderError(f"{self._store.folder}: changes too fast to be read; try again later")
