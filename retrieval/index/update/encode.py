"""Encoding: every file that lacks a representation is read, encoded and committed, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...representation import Representation
from ..catalogue.files import IndexedSource, State, encoded_by, fetch, lacking, mark_outcomes
from ..catalogue.number_set import NumberSet
from ..catalogue.pictures import count_pictures, known_pictures, next_picture, partly_removed, removed_frames
from ..catalogue.pixel_hashes import encoded_before
from ..catalogue.representations import stored_representations
from ..progress import Progress
from ..storage.merge import merge_small
from ..storage.store import Store
from .archive_files import GONE, ArchiveFiles
from .batch_encoding import Batcher, in_batches
from .freed_memory import give_back_freed
from .interrupt import held_back, interrupts
from .same_pixels import known_pixels
from .slide_bands import in_bands
from .timings import Seconds
from .transaction import COMMIT_EVERY, IdAllocator, SourceWrite, Transaction
from .worker_messages import Failure, PartialResult, Setup, Task
from .worker_setup import setup
from .workers import Executor

_COMMITS_TO_DOUBLE = 32
"""About how many commits double a large index."""

_MOST_IN_A_COMMIT = 2048
"""Images that are in memory until their commit."""


@dataclass
class Encoded:
    """Result of encoding.

    Parameters
    ----------
    n_pictures : the number of images.
    failures : (source, name, reason) of each file that failed.
    incomplete : (name, reason) of each file of which some frames could not be read.
    seconds : what the worker processes took, by stage, added over all.
    own_seconds : what this process took to write what they had made.
    """

    n_pictures: int = 0
    failures: list[tuple[int, str, Failure]] = field(default_factory=list)
    incomplete: list[tuple[str, str]] = field(default_factory=list)
    seconds: Seconds = field(default_factory=Seconds)
    own_seconds: Seconds = field(default_factory=Seconds)


@dataclass
class _LongSource:
    """A file that comes in several results, with a transaction of its own, so that it is committed whole."""

    transaction: Transaction
    write: SourceWrite


class Encoder:
    """Encode what lacks a representation, and commit it.

    Memory holds a few batches, however many files there are and however many frames a file has.

    Parameters
    ----------
    store : the index, open for writing.
    executor : does the tasks.
    files : of archives, which it brings.
    progress : is called with the stage ``read``.
    commit_every : images or files after which a commit is due.
    descriptions : the folder of what images were described by when they were learnt from; may not be there.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        files: ArchiveFiles,
        progress: Progress,
        commit_every: int = COMMIT_EVERY,
        descriptions: Path | None = None,
    ) -> None:
        self._store = store
        self._descriptions = descriptions
        self._files, self._also = files, store.also
        self._executor = executor
        self._commit_every = commit_every
        self._progress = progress
        fitted = [b for b in stored_representations(store.catalogue) if b.is_fitted]
        self._fitted = [b for b in fitted if b.base is None]  # `derive_all` does the others
        self._all = tuple(b.id for b in self._fitted)
        self._representations: Mapping[int, Representation] = {b.id: store.representation(b) for b in fitted}
        self._ids = IdAllocator(next_picture(store.catalogue))
        self._encoded = Encoded()
        self._n_known = count_pictures(store.catalogue)
        self._transaction = self._new_transaction()
        self._long: dict[int, _LongSource] = {}
        self._states: dict[int, State] = {}
        self._changed, self._partly = NumberSet(), NumberSet()

    def run(self) -> Encoded:
        """Encode all that is to be encoded. After Ctrl-C every file that was encoded completely is kept."""
        ids = lacking(self._store.catalogue, [b.id for b in self._fitted])
        if not ids:
            return self._encoded
        # Asked once: a question for each of a million new files would take longer than to write them.
        self._changed = encoded_before(self._store.catalogue)
        self._partly = partly_removed(self._store.catalogue)
        self._progress("read", 0, len(ids))
        try:
            self._encode(ids)
        except BaseException:  # an interrupt, or an error: whole files are worth keeping
            with held_back():
                self._transaction.commit()
            raise
        self._commit()
        return self._encoded

    def _encode(self, ids: Sequence[int]) -> None:
        kept = self._descriptions if self._descriptions is not None and self._descriptions.is_dir() else None
        done, about = 0, setup(self._store, self._fitted, in_batches(self._representations), kept)
        read = self._executor.run(about, self._tasks(ids, about))
        with interrupts() as held:
            for task, outcome in Batcher(self._representations).encoded(read):
                # An interrupt between two of its steps would leave a file half added.
                with held:
                    n = self._take(task, outcome)
                if n:
                    self._files.done(task.path)
                done += n
                if self._transaction.is_due:
                    self._commit()
                if task.band is not None and not n:  # a slide may take hours
                    self._progress(f"reading {task.name}", task.band.number + 1, task.band.of)
                else:
                    self._progress("read", done, len(ids))

    def _tasks(self, ids: Sequence[int], about: Setup) -> Iterator[Task]:
        sources = fetch(self._store.catalogue, ids)
        for source in self._files.brought(sources, by_series=True):
            self._states[source.id] = source.state
            for task in in_bands(self._task(source), about):
                if source.id in self._states:  # else one band has failed, and with it the file
                    yield task

    def _task(self, source: IndexedSource) -> Task:
        catalogue, about = self._store.catalogue, (source.id, source.path, source.name)
        # Whyever a file is read again, its removed frames stay out; if it changed, none are known any more.
        skip = removed_frames(catalogue, source.id) if source.id in self._partly else frozenset()
        if source.state is not State.READ:
            is_known = source.id in self._changed
            pixels = known_pixels(catalogue, source.id, self._fitted) if is_known else {}
            return Task(*about, self._all, skip=skip, also=self._also, pixels=pixels)
        encoded = encoded_by(catalogue, source.id)
        wanted = tuple(id for id in self._all if id not in encoded)
        # What is in the index is read again whatever kind of file it is.
        return Task(*about, wanted, has_thumbnails=False, skip=skip, also=None, part=source.part)

    def _take(self, task: Task, outcome: PartialResult | Failure) -> int:
        """Take a result of a task, and return the number of files that it completes."""
        if task.source not in self._states:
            return 0  # the rest of a file that was given up
        if isinstance(outcome, Failure):
            self._fail(task, outcome)
            return 1
        self._encoded.seconds.add(outcome.seconds)
        if not task.is_last:
            outcome = replace(outcome, goes_on=True)
        if not self._is_as_known(task, outcome):
            self._fail(task, Failure(State.FAILED, "its frames changed; run the same command again"))
            with self._store.catalogue.transaction():
                mark_outcomes(self._store.catalogue, [(task.source, State.PENDING, "")])
            return 1
        self._encoded.n_pictures += 0 if outcome.is_same else len(outcome.pictures)
        return self._add(task, outcome)

    def _add(self, task: Task, result: PartialResult) -> int:
        if result.goes_on and task.source not in self._long:
            transaction = self._new_transaction()
            self._long[task.source] = _LongSource(transaction, self._open(transaction, task))
        long = self._long.get(task.source)
        if long is None:
            write = self._open(self._transaction, task, result.is_same)
            self._transaction.add(write, result.pictures)
        else:
            write = long.write
            long.transaction.add(write, result.pictures)
        if result.damage.kinds:
            write.damage += result.damage
        write.contents = result.contents or write.contents
        if result.goes_on:
            return 0
        # One band without a tile that can be read says nothing; all of them, that the slide is damaged.
        if task.band is not None and write.damage.kinds and not write.pictures:
            self._fail(task, Failure(State.SKIPPED, write.damage.first_reason))
            return 1
        if write.reason:
            self._encoded.incomplete.append((task.name, write.reason))
        if self._long.pop(task.source, None) and long is not None:
            long.transaction.commit()
        self._states.pop(task.source)
        return 1

    def _is_as_known(self, task: Task, result: PartialResult) -> bool:
        """Tell if a file that is in the index still holds the frames that the index knows."""
        # Its size and time say that it is unchanged, but a new version of a reader may find other frames.
        if self._states[task.source] is not State.READ:
            return True
        long = self._long.get(task.source)
        known = known_pictures(self._store.catalogue, task.source) if long is None else long.write.known
        n = len(result.pictures) + (0 if long is None else len(long.write.pictures))
        return all(p.name in known for p in result.pictures) and (result.goes_on or n == len(known))

    def _open(self, transaction: Transaction, task: Task, is_same: bool = False) -> SourceWrite:
        is_new = self._states[task.source] is not State.READ
        return transaction.open(task.source, is_new, task.encode, is_same)

    def _fail(self, task: Task, failure: Failure) -> None:
        if task.source in self._files.lost:
            failure = replace(failure, reason=GONE)
        if (long := self._long.pop(task.source, None)) is not None:
            long.transaction.discard()
        # A file that is in the index and cannot be read now, for one more representation, stays in it;
        # the label of a slide, which earlier versions took, does not.
        if self._states.pop(task.source) is not State.READ or failure.is_final:
            self._transaction.fail(task.source, failure)
        self._encoded.failures.append((task.source, task.name, failure))

    def _commit(self) -> None:
        with held_back(), self._encoded.own_seconds.of("committing"):
            self._transaction.commit()
            self._transaction = self._new_transaction()
        # Here and not at the end: an update of a million images would leave thousands of segments.
        with self._encoded.own_seconds.of("merging"):
            merge_small(self._store, self._representations)
        give_back_freed()

    def _new_transaction(self) -> Transaction:
        # A commit writes the checksums of the whole catalogue: as many for each image of a large index as of
        # a small one would take longer than all else. Its images are in memory until then.
        n = (self._n_known + self._encoded.n_pictures) // _COMMITS_TO_DOUBLE
        n = max(self._commit_every, min(n, _MOST_IN_A_COMMIT))
        return Transaction(self._store, self._representations, self._ids, n)
