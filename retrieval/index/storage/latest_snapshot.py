"""The latest snapshot: questions are answered by one commit, and by a newer one if that is gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from ...errors import IndexFolderError
from ...representation import Representation
from .engines import Engines
from .snapshot import Snapshot
from .snapshot_rankers import MovedOnError
from .store import Store

T = TypeVar("T")
_PATIENCE = 20  # new snapshots, while a writer makes one commit after the other


class LatestSnapshot:
    """Hold a snapshot of a store, taken when it is first needed, until ``refresh``.

    ``restored`` are the representations that are in memory, by their recipes.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._engines = store, Engines()
        self._taken: Snapshot | None = None
        self.restored: Mapping[str, Representation] = {}

    @property
    def now(self) -> Snapshot:
        """The snapshot."""
        if self._taken is None:
            self._taken = self._take()
            self.restored = self._taken.restored
        return self._taken

    @property
    def lacking(self) -> str:
        """What the last question of this thread could not ask, in a sentence; empty if all was asked."""
        return self._engines.said

    def _take(self) -> Snapshot:
        return Snapshot(self._store, self.restored, self._engines)

    def refresh(self, restored: Mapping[str, Representation] | None = None) -> None:
        """Answer from the newest commit from now on.

        Representations that are in memory, here or among those ``restored`` elsewhere, are not loaded again.
        """
        self._taken = None
        self.restored = {**self.restored, **(restored or {})}

    def close(self) -> None:
        """Let go of connections to engines."""
        self._engines.close()

    def ask(self, question: Callable[[Snapshot], T]) -> T:
        """Ask the snapshot a question; if a writer has merged its files away, ask a newer one.

        Raises
        ------
        IndexFolderError : a writer is faster than any question.
        """
        self._engines.listen()
        return self.look(question)

    def look(self, question: Callable[[Snapshot], T]) -> T:
        """Ask what the catalogue alone answers; ``lacking`` stays as it is. Raises IndexFolderError too."""
        # A merge deletes files that an older snapshot still names; nothing is lost, so ask again.
        for _ in range(_PATIENCE):
            try:
                return question(self.now)
            except MovedOnError:
                self.refresh()
        raise IndexFolderError(f"{self._store.folder}: changes too fast to be read; try again later")
