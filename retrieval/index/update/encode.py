"""Encoding: every file that lacks a representation is read, described and published, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...representation import Representation
from ..catalogue.files import IndexedSource, State, fetch, lacking, mark_outcome
from ..catalogue.pictures import known_pictures, next_picture, removed_frames
from ..catalogue.representations import StoredRepresentation, bindings
from ..progress import Progress
from ..storage.merge import merge_small
from ..storage.store import Store
from .batch_encoding import Batcher
from .interrupt import held_back
from .transaction import IdAllocator, SourceWrite, Transaction
from .worker_task import Failure, PartialResult, Setup, Spec, Task
from .workers import Executor


@dataclass
class Outcome:
    """What encoding came to: how many pictures, and which files failed and why."""

    n_pictures: int = 0
    failures: list[tuple[int, str, Failure]] = field(default_factory=list)


@dataclass
class _Long:
    """A file of many pieces, with a draft of its own, so that it is published whole."""

    draft: Transaction
    read: SourceWrite


class Encoder:
    """Read what lacks a representation, and publish what comes of it.

    Memory holds a few batches, however many files there are and however many frames a file has.
    """

    def __init__(self, store: Store, crew: Executor, progress: Progress) -> None:
        self._store = store
        self._crew = crew
        self._progress = progress
        fitted = [b for b in bindings(store.catalogue) if b.is_fitted]
        self._fitted = [b for b in fitted if b.base is None]
        self._representations: Mapping[int, Representation] = {b.id: store.representation(b) for b in fitted}
        self._numbers = IdAllocator(next_picture(store.catalogue))
        self._draft = self._new_draft()
        self._long: dict[int, _Long] = {}
        self._states: dict[int, State] = {}
        self._outcome = Outcome()

    def run(self) -> Outcome:
        """Encode all there is to encode. After Ctrl-C everything that was encoded whole is kept."""
        ids = lacking(self._store.catalogue, [b.id for b in self._fitted])
        if not ids:
            return self._outcome
        done = 0
        self._progress("read", 0, len(ids))
        try:
            read = self._crew.run(setup(self._store, self._fitted), self._tasks(ids))
            for task, outcome in Batcher(self._representations).encoded(read):
                with held_back():
                    done += self._take(task, outcome)
                if self._draft.is_due:
                    self._publish()
                self._progress("read", done, len(ids))
        except BaseException:
            with held_back():
                self._draft.publish()
            raise
        self._publish()
        return self._outcome

    def _tasks(self, ids: Sequence[int]) -> Iterator[Task]:
        encoded = _encoded(self._store, ids)
        for source in fetch(self._store.catalogue, ids):
            self._states[source.id] = source.state
            yield self._task(source, next(encoded))

    def _task(self, source: IndexedSource, encoded: frozenset[int]) -> Task:
        is_new = source.state is not State.READ
        wanted = tuple(b.id for b in self._fitted if is_new or b.id not in encoded)
        skip = frozenset() if is_new else removed_frames(self._store.catalogue, source.id)
        return Task(source.id, source.path, source.name, wanted, has_thumbnails=is_new, skip=skip)

    def _take(self, task: Task, outcome: PartialResult | Failure) -> int:
        """Take what came of a task. Returns how many files are done by it."""
        if isinstance(outcome, Failure):
            self._fail(task, outcome)
            return 1
        if task.source not in self._states:
            return 0  # the rest of a file that was given up
        if not self._is_as_known(task, outcome):
            self._fail(task, Failure(State.FAILED, "its frames changed; run the same command again"))
            with self._store.catalogue.transaction():
                mark_outcome(self._store.catalogue, task.source, State.PENDING)
            return 1
        self._outcome.n_pictures += len(outcome.pictures)
        return self._add(task, outcome)

    def _add(self, task: Task, piece: PartialResult) -> int:
        if piece.goes_on and task.source not in self._long:
            draft = self._new_draft()
            self._long[task.source] = _Long(draft, self._open(draft, task))
        long = self._long.get(task.source)
        if long is None:
            self._draft.add(self._open(self._draft, task), piece.pictures)
        else:
            long.draft.add(long.read, piece.pictures)
        if piece.goes_on:
            return 0
        if self._long.pop(task.source, None) and long is not None:
            long.draft.publish()
        self._states.pop(task.source)
        return 1

    def _is_as_known(self, task: Task, piece: PartialResult) -> bool:
        """Tell whether a file that is in the index holds the frames that the index knows of."""
        if self._states[task.source] is not State.READ:
            return True
        known = known_pictures(self._store.catalogue, task.source)
        before = len(self._long[task.source].read.pictures) if task.source in self._long else 0
        n = before + len(piece.pictures)
        return all(p.name in known for p in piece.pictures) and (piece.goes_on or n == len(known))

    def _open(self, draft: Transaction, task: Task) -> SourceWrite:
        return draft.open(task.source, self._states[task.source] is not State.READ, task.encode)

    def _fail(self, task: Task, failure: Failure) -> None:
        if (long := self._long.pop(task.source, None)) is not None:
            long.draft.discard()
        # A file that is in the index and cannot be read now, for one more representation, stays in it.
        if self._states.pop(task.source) is not State.READ:
            self._draft.fail(task.source, failure)
        self._outcome.failures.append((task.source, task.name, failure))

    def _publish(self) -> None:
        with held_back():
            self._draft.publish()
            self._draft = self._new_draft()
        merge_small(self._store, self._representations)

    def _new_draft(self) -> Transaction:
        return Transaction(self._store, self._representations, self._numbers)


def setup(store: Store, chosen: Sequence[StoredRepresentation]) -> Setup:
    """Return what workers need to know to make representations again."""
    models = store.folder.absolute() / "models"
    specs = tuple(
        Spec(b.id, b.name, b.settings, None if b.model is None else models / b.model) for b in chosen
    )
    return Setup(store.window.text, store.salt, specs, store.factories)


def _encoded(store: Store, ids: Sequence[int]) -> Iterator[frozenset[int]]:
    """Yield for each source which representations have encoded it."""
    for id in ids:
        rows = store.catalogue.rows("SELECT representation FROM encoded WHERE source = ?", id)
        yield frozenset(row[0] for row in rows)
