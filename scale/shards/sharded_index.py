"""The sharded index: an index whose catalogue is here, and whose vectors are in shards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexFolderError
from retrieval.index import Index
from retrieval.index.catalogue.connection import on_error
from retrieval.index.catalogue.recipe import Factories
from retrieval.index.catalogue.split_marks import HEAD, mark_of
from retrieval.index.storage.latest_snapshot import LatestSnapshot
from retrieval.index.storage.snapshot import Snapshot
from retrieval.index.storage.store import Store
from retrieval.ranker import Ids, Ranker
from retrieval.rankers.array_files import load_arrays
from retrieval.representation import Representation

from .fleet import RETRY, Fleet, ShardAwayError
from .gather import gathered
from .messages import ragged_of
from .plan import Plan, read_plan
from .read_ahead import ReadAhead
from .spread_ranker import SpreadRanker

T = TypeVar("T")


class ShardedIndex(Index):
    """An index of shards, open for questions: every answer is that of the one index, to the last bit.

    Images of a shard that is away are not found, as if a condition left them out, and ``lacking`` of the
    snapshot says so: it is never asked, and never counted in what could have been found.
    """

    def __init__(
        self, store: Store, fleet: Fleet, owners: NDArray[np.uint16], must_be_whole: bool = False
    ) -> None:
        super().__init__(store)
        self._fleet = fleet
        self._latest: _LatestOfShards = _LatestOfShards(store, fleet, owners, must_be_whole)

    @classmethod
    def open(cls, folder: Path, *, factories: Factories | None = None, must_be_whole: bool = False) -> Self:
        """Open the index of a ``shards.toml``. Raise IndexFolderError if it, or the head, is not right.

        ``must_be_whole`` : a question that meets a shard that is away is refused, not answered without it.
        """
        plan = read_plan(Path(folder))
        store = Store.open_head(plan.head, factories or {})
        with on_error(store.close):
            return cls(store, Fleet(plan), _owners(store, plan), must_be_whole)

    def whole(self) -> AbstractContextManager[None]:
        """Return a block in which questions of this thread are refused if they meet a shard that is away."""
        return self._latest.whole()

    def close(self) -> None:
        """Let go of the head and the shards."""
        self._fleet.close()
        super().close()


class ShardedSnapshot(Snapshot):
    """A snapshot of the head, whose vectors, evidence and thumbnails are those of the shards."""

    def __init__(
        self,
        store: Store,
        restored: Mapping[str, Representation],
        fleet: Fleet,
        owners: NDArray[np.uint16],
    ) -> None:
        super().__init__(store, restored)
        self._fleet, self._owners = fleet, owners
        self._spread: dict[str, SpreadRanker] = {}
        # Read once: whatever goes away or comes back meanwhile, all answers are of the same shards.
        lost = fleet.lost
        self.lost = frozenset(lost)
        self.lacking = _lacking(fleet.plan, lost)
        self._small = ReadAhead(lambda at: self._gather({"ask": "thumbnails"}, at), self.available)

    @property
    def available(self) -> NDArray[np.bool_]:
        """Which images are in shards that are not away, bool (n,) by position."""
        return ~np.isin(self._owners, list(self.lost))

    def ranker(self, name: str) -> Ranker:
        """Return the ranker of a representation; see ``SpreadRanker``."""
        # The head's own ranker holds the sample alone.
        if name not in self._spread:
            present = [shard.number for shard in self._fleet.plan.shards if shard.number not in self.lost]
            about = (super().ranker(name), self.ids, self._owners)
            self._spread[name] = SpreadRanker(self._fleet, present, name, *about)
        return self._spread[name]

    def evidence(self, name: str, position: int) -> NDArray[np.void] | None:
        """Return the local evidence of an image."""
        return self.evidences(name, np.array([position], dtype=np.int64))[0]

    def evidences(self, name: str, positions: Ids) -> list[NDArray[np.void] | None]:
        """Return the local evidence of several images, each shard asked once."""
        return self._gather({"ask": "evidence", "by": name}, positions)

    def thumbnail(self, position: int) -> bytes:
        """Return the thumbnail of an image."""
        found = self._small.get(position)
        # A shard raises if it has lost one; None is for evidence alone.
        assert found is not None
        return found.tobytes()

    def thumbnails(self, positions: Sequence[int]) -> list[bytes]:
        """Return the thumbnails of several images, each shard asked once."""
        found = self._gather({"ask": "thumbnails"}, np.array(positions, dtype=np.int64))
        return [one.tobytes() for one in found if one is not None]

    def _gather(self, about: Mapping[str, str], positions: Ids) -> list[NDArray[np.void] | None]:
        """Return what the shards keep of some images, in the order of these."""
        return gathered(self._fleet, about, positions, self._owners, self.ids, ragged_of)


class _LatestOfShards(LatestSnapshot):
    """The snapshot of the head, and a new one whenever a shard goes away or may be back."""

    def __init__(self, store: Store, fleet: Fleet, owners: NDArray[np.uint16], must_be_whole: bool) -> None:
        super().__init__(store)
        self._fleet, self._owners, self._must_be_whole = fleet, owners, must_be_whole
        # By thread: another one may meet a shard that is away, or one that is back, at the same time.
        self._told = threading.local()

    def _take(self) -> Snapshot:
        return ShardedSnapshot(self._store, self.restored, self._fleet, self._owners)

    @property
    def lacking(self) -> str:
        """What the last question of this thread could not ask, in a sentence."""
        return str(getattr(self._told, "lacking", ""))

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Refuse, within the block, what meets a shard that is away, also one that was away before."""
        self._told.must_be_whole = True
        try:
            yield
        finally:
            self._told.must_be_whole = False

    @property
    def _needs_all(self) -> bool:
        return self._must_be_whole or getattr(self._told, "must_be_whole", False)

    def ask(self, question: Callable[[Snapshot], T]) -> T:
        """Ask the shards that are there; a question that meets one that is away is asked anew without it."""
        if self._fleet.give_another_chance(after=0.0 if self._needs_all else RETRY):
            self.refresh()
        asked: list[Snapshot] = []

        def noted(snapshot: Snapshot) -> T:
            asked.append(snapshot)
            # Of another thread, which goes on without a shard.
            if self._needs_all and isinstance(snapshot, ShardedSnapshot) and snapshot.lost:
                number = min(snapshot.lost)
                raise ShardAwayError(number, self._fleet.lost.get(number, ("no answer", 0.0))[0])
            return question(snapshot)

        while True:
            try:
                found = super().ask(noted)
            except ShardAwayError as error:
                self._go_on_without(error, asked[-1])
            else:
                self._told.lacking = asked[-1].lacking
                return found

    def _go_on_without(self, error: ShardAwayError, snapshot: Snapshot) -> None:
        """Note that a shard is away. Raise IndexFolderError if there is no answer without it."""
        who = f"{self._fleet.plan.path}: {error} is away, and"
        # A measure, or a file of all vectors, of some of the images would be taken for that of all.
        if self._needs_all:
            raise IndexFolderError(f"{who} this needs every shard; start it, and run it again") from error
        # The snapshot knew: so this question needs an image that only this shard has.
        if isinstance(snapshot, ShardedSnapshot) and error.number in snapshot.lost:
            self._told.lacking = snapshot.lacking
            raise IndexFolderError(f"{who} holds what is asked with") from error
        self._fleet.lose(error)
        if not self._fleet.present:
            raise IndexFolderError(f"{self._fleet.plan.path}: no shard answers: {error}") from error
        # What was computed with that shard must not be mixed with what is found without it.
        self.refresh()


def _owners(store: Store, plan: Plan) -> NDArray[np.uint16]:
    """Return the shard of each image, by position, as the head has it."""
    mark = mark_of(store.catalogue, HEAD)
    if mark is None or mark["split"] != plan.split or mark["of"] != len(plan.shards):
        raise IndexFolderError(f"{plan.head}: is not the head of these shards; give that of {plan.path}")
    owners: NDArray[np.uint16] = load_arrays(store.folder / "models" / str(mark["owners"]))["owners"]
    # Who has changed the plan by hand may have lost a shard: no answer would show it.
    counts = np.bincount(owners, minlength=len(plan.shards)).tolist()
    if counts != [shard.images for shard in plan.shards]:
        raise IndexFolderError(f"{plan.path}: images is not what the head says; list the shards as they were")
    return owners


def _lacking(plan: Plan, lost: Mapping[int, tuple[str, float]]) -> str:
    if not lost:
        return ""
    asked = sum(shard.images for shard in plan.shards if shard.number not in lost)
    share = asked / max(1, sum(shard.images for shard in plan.shards))
    away = "; ".join(f"shard {number} ({reason})" for number, (reason, _) in sorted(lost.items()))
    who = f"{len(lost)} of {len(plan.shards)} shards {'is' if len(lost) == 1 else 'are'} away"
    return f"{who}, so that {share:.1%} of the images were asked: {away}"
